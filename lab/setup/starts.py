"""Starts every function from the built layers as Lambda would: the layer, the function, the runtime's boto3, no more.

Usage: python3.13 -I starts.py LAYER ORACLE-LAYER SITE-PACKAGES-WITH-BOTO3
"""

import importlib
import pkgutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
OF_THE_RUNTIME = ("boto3", "botocore", "s3transfer")

layer, oracle, site = (Path(each).resolve() for each in sys.argv[1:4])
NEEDS_ORACLE = "msfailover.adapters.sessions.oracle"
sys.dont_write_bytecode = True
with tempfile.TemporaryDirectory() as runtime:
    for name in OF_THE_RUNTIME:
        (Path(runtime) / name).symlink_to(site / name)
    sys.path[:0] = [str(layer), runtime]
    sys.path.append(str(ROOT))  # functions/, and the environments that the tests give them
    import msfailover

    from tests.environments import OUTSIDE, OWN, PAIR, start

    modules = [each.name for each in pkgutil.walk_packages(msfailover.__path__, "msfailover.")]
    for name in modules:
        if name != NEEDS_ORACLE:
            importlib.import_module(name)
    for function, own in OWN.items():
        start(function, {**OUTSIDE, **PAIR, **own})
    sys.path.insert(1, str(oracle))
    importlib.import_module(NEEDS_ORACLE)  # with a database of another kind nobody does
    strange = sorted(
        name
        for name, module in sys.modules.items()
        if (file := getattr(module, "__file__", None))
        and "site-packages" in file
        and name.split(".")[0] not in OF_THE_RUNTIME
    )
    if strange:
        sys.exit(f"Not from the layer: {', '.join(strange[:5])}")
print(f"The layers load: {len(modules)} modules of ours with all they need, and {len(OWN)} functions start.")
