"""The bill follows the template, and the page shows the bill of now."""

from __future__ import annotations

import copy
import re

import pytest

from failoverctl.cost import BILLED, FREE_AT_REST, KEPT, NotCounted, bill, metrics_of, runs_a_month, table
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


def test_both_pages_show_the_same_bill() -> None:
    page = monthly_cost.PAGE.read_text().partition(monthly_cost.BEGIN)[2].partition(monthly_cost.END)[0]
    shown = re.search(r"\| \*\*all\*\* \| \| \*\*([0-9.]+)\*\* \|", page)
    assert shown is not None
    assert f"| 1 | ${shown[1]} |" in (monthly_cost.ROOT / "docs/benchmarks.md").read_text()


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


IAM = {"DatabaseEngine": "postgresql", "DatabaseIamUser": "monitor"}


@pytest.mark.parametrize(("given", "most"), [(IAM, 12.0), (monthly_cost.CHOSEN, 20.0)], ids=["tokens", "a secret"])
def test_a_pair_at_rest_stays_below_what_was_promised(given: dict[str, str], most: float) -> None:
    assert 5 < sum(each.dollars for each in monthly_cost.here(given)) <= most


def test_everything_in_the_template_is_on_the_bill_or_said_to_cost_nothing_at_rest() -> None:
    kinds = {each["Type"] for each in monthly_cost._expanded()["Resources"].values()}
    assert kinds - set(BILLED) - set(FREE_AT_REST) == set()
    assert set(BILLED) & set(FREE_AT_REST) == set()
    services = {each.service for each in monthly_cost.here() if each.dollars > 0}
    assert {BILLED[kind] for kind in kinds if kind in BILLED} <= services


def test_what_only_waits_is_not_paid_for() -> None:
    """One process of a quarter gigabyte all month would be this much; watch and probe together stay below it."""
    assert dollars("Lambda") < 730 * 3600 * 0.25 * KEPT.dollars["lambda_gb_s"]


def test_a_functions_memory_is_its_own() -> None:
    template = copy.deepcopy(monthly_cost._expanded())
    before = sum(each.dollars for each in bill(template, monthly_cost.CHOSEN))
    (probe,) = [
        each["Properties"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Lambda::Function" and "-probe" in str(each["Properties"]["FunctionName"])
        and "second" not in str(each["Properties"]["FunctionName"])
    ]  # fmt: skip
    probe["MemorySize"] *= 4
    assert sum(each.dollars for each in bill(template, monthly_cost.CHOSEN)) > before + 0.5


def test_holding_a_connection_costs_two_processes_all_the_time() -> None:
    more = dollars("Lambda", WatchHoldsConnection="yes") - dollars("Lambda", WatchHoldsConnection="no")
    assert 1.5 * 730 * 3600 * 0.25 * KEPT.dollars["lambda_gb_s"] < more < 20


def test_a_second_of_several_probes_is_one_slot() -> None:
    assert dollars("SQS", ProbeIntervalSeconds="0.2") == dollars("SQS", ProbeIntervalSeconds="1")
    assert dollars("DynamoDB", ProbeIntervalSeconds="0.2") > 4 * dollars("DynamoDB", ProbeIntervalSeconds="1")


def test_what_happens_more_often_costs_more() -> None:
    base = dollars("Lambda", ProbeIntervalSeconds="5")
    assert dollars("Lambda", ProbeIntervalSeconds="1") > base
    assert dollars("Lambda", ReplicationIntervalMinutes="60") < base
    assert dollars("CloudWatch", AlarmPeriodSeconds="60") < dollars("CloudWatch", AlarmPeriodSeconds="10")


def test_without_a_secret_nothing_is_paid_for_reading_it() -> None:
    assert dollars("VPC", DatabaseIamUser="monitor") == 0
    assert dollars("VPC", DatabaseSecretArn="arn:aws:secretsmanager:x") > 0
