"""Which of the three proofs of a fence would serve, if it came to that now? And what speaks against the others?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msfailover.decisions import database_object
from msfailover.pair import FencedBy
from msfailover.verdict import Verdict, no, unknown, yes


@dataclass(frozen=True)
class ProofOptions:
    """For each proof *yes* where it would serve, and else what speaks against it."""

    network: Verdict
    database: Verdict
    power: Verdict

    @property
    def first(self) -> FencedBy | None:
        """The first that would serve, in the order in which they are tried."""
        found = {FencedBy.NETWORK: self.network, FencedBy.DATABASE: self.database, FencedBy.POWER: self.power}
        return next((by for by, verdict in found.items() if verdict.is_yes), None)

    def in_words(self) -> Verdict:
        """One answer about all three: yes where any would serve."""
        every = (self.network, self.database, self.power)
        told = [_told(by, verdict) for by, verdict in zip(FencedBy, every, strict=True)]
        if self.first is FencedBy.POWER:
            told.append("Only the machine's power would do, which takes minutes.")
        word = yes if self.first is not None else no if all(each.is_no for each in every) else unknown
        return word(" ".join(told))


def evaluate(
    answers: Mapping[str, Verdict], names: Mapping[str, str], direct: Verdict, believed: Verdict
) -> ProofOptions:
    """Judge by answers of everything that reads.

    Args:
        answers: of the functions, by the names that whoever asked gave them.
        names: those names, for: `cut` (could the server be cut off?), `rights` (may access group and ACLs be edited?),
            `owners` (do the owner's groups allow it?), `list` (may sessions be listed and ended?), `addresses` (where
            does the database's name lead to?), and `machine` and `power` (is it the server's machine, and may it be
            stopped?), which are left out where power is not to be used.
        direct: is the path a direct one (`database_path.is_direct`)?
        believed: has the list been seen to work (`database_path.list_is_believed`)?
    """
    found = {what: answers[name] for what, name in names.items()}
    right = database_object.is_right(found["cut"], found["addresses"])
    of_group = database_object.is_right(found["owners"], found["addresses"])
    owners = found["owners"]
    closed = no(owners.sentence) if owners.is_yes else yes(owners.sentence) if owners.is_no else owners
    powered = [found[what] for what in ("machine", "power") if what in found]
    return ProofOptions(
        network=_all_of(found["cut"], found["rights"], direct, right),
        database=_all_of(closed, found["rights"], found["list"], believed, of_group),
        power=_all_of(*powered) if powered else no("This verb never switches a machine off."),
    )


def _all_of(*needed: Verdict) -> Verdict:
    """Yes where all are; else the first that is not."""
    return next((each for each in needed if not each.is_yes), needed[0])


def _told(by: FencedBy, verdict: Verdict) -> str:
    return f"By {by}: yes." if verdict.is_yes else f"By {by}: {verdict.answer}, {verdict.sentence}"
