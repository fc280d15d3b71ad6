"""The bill follows the template, and the page shows the bill of now."""

from __future__ import annotations

import re

import pytest

from failoverctl.cost import PRICES, NotCounted, bill, metrics_of, runs_a_month, table
from lab.benchmarks import monthly_cost


def dollars(service: str, **given: str) -> float:
    return sum(each.dollars for each in monthly_cost.here(given or monthly_cost.CHOSEN) if each.service == service)


def test_the_page_shows_the_bill_of_now() -> None:
    """Within a twentieth: an alarm more does not make the page wrong. `make cost` prints what belongs there."""
    page = monthly_cost.PAGE.read_text().partition(monthly_cost.BEGIN)[2].partition(monthly_cost.END)[0]
    shown = re.search(r"\| \*\*all\*\* \| \| \*\*([0-9.]+)\*\* \|", page)
    assert shown is not None
    assert float(shown[1]) == pytest.approx(sum(each.dollars for each in monthly_cost.here()), rel=0.05)
    assert len(page.splitlines()) == len(table(monthly_cost.here()).splitlines())


def test_the_metrics_that_are_counted_are_those_that_functions_publish() -> None:
    sources = (
        path.read_text() for part in ("functions", "layers") for path in (monthly_cost.ROOT / part).rglob("*.py")
    )
    published = {name for source in sources for name in re.findall(r'"([A-Z]\w+)", MetricUnit', source)}
    counted = metrics_of(monthly_cost._expanded()["Resources"])
    assert published - counted == set()
    assert len(counted - published) <= 6, "some are published under names that are made up as they go"


@pytest.mark.parametrize("template", [{}, {"Parameters": {}, "Resources": {}}, {"Resources": []}])
def test_a_template_that_is_not_ours_is_said_so(template: dict[str, object]) -> None:
    with pytest.raises(NotCounted, match="can't be counted"):
        bill(template, {})


def test_a_schedule_fires_as_often_as_its_expression_says() -> None:
    assert runs_a_month("rate(1 minute)") == 43_800
    assert runs_a_month("rate(5 minutes)") == 8_760
    assert round(runs_a_month("cron(17 3 * * ? *)"), 1) == 30.4
    with pytest.raises(ValueError, match="is not known here"):
        runs_a_month("cron(0/5 * * * ? *)")


def test_the_watchdog_alone_is_a_process_of_half_a_gigabyte_for_the_whole_month() -> None:
    alone = 730 * 3600 * 0.5 * PRICES["lambda_gb_s"]
    assert alone < dollars("Lambda") < 1.5 * alone


def test_holding_a_connection_costs_a_second_process_of_it() -> None:
    more = dollars("Lambda", WatchHoldsConnection="yes") - dollars("Lambda", WatchHoldsConnection="no")
    assert 730 * 3600 * 0.5 * PRICES["lambda_gb_s"] < more < 20


def test_what_happens_more_often_costs_more() -> None:
    base = dollars("Lambda", ProbeIntervalSeconds="5")
    assert dollars("Lambda", ProbeIntervalSeconds="1") > base
    assert dollars("Lambda", ReplicationIntervalMinutes="60") < base
    assert dollars("CloudWatch", AlarmPeriodSeconds="60") < dollars("CloudWatch", AlarmPeriodSeconds="10")


def test_without_a_secret_nothing_is_paid_for_reading_it() -> None:
    assert dollars("VPC", DatabaseIamUser="monitor") == 0
    assert dollars("VPC", DatabaseSecretArn="arn:aws:secretsmanager:x") > 0
