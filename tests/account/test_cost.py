"""The bill follows the template, and the page shows the bill of now."""

from __future__ import annotations

import re

import pytest

from local.account import cost


def dollars(service: str, **given: str) -> float:
    return sum(each.dollars for each in cost.bill(given or None) if each.service == service)


def test_the_page_shows_the_bill_of_now_within_a_tenth() -> None:
    """An alarm more or less does not make the page wrong; write it anew with `make cost` all the same."""
    shown = re.search(r"\| \*\*all\*\* \| \| \*\*([0-9.]+)\*\* \|", cost.PAGE.read_text())
    assert shown is not None
    assert float(shown[1]) == pytest.approx(sum(each.dollars for each in cost.bill()), rel=0.1)


def test_writing_the_bill_into_the_page_changes_nothing_else() -> None:
    page = cost.PAGE.read_text()
    assert cost.written(cost.written(page)) == cost.written(page)
    assert cost.written(page).partition(cost.END)[2] == page.partition(cost.END)[2]


def test_a_schedule_fires_as_often_as_its_expression_says() -> None:
    assert cost.runs_a_month("rate(1 minute)") == 43_800
    assert cost.runs_a_month("rate(5 minutes)") == 8_760
    assert round(cost.runs_a_month("cron(17 3 * * ? *)"), 1) == 30.4
    with pytest.raises(ValueError, match="is not known here"):
        cost.runs_a_month("cron(0/5 * * * ? *)")


def test_the_watchdog_alone_is_a_process_of_half_a_gigabyte_for_the_whole_month() -> None:
    alone = 730 * 3600 * 0.5 * cost.PRICES["lambda_gb_s"]
    assert alone < dollars("Lambda") < 1.5 * alone


def test_holding_a_connection_costs_a_second_process_of_it() -> None:
    more = dollars("Lambda", WatchHoldsConnection="yes") - dollars("Lambda", WatchHoldsConnection="no")
    assert 730 * 3600 * 0.5 * cost.PRICES["lambda_gb_s"] < more < 20


def test_what_happens_more_often_costs_more() -> None:
    base = dollars("Lambda", ProbeIntervalSeconds="5")
    assert dollars("Lambda", ProbeIntervalSeconds="1") > base
    assert dollars("Lambda", ReplicationIntervalMinutes="60") < base
    assert dollars("CloudWatch", AlarmPeriodSeconds="60") < dollars("CloudWatch", AlarmPeriodSeconds="10")


def test_without_a_secret_nothing_is_paid_for_reading_it() -> None:
    assert dollars("VPC", DatabaseIamUser="monitor") == 0
    assert dollars("VPC", DatabaseSecretArn="arn:aws:secretsmanager:x") > 0
