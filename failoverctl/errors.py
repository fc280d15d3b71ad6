"""Exit codes, and the errors that a person can do something about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSOError,
    TokenRetrievalError,
)
from msfailover.text import clean


class Exit(IntEnum):
    """How failoverctl ends; scripts may rely on these. docs/operate.md has the same table (a test compares them)."""

    DONE = 0
    NOT_WELL = 1
    USAGE = 2  # argparse's own
    NOT_DONE = 3
    ROLLED_BACK = 4
    HALTED = 5
    UNFOLLOWED = 6
    CANNOT_ASK = 7
    DECLINED = 8
    CANNOT_WRITE = 9
    FAULT = 70
    INTERRUPTED = 130
    CLOSED = 141


MEANING = {
    Exit.DONE: "done, and all is well",
    Exit.NOT_WELL: "shown, and something needs a person"
    " (status, readiness, init, history --verify, report --replay, acceptance)",
    Exit.USAGE: "the command line was not understood",
    Exit.NOT_DONE: "refused, blocked or stood-down: nothing was touched; a dry run: it would not be done",
    Exit.ROLLED_BACK: "a switchover went back to the server it came from",
    Exit.HALTED: "stopped for a person after something was touched",
    Exit.UNFOLLOWED: "the execution goes on, timed out or was aborted: its outcome is not known here",
    Exit.CANNOT_ASK: "AWS could not be asked: credentials, permissions, stack or network; or there is no testbed",
    Exit.DECLINED: "a person said no, or nobody was at the terminal to ask",
    Exit.CANNOT_WRITE: "the output could not be written: the disk is full, say",
    Exit.FAULT: "failoverctl itself failed: please report it",
    Exit.INTERRUPTED: "Ctrl-C: not followed any further; what runs goes on",
    Exit.CLOSED: "whoever read the output closed it, as `head` does",
}


class CommandError(Exception):
    """What kept a command from being done: a sentence or two that say what is wrong and what to do."""

    def __init__(self, sentence: str, code: Exit = Exit.CANNOT_ASK) -> None:
        super().__init__(clean(sentence))
        self.code = code


_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_UNKNOWN_KEYS = ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "AuthFailure")
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")


@contextmanager
def plainly(doing: str) -> Iterator[None]:
    """Turn AWS's errors into a sentence.

    Args:
        doing: what was tried, to be read after "to": "read the stack demo".

    Raises:
        CommandError: in place of any error of botocore.
    """
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise CommandError(
            "There are no AWS credentials: log in (`aws sso login`), set AWS_PROFILE, or give --profile."
        ) from error
    except (SSOError, TokenRetrievalError) as error:
        raise CommandError(f"The login has run out or was never made: run `aws sso login` first. ({error})") from error
    except ProfileNotFound as error:
        raise CommandError(f"{error}. `aws configure list-profiles` lists those there are.") from error
    except NoRegionError as error:
        raise CommandError("No region is set: give --region, or set AWS_REGION.") from error
    except (EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError) as error:
        raise CommandError(
            f"AWS does not answer, to {doing}: {error}. Is the region right, is the network up?"
        ) from error
    except ClientError as error:
        raise CommandError(_refusal(error, doing)) from error
    except BotoCoreError as error:
        raise CommandError(f"AWS could not be asked to {doing}: {error}") from error


def is_denied(error: CommandError) -> bool:
    """Whether AWS refused a call because these credentials may not make it."""
    cause = error.__cause__
    return isinstance(cause, ClientError) and cause.response["Error"]["Code"] in _DENIED


def _refusal(error: ClientError, doing: str) -> str:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code in _EXPIRED:
        return "The AWS credentials have expired: log in again (`aws sso login`)."
    if code in _UNKNOWN_KEYS:
        return f"AWS does not know these credentials ({code}): is the profile right?"
    if code in _DENIED:
        return (
            f"These credentials may not {doing} ({error.operation_name}): {message} See docs/operate.md, permissions."
        )
    return f"AWS refused to {doing}: {code}: {message}"
