"""`make acceptance`: from an empty account of this machine to an accepted demo pair, by the commands of docs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.testbed.demo_pair import STACK, DemoPair
from lab.testbed.polling import TestbedError


def accept(directory: Path, output: Path, only: Sequence[str]) -> int:
    """Make a demo pair and accept it; returns the exit code of `failoverctl acceptance`.

    Raises:
        TestbedError: a command before that did not end well.
    """
    with DemoPair(directory) as pair:
        deployed(pair)
        chosen = "".join(f" --only {each}" for each in only)
        return pair.type(f"acceptance --stack {STACK} --yes --output {output}{chosen}")


def deployed(pair: DemoPair, **changed: str) -> None:
    """The first four of the five commands, with some parameters changed. Raises TestbedError where one fails."""
    pair.demo_up()
    if code := pair.init():
        raise TestbedError(f"init ended with {code}.")
    pair.deploy(**changed)
    if code := pair.type(f"prepare --stack {STACK}"):
        raise TestbedError(f"prepare ended with {code}.")
