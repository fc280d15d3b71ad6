"""`python -P -m failoverctl COMMAND`: what the command of the same name does."""

import sys

if __name__ == "__main__":
    # Without -P, Python looks for modules in the current directory first: whoever can write there would be imported.
    if not sys.flags.safe_path:
        sys.path.append(sys.path.pop(0))
    from failoverctl.program import main

    sys.exit(main())
