"""Changes to moto: put in, taken out, and never missing their mark in silence."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from lab.testbed.cloud.cloud import Ports
from lab.testbed.cloud.patching import Patches
from lab.testbed.cloud.server import MotoServer, PortTakenError
from tests.lab.testbed.cloud.conftest import Sky


class Base:
    def name(self) -> str:
        return "base"

    @staticmethod
    def fixed() -> str:
        return "fixed"


class Derived(Base):
    pass


def test_patches_are_undone_to_the_letter() -> None:
    registry = {"a": 1}
    patches = Patches()
    original: Any = patches.put(Base, "name", lambda self: f"not {original(self)}", why="test")
    patches.put(Derived, "name", lambda self: "derived", why="test")
    patches.put(Base, "fixed", staticmethod(lambda: "loose"), why="test")
    patches.add(Base, "more", 1, why="test")
    patches.put_item(registry, "a", 2, why="test")
    patches.put_item(registry, "b", 2, why="test")
    assert (Base().name(), Derived().name(), Base.fixed(), registry) == (
        "not base",
        "derived",
        "loose",
        {"a": 2, "b": 2},
    )
    assert len(patches.applied) == 6
    patches.undo()
    assert (Base().name(), Derived().name(), Base.fixed(), registry) == ("base", "base", "fixed", {"a": 1})
    assert "name" not in vars(Derived)
    assert not hasattr(Base, "more")


def test_a_patch_that_hits_nothing_is_an_error() -> None:
    with pytest.raises(AttributeError):
        Patches().put(Base, "nothing", None, why="test")
    with pytest.raises(AttributeError, match="already"):
        Patches().add(Base, "name", None, why="test")


def test_every_patch_on_moto_says_why(sky: Sky) -> None:
    patches = sky.cloud._patches.applied
    assert len(patches) > 30
    assert all(len(patch.why) > 9 for patch in patches), [str(patch) for patch in patches]


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = Ports(taken.getsockname()[1]).api
        with pytest.raises(PortTakenError, match=f"127.0.0.1:{port}"):
            MotoServer("127.0.0.1", port).start()
