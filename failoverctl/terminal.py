"""Where failoverctl writes: consoles that take what they print for text, and for nothing else."""

from __future__ import annotations

from rich.console import Console


def console(*, stderr: bool = False, soft_wrap: bool = False) -> Console:
    """A console that knows no markup, no emoji names and no highlighting: what is printed comes from outside."""
    return Console(stderr=stderr, soft_wrap=soft_wrap, markup=False, emoji=False, highlight=False)
