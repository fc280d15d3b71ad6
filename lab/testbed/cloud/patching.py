"""Changes to moto, each named and explained, put in together and taken out together."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Patch:
    """One change: which attribute of which class or module, and why moto's own will not do."""

    owner: Any
    attribute: str
    why: str

    def __str__(self) -> str:
        return f"{getattr(self.owner, '__name__', self.owner)}.{self.attribute}: {self.why}"


@dataclass
class Patches:
    """The changes now in force, in the order they were made. `undo` takes them back, last first."""

    applied: list[Patch] = field(default_factory=list)
    _undo: list[Callable[[], None]] = field(default_factory=list)

    def put(self, owner: Any, attribute: str, replacement: Any, *, why: str) -> Any:
        """Replace an attribute; return the original, so that the replacement may call it.

        Raises AttributeError when moto has no such attribute any more: a patch that hits nothing must not pass.
        """
        original = getattr(owner, attribute)
        own = attribute in vars(owner)
        raw = vars(owner)[attribute] if own else None
        setattr(owner, attribute, replacement)
        self.applied.append(Patch(owner, attribute, why))
        self._undo.append(lambda: setattr(owner, attribute, raw) if own else delattr(owner, attribute))
        return original

    def add(self, owner: Any, attribute: str, value: Any, *, why: str) -> None:
        """Add what moto does not have. Raises AttributeError when it has it by now: then this can go."""
        if hasattr(owner, attribute):
            raise AttributeError(f"{owner} has {attribute} already; check whether ours is still needed")
        setattr(owner, attribute, value)
        self.applied.append(Patch(owner, attribute, why))
        self._undo.append(lambda: delattr(owner, attribute))

    def put_everywhere(self, package: str, attribute: str, replacement: Any, *, why: str) -> None:
        """Replace a function in every loaded module of `package` that has taken it in by `from ... import`."""
        for name, module in sorted(sys.modules.items()):
            if name.startswith(package) and attribute in vars(module):
                self.put(module, attribute, replacement, why=why)

    def put_item(self, mapping: dict[str, Any], key: str, value: Any, *, why: str) -> None:
        """Set a key of one of moto's registries."""
        had, before = key in mapping, mapping.get(key)
        mapping[key] = value
        self.applied.append(Patch("registry", key, why))
        self._undo.append(lambda: mapping.update({key: before}) if had else mapping.pop(key, None) and None)

    def undo(self) -> None:
        while self._undo:
            self._undo.pop()()
        self.applied.clear()
