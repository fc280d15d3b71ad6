"""The audit signs the history's last line, where there is a key; nothing hangs on it."""

from __future__ import annotations

from typing import Any

from msfailover.adapters import clients
from msfailover.signatures import ALGORITHM, Signature

from tests.functions.answers import Answers
from tests.functions.conftest import Start
from tests.functions.record import PAIR, Record
from tests.samples import state


def test_the_history_is_signed_once_for_each_new_line_where_there_is_a_key(
    run: Start, record: Record, answers: Answers
) -> None:
    kms: Any = clients.kms()
    made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    audit = run("audit", TABLE_NAME=record.name, HISTORY_SIGNING_KEY=made)
    asked: list[str] = []
    kms.meta.events.register("before-call.kms.Sign", lambda **_: asked.append("signed"))
    record.put(state())
    audit.handler({}, None)
    assert asked == [], "there is no line yet"
    for number in range(2):
        record.note(number)
        for handler in (audit.handler, audit.handler, audit.handler.within()):  # the last one is a process that is new
            handler({}, None)
    assert len(asked) == 2
    for stored in record.signatures():
        found = Signature.from_json(PAIR, stored)
        answer = kms.verify(KeyId=made, Message=found.message, Signature=found.signature, SigningAlgorithm=ALGORITHM)
        assert answer["SignatureValid"]
    assert record.signatures()[-1]["digest"] == record.table.read().chain.digest


def test_a_key_that_does_not_sign_fails_no_audit(run: Start, record: Record, answers: Answers) -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/gone"
    audit = run("audit", TABLE_NAME=record.name, HISTORY_SIGNING_KEY=key)
    record.put(state())
    record.note(1)
    assert audit.handler({}, None)["risk"]
    assert record.signatures() == []
