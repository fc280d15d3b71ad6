"""Is it the right database? What `DatabaseHost` leads to must stand behind the access group, or nothing is proven."""

from __future__ import annotations

from collections.abc import Iterable

from msfailover.observations import parse_address
from msfailover.verdict import Verdict, unknown, yes


def is_guarded(resolved: Iterable[str], guarded: Iterable[str]) -> Verdict:
    """Say whether every address of the database is one of an interface that carries the access group.

    Args:
        resolved: the addresses that `DatabaseHost` leads to now, as a function inside the VPC sees it.
        guarded: the private addresses of the interfaces that carry the access group.

    Returns:
        yes, or unknown: an address elsewhere makes every answer about the group one about something else.
    """
    found = list(dict.fromkeys(resolved))
    known = {parse_address(each) for each in guarded} - {None}
    if not found:
        return unknown("What DatabaseHost leads to is not known: no address of it could be read.")
    elsewhere = [each for each in found if parse_address(each) not in known]
    if elsewhere:
        return unknown(
            f"DatabaseHost leads to {', '.join(elsewhere)}, which is on no network interface that carries the access"
            " group: what the group allows says nothing about that database."
        )
    return yes(f"DatabaseHost leads to {', '.join(found)}, behind the access group.")


def about_the_database(access: Verdict, addresses: Verdict) -> Verdict:
    """What the access group says of a server, as an answer about the database: *no* only where that is behind it.

    Args:
        access: can the server get in? Its evidence holds `guarded`.
        addresses: any verdict whose evidence holds `database_addresses`, as read inside the VPC.
    """
    if not access.is_no:
        return access
    right = is_guarded(_texts(addresses, "database_addresses"), _texts(access, "guarded"))
    return access if right.is_yes else unknown(right.sentence, **access.evidence)


def is_right(access: Verdict, addresses: Verdict) -> Verdict:
    """`is_guarded` of two verdicts' evidence; see `about_the_database`."""
    return is_guarded(_texts(addresses, "database_addresses"), _texts(access, "guarded"))


def _texts(verdict: Verdict, name: str) -> list[str]:
    found = verdict.evidence.get(name, ())
    return [str(each) for each in found] if isinstance(found, list | tuple) else []
