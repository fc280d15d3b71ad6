"""`failoverctl COMMAND`, and `python -P -m failoverctl COMMAND`, which is the same."""

import gc
import sys


def main() -> int:
    """Import the program, run the command of the command line, and return its exit code.

    Nothing that is imported becomes garbage, so the collector rests meanwhile: looking through all that is new again
    and again is a fifth of what importing computes.
    """
    gc.disable()
    from failoverctl.program import main as run

    gc.freeze()
    gc.enable()
    return run()


if __name__ == "__main__":
    # Without -P, Python looks for modules in the current directory first: whoever can write there would be imported.
    if not sys.flags.safe_path:
        sys.path.append(sys.path.pop(0))
    sys.exit(main())
