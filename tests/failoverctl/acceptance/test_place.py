"""What is no demo is refused, unless somebody types its name."""

from __future__ import annotations

import pytest
from moto import mock_aws

from failoverctl.acceptance.place import demand_demo
from failoverctl.errors import CommandError, Exit
from tests.failoverctl.acceptance.made_place import DEMO, made_place


def test_a_demo_is_known_by_the_tag_on_both_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        place = made_place(monkeypatch)
        assert place.demo == DEMO
        demand_demo(place, "")
        assert len({each.subnet for each in place.servers.values()}) == 2


@pytest.mark.parametrize("demos", [("", ""), (DEMO, ""), (DEMO, "another-demo")])
def test_what_is_no_demo_is_refused_unless_its_name_is_typed(
    demos: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with mock_aws():
        place = made_place(monkeypatch, demos)
        with pytest.raises(CommandError, match="is not a demo") as refused:
            demand_demo(place, "")
        assert refused.value.code == Exit.NOT_DONE
        with pytest.raises(CommandError, match="'demo' was given"):
            demand_demo(place, "demo")
        demand_demo(place, "demo-pair")


def test_a_demo_named_as_another_pair_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws(), pytest.raises(CommandError, match="'payroll' was given"):
        demand_demo(made_place(monkeypatch), "payroll")
