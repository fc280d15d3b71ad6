"""Prices come from AWS's list where it has just one for a thing; kept ones stand in for the rest, and that is said."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from failoverctl import price_list
from failoverctl.cost import KEPT
from failoverctl.price_list import PRODUCTS, Product


def listed(product: Product, *dollars: float, usage: str | None = None) -> dict[str, Any]:
    """A product as GetProducts has it: JSON in a string, a tier for each price."""
    name = usage or product.usage.removesuffix("(-RBP|-Tier1)?")
    tiers = {
        str(number): {"beginRange": str(number * 1000), "pricePerUnit": {"USD": f"{price:.10f}"}}
        for number, price in enumerate(dollars)
    }
    attributes = {"usagetype": name if product.everywhere else f"EUC1-{name}", **product.attributes}
    return {"product": {"attributes": attributes}, "terms": {"OnDemand": {"a.b": {"priceDimensions": tiers}}}}


class FakePricing:
    """GetProducts over products that are listed by service; a page holds one."""

    def __init__(self, products: Mapping[str, list[dict[str, Any]]]) -> None:
        self.products, self.asked = products, list[dict[str, Any]]()

    def get_products(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        wanted = {each["Field"]: each["Value"] for each in asked["Filters"]}
        assert wanted.pop("regionCode", "eu-central-1") == "eu-central-1"
        matching = [
            each
            for each in self.products.get(asked["ServiceCode"], [])
            if wanted.items() <= each["product"]["attributes"].items()
        ]
        at = int(asked.get("NextToken", 0))
        more = {"NextToken": str(at + 1)} if at + 1 < len(matching) else {}
        return {"PriceList": [json.dumps(each) for each in matching[at : at + 1]], **more}


class FakeAccount:
    def __init__(self, pricing: object) -> None:
        self.pricing, self.regions = pricing, list[str]()

    def in_region(self, region: str) -> FakeAccount:
        self.regions.append(region)
        return self

    def client(self, service: str, _wait_s: float) -> object:
        assert service == "pricing"
        return self.pricing


def everything() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for name, product in PRODUCTS.items():
        found.setdefault(product.service, []).append(listed(product, KEPT.dollars[name] * 2))
    return found


def read(products: Mapping[str, list[dict[str, Any]]]) -> Any:
    account: Any = FakeAccount(FakePricing(products))
    return price_list.read(account, "eu-central-1")


def test_everything_that_is_billed_is_looked_for() -> None:
    assert PRODUCTS.keys() == KEPT.dollars.keys()
    found = read(everything())
    assert found.dollars == {name: pytest.approx(price * 2) for name, price in KEPT.dollars.items()}
    assert found.of == "AWS's price list for eu-central-1 as of now"


def test_what_a_free_tier_hides_is_paid_for_next() -> None:
    products = everything()
    metric = PRODUCTS["metric"]
    products[metric.service] = [listed(metric, 0.0, 0.31, 0.10)]
    assert read(products).dollars["metric"] == pytest.approx(0.31)


@pytest.mark.parametrize("others", [[], ["CW:AlarmMonitorUsage"]], ids=["not listed", "listed twice"])
def test_a_price_that_is_not_told_is_not_guessed(others: list[str]) -> None:
    products, alarm = everything(), PRODUCTS["alarm"]
    kept = [each for each in products[alarm.service] if "EUC1-CW:AlarmMonitorUsage" not in json.dumps(each)]
    both = [listed(alarm, price, usage=usage) for usage in others for price in (0.1, 0.2)]
    found = read({**products, alarm.service: kept + both})
    assert found.dollars["alarm"] == KEPT.dollars["alarm"]
    assert found.of.endswith("; of alarm those of US East (N. Virginia) as of February 2026")


def test_a_usage_that_only_contains_the_name_is_another() -> None:
    products, endpoint = everything(), PRODUCTS["endpoint_hour"]
    products[endpoint.service].append(listed(endpoint, 9.9, usage="Regional-VpcEndpoint-Hours-Service"))
    assert read(products).dollars["endpoint_hour"] == pytest.approx(2 * KEPT.dollars["endpoint_hour"])


def test_pages_are_read_to_their_end_and_no_further_than_five() -> None:
    products, alarm = everything(), PRODUCTS["alarm"]
    products[alarm.service] = [copy.deepcopy(listed(alarm, 9.9, usage="other")) for _ in range(9)]
    pricing = FakePricing(products)
    account: Any = FakeAccount(pricing)
    price_list.read(account, "eu-central-1")
    asked = [each for each in pricing.asked if {"productFamily": "Alarm"}.items() <= filters(each).items()]
    assert len(asked) == 2 * price_list.PAGES_AT_MOST, "two kinds of alarm"


def filters(asked: Mapping[str, Any]) -> dict[str, str]:
    return {each["Field"]: each["Value"] for each in asked["Filters"]}


def test_without_the_right_to_ask_the_kept_prices_are_said_to_be_those() -> None:
    class Refused:
        def get_products(self, **_asked: Any) -> None:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetProducts")

    account: Any = FakeAccount(Refused())
    found = price_list.read(account, "eu-central-1")
    assert found.dollars == KEPT.dollars
    assert found.of.startswith(
        "those of US East (N. Virginia) as of February 2026, because AWS's list could not be read ("
    )
    assert account.regions == [price_list.REGION]
