"""A swap that breaks off, or that can't be made, leaves one whole set: the new one or the one before."""

from __future__ import annotations

import pytest

from tests.documents.pair import CDS, STATE, Pair
from tests.documents.test_whole import failed

pytestmark = pytest.mark.testbed

# Kills the receiver, once, as soon as one of its moves is done.
DIES = """
/usr/bin/mv "$@" || exit
[[ "$*" =~ %s ]] && [ ! -e /run/died ] && touch /run/died && kill -KILL $PPID
exit 0
"""
RECORDED, MOVED_AWAY, MOVED_IN = "swap$", r"\.old$", "staging.*/cds$"


@pytest.mark.parametrize(
    ("dies_when", "in_one_step"), [(RECORDED, True), (RECORDED, False), (MOVED_AWAY, False), (MOVED_IN, False)]
)
def test_a_swap_that_broke_off_is_finished_before_the_server_starts(
    pair: Pair, dies_when: str, in_one_step: bool
) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.assert_complete(pair.replicate())
    pair.write("ms1", f"{CDS}/one", "2")
    pair.stand_in("ms2", "mv", DIES % dies_when)
    if not in_one_step:
        pair.stand_in("ms2", "perl", "exit 1")
    failed(pair.replicate())
    pair.inside("ms2", "/run/died").unlink()
    pair.inside("ms2", "/usr/local/sbin/mv").unlink()
    promoted = pair.run("ms2", "start", Epoch="2", NotAfter="9999999999", StartCommand="true", StatusCommand="true")
    assert promoted.code == 0, promoted.stderr
    assert pair.inside("ms2", f"{CDS}/one").read_text() == "2"
    pair.assert_same()
    assert not pair.inside("ms2", f"{STATE}/swap").exists()
