"""Where failoverctl writes: consoles that take what they print for text, and output that may be closed or full."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import Any

from rich.console import Console

_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EBADF)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Rich would leave the program here; whoever started it decides how it ends."""
        raise BrokenPipeError

    def print(self, *objects: Any, **options: Any) -> None:
        """As Rich does. Into a pipe or a file without the blanks with which it fills each line of a table."""
        if self.is_terminal:
            super().print(*objects, **options)
            return
        with self.capture() as captured:
            super().print(*objects, **options)
        self.file.write("\n".join(line.rstrip(" ") for line in captured.get().split("\n")))
        self.file.flush()


def console(*, stderr: bool = False, soft_wrap: bool = False) -> Console:
    """A console that knows no markup, no emoji names and no highlighting: what is printed comes from outside."""
    return _Console(stderr=stderr, soft_wrap=soft_wrap, markup=False, emoji=False, highlight=False)


def prepare_streams() -> None:
    """Make the standard streams ones that can be used, whatever the shell gave.

    Those that were closed (`>&-`, `<&-`) lead to nowhere: Python has none of them, and the first file or connection
    that is opened would take the place. A character that the output's encoding does not have becomes a question mark,
    and never an error.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # The lowest number that is free is taken, and those below are open by now.
            nowhere = os.open(os.devnull, os.O_WRONLY if number else os.O_RDONLY)
            setattr(sys, name, os.fdopen(nowhere, "w" if number else "r", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def is_full(error: OSError) -> bool:
    """Whether an error says that the output can't be written."""
    return error.errno in _CANNOT_WRITE


def give_up_output() -> None:
    """What is still to be written goes nowhere: else Python would try it again when it ends, and complain."""
    with contextlib.suppress(OSError, ValueError, io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
