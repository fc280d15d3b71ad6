"""Asking AWS, reading only: a refusal leaves a gap that is said, and never a guess."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError
from msfailover.text import clean

from failoverctl.account import Account
from failoverctl.errors import CommandError, plainly

READS = ("Describe", "List", "Get")
"""How the names of the operations begin that change nothing."""
PAGES_AT_MOST = 50


class Reader:
    """The account's APIs, as far as they only read. `unread` collects what could not be read, a sentence each."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.unread: list[str] = []

    @property
    def region(self) -> str:
        return str(self._account.client("ec2").meta.region_name)

    def one(self, service: str, operation: str, what: str, absent: Sequence[str] = (), **request: Any) -> Any:
        """One answer; None where it was refused, which is noted, or where the thing is absent, which is not.

        Args:
            operation: as botocore's method ("describe_subnets").
            what: is read, for people, to be read after "read".
            absent: error codes that mean that there is no such thing.

        Raises:
            CommandError: nobody could be asked: credentials, region or network.
        """
        found = self._pages(service, operation, what, absent, request)
        return found[0] if found else None

    def all(self, service: str, operation: str, key: str, what: str, absent: Sequence[str] = (), **request: Any) -> Any:
        """The items of every page; none where the thing is absent, None where it was refused."""
        pages = self._pages(service, operation, what, absent, request)
        return None if pages is None else [each for page in pages for each in page.get(key, [])]

    def _pages(
        self, service: str, operation: str, what: str, absent: Sequence[str], request: dict[str, Any]
    ) -> list[dict[str, Any]] | None:
        client = self._account.client(service)
        if not client.meta.method_to_api_mapping[operation].startswith(READS):
            raise ValueError(f"{operation} does not only read")
        try:
            with plainly(f"read {what}"):
                if not client.can_paginate(operation):
                    return [getattr(client, operation)(**request)]
                found = []
                for page in client.get_paginator(operation).paginate(**request):
                    found.append(page)
                    if len(found) > PAGES_AT_MOST:
                        self.unread.append(f"There are more than {PAGES_AT_MOST} pages of {what}.")
                        return None
                return found
        except CommandError as error:
            refusal = error.__cause__
            if not isinstance(refusal, ClientError):
                raise
            if refusal.response["Error"]["Code"] in absent:
                return []
            self.unread.append(clean(error))
            return None
