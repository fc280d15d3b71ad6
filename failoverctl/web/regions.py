"""Where the page's pairs are: the stacks of one region, or of all, each region asked in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from failoverctl.account import Account, Stack, find_stack, find_stacks, list_regions
from failoverctl.errors import CommandError

AGAIN_S = 60.0
"""Seconds after which a region that did not answer is asked again, and all of them where there is no pair at all."""


@dataclass(frozen=True)
class Place:
    """A stack, and the account's clients in its region."""

    account: Account
    stack: Stack
    region: str

    @property
    def id(self) -> str:
        """What tells it from all others: a stack of the same name may be in another region."""
        return f"{self.region}/{self.stack.name}"


@dataclass(frozen=True)
class _Region:
    """A region as it was asked last.

    Args:
        error: why the last answer was none; the places are then those of the answer before.
        asked_at: by the monotonic clock.
        busy: whether an answer is awaited.
        answered: whether there ever was one, a refusal too.
    """

    account: Account
    places: tuple[Place, ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""
    asked_at: float = 0.0
    busy: bool = False
    answered: bool = False


def one_region(account: Account, name: str | None) -> tuple[list[Place], list[str]]:
    """The stacks of the account's region, or the one of that name; and what else is to be said of them.

    Raises:
        CommandError: they can't be listed, or none is deployed as a whole.
    """
    region = str(account.client("cloudformation").meta.region_name)
    deployed, others = ([find_stack(account, name)], {}) if name else find_stacks(account)
    if others and not deployed:
        raise CommandError(f"No stack of this region is deployed as a whole: {', '.join(sorted(others))}.")
    return [Place(account, each, region) for each in deployed], _half_deployed(region, others)


def listed(names: Iterable[str]) -> str:
    """Names as a sentence has them."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _half_deployed(region: str, others: dict[str, str]) -> list[str]:
    return [
        f"{region}: the stack {name} is {state}, and not deployed as a whole: `sam deploy` says why."
        for name, state in sorted(others.items())
    ]


class Regions:
    """All regions that the account has enabled. One that hangs or refuses holds up no other, and is said.

    Args:
        account: whose regions they are.
        tell: called when a region has answered, with no lock held.
    """

    def __init__(self, account: Account, tell: Callable[[], None]) -> None:
        self._account, self._tell = account, tell
        self._lock = threading.Lock()
        self._regions: dict[str, _Region] = {}

    def ask(self, anew: bool) -> None:
        """Ask the regions whose turn it is, without waiting for them.

        Args:
            anew: all of them, as somebody begins to look.

        Raises:
            CommandError: the regions themselves can't be listed.
        """
        names = list_regions(self._account) if anew or not self._regions else []
        now = time.monotonic()
        with self._lock:
            for name in names:
                self._regions.setdefault(name, _Region(self._account.in_region(name)))
            nothing = not any(each.places for each in self._regions.values())
            due = [
                name
                for name, each in self._regions.items()
                if not each.busy and (anew or (now - each.asked_at > AGAIN_S and (each.error or nothing)))
            ]
            for name in due:
                self._regions[name] = replace(self._regions[name], busy=True, asked_at=now)
        for name in due:
            threading.Thread(target=self._ask, args=(name,), name=f"region {name}", daemon=True).start()

    def places(self) -> list[Place]:
        """The stacks that were found; those of a region that does not answer now are as it said before."""
        with self._lock:
            return [place for _, each in sorted(self._regions.items()) for place in each.places]

    def all_answered(self) -> bool:
        """Whether each region has answered at least once, a refusal too."""
        with self._lock:
            return bool(self._regions) and not self._silent()

    def notes(self) -> list[str]:
        """What is not known of the regions, and what is deployed in part: nothing is left out in silence."""
        with self._lock:
            found = [note for _, each in sorted(self._regions.items()) for note in each.notes]
            refused = defaultdict[str, list[str]](list)
            for name, each in sorted(self._regions.items()):
                if each.error:
                    refused[each.error].append(name)
            found += [f"{listed(names)} could not be asked: {why}" for why, names in refused.items()]
            if silent := self._silent():
                found.append(f"No answer yet from {listed(silent)}: whether there are pairs is not known.")
        return found

    def _silent(self) -> list[str]:
        return sorted(name for name, each in self._regions.items() if not each.answered)

    def _ask(self, name: str) -> None:
        asked = self._regions[name]
        try:
            deployed, others = find_stacks(asked.account)
            places = tuple(Place(asked.account, each, name) for each in deployed)
            known = replace(asked, places=places, notes=tuple(_half_deployed(name, others)), error="")
        except CommandError as error:
            known = replace(asked, error=str(error))
        except Exception as error:  # said on the page, and asked again
            known = replace(asked, error=f"failoverctl itself failed ({type(error).__name__}: {error}).")
        with self._lock:
            self._regions[name] = replace(known, busy=False, answered=True)
        self._tell()
