"""Is a call allowed? Tested by making it in a form that can't do anything, and reading the refusal.

AWS checks permissions before it checks what a call says. So a call that is refused for what it says was allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from botocore.exceptions import BotoCoreError, ClientError

from msfailover.verdict import Verdict, no, unknown, yes

DENIED = (
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "AuthorizationErrorException",
)


def is_allowed(what: str, harmless: Callable[[], object], refusals: Iterable[str]) -> Verdict:
    """Try a call.

    Args:
        what: the call's name, for people ("ec2:StopInstances on i-1").
        harmless: makes the call, in a form that can't do anything.
        refusals: the error codes that refuse it for its form, after the permission was found.
    """
    try:
        harmless()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in refusals:
            return yes(f"{what} is allowed.")
        if code in DENIED:
            return no(f"{what} is denied: {error.response['Error'].get('Message', code)[:300]}")
        return unknown(
            f"Whether {what} is allowed is not known: {code}: {error.response['Error'].get('Message', '')[:200]}"
        )
    except BotoCoreError as error:
        return unknown(f"Whether {what} is allowed is not known: {error}")
    return unknown(f"Whether {what} is allowed is not known: the call that was to be refused for its form was not.")


def all_allowed(found: Mapping[str, Verdict]) -> Verdict:
    """One answer for several tried calls: the first that is not yes, or yes with all of their names."""
    for verdict in found.values():
        if verdict.is_no:
            return verdict
    doubtful = next((each for each in found.values() if not each.is_yes), None)
    return doubtful or yes(f"Allowed: {', '.join(found)}.")


def try_all(calls: Mapping[str, Callable[[], object]], *refusals: str) -> Verdict:
    """Try several calls by their names; see `is_allowed`."""
    return all_allowed({name: is_allowed(name, call, refusals) for name, call in calls.items()})
