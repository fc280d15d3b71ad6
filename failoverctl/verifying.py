"""`failoverctl history --verify`: is the history as it was written, and was it signed when it was?"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError
from msfailover import chain, signatures
from msfailover.signatures import ALGORITHM, Signature
from msfailover.verdict import Answer, Verdict
from rich.text import Text

from failoverctl.account import Account, Stack, stored_signatures, whole_history
from failoverctl.commands import CommandContext
from failoverctl.errors import CommandError, Exit, plainly

AT_ONCE = 8
"""Signatures that KMS is asked about side by side."""
_STYLES = {Answer.YES: "green", Answer.NO: "red", Answer.UNKNOWN: "yellow"}


def verify_history(context: CommandContext) -> Exit:
    """Is the history as it was written? In one sentence, and one more where a key signs it."""
    given = context.arguments
    if given.csv or given.since or given.outcome:
        raise CommandError("--verify reads the whole history: give no --csv, --since or --outcome.", Exit.USAGE)
    stack, now = context.stack(), time.time()
    key = stack.parameters.get("HistorySigningKeyArn")
    # Before the lines: whatever was signed by now is to be among them.
    kept = stored_signatures(context.account, stack) if key else []
    lines, head = whole_history(context.account, stack)
    found = chain.verify(lines, head, now)
    said = Text(found.sentence, style=_STYLES[found.answer])
    answer = {**found.to_json(), "head": head.to_json()}
    well = found.is_yes
    if well and key and (head.number or kept):
        signed = _signed(context.account, stack, key, kept, (chain.lines_of(lines, found), head.number), now)
        said.append(f"\n{signed.sentence}", style=_STYLES[signed.answer])
        answer["signed"] = signed.to_json()
        well = signed.is_yes
    if head.digest:
        said.append(f"\nThe last line's digest: {head.digest}", style="dim")
    context.show(answer, said)
    return Exit.DONE if well else Exit.NOT_WELL


def _signed(
    account: Account,
    stack: Stack,
    key: str,
    kept: list[dict[str, Any]],
    verified: tuple[list[chain.Line], int],
    now: float,
) -> Verdict:
    (lines, last) = verified
    try:
        made = [Signature.from_json(stack.pair, each) for each in kept]
    except ValueError as error:
        return Verdict(Answer.NO, str(error))
    numbers = {chain.number_of(each) for each in lines}
    ours = [each for each in made if each.number in numbers or each.number > last]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        genuine = dict(zip(ours, threads.map(lambda each: _is_genuine(account, key, each), ours), strict=True))
    return signatures.verify(lines, last, ours, genuine.__getitem__, now)


def _is_genuine(account: Account, key: str, made: Signature) -> bool:
    """Whether KMS says that the key has made it. Raises CommandError where it could not be asked."""
    try:
        with plainly("verify a signature"):
            answer = account.client("kms").verify(
                KeyId=key,
                Message=made.message,
                MessageType="RAW",
                Signature=made.signature,
                SigningAlgorithm=ALGORITHM,
            )
    except CommandError as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and cause.response["Error"]["Code"] == "KMSInvalidSignatureException":
            return False
        raise
    return answer.get("SignatureValid") is True
