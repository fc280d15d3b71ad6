"""AWS's public price list, asked for what a pair at rest is billed for: by the Price List Query API, with credentials.

A price that is not found there, or more than once, is not guessed: the one kept in `cost.py` stands in for it, and that
is said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from failoverctl.account import Account
from failoverctl.cost import KEPT, PriceList
from failoverctl.errors import CommandError, plainly

REGION = "us-east-1"
"""Where the API is; its list is of all regions.
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
"""
WAIT_S = 10.0
PAGES_AT_MOST = 5


@dataclass(frozen=True)
class Product:
    """How a price is found in the list.

    Args:
        service: its service's code.
        usage: its usage type, which in most regions stands after the region's short name (`EUC1-`).
        attributes: what else it is told apart by.
        everywhere: whether it has one price for all regions.
    """

    service: str
    usage: str
    attributes: Mapping[str, str]
    everywhere: bool = False


PRODUCTS: Mapping[str, Product] = {
    "lambda_gb_s": Product("AWSLambda", "Lambda-GB-Second-ARM", {"group": "AWS-Lambda-Duration-ARM"}),
    "lambda_request": Product("AWSLambda", "Request-ARM", {"group": "AWS-Lambda-Requests-ARM"}),
    "dynamodb_read": Product("AmazonDynamoDB", "ReadRequestUnits", {"group": "DDB-ReadUnits"}),
    "dynamodb_write": Product("AmazonDynamoDB", "WriteRequestUnits", {"group": "DDB-WriteUnits"}),
    "sqs_request": Product("AWSQueueService", "Requests(-RBP|-Tier1)?", {"queueType": "Standard"}),
    "metric": Product("AmazonCloudWatch", "CW:MetricMonitorUsage", {"productFamily": "Metric"}),
    "alarm": Product("AmazonCloudWatch", "CW:AlarmMonitorUsage", {"productFamily": "Alarm"}),
    "alarm_high_resolution": Product("AmazonCloudWatch", "CW:HighResAlarmMonitorUsage", {"productFamily": "Alarm"}),
    "dashboard": Product(
        "AmazonCloudWatch", "DashboardsUsageHour-Basic", {"productFamily": "Dashboard"}, everywhere=True
    ),
    "logs_gb": Product("AmazonCloudWatch", "DataProcessing-Bytes", {"productFamily": "Data Payload"}),
    "schedule": Product("AWSEvents", "ScheduledInvocation", {}),
    "secret": Product("AWSSecretsManager", "AWSSecretsManager-Secrets", {"productFamily": "Secret"}),
    "endpoint_hour": Product("AmazonVPC", "VpcEndpoint-Hours", {"productFamily": "VpcEndpoint"}),
}


def read(account: Account, region: str) -> PriceList:
    """Today's prices of a region, as far as the list has them. Best effort: it never raises.

    Args:
        account: whose credentials ask; they need `pricing:GetProducts`, which knows no resource.
        region: the pair's.
    """
    found: dict[str, float] = {}
    problem = f"AWS's list for {region} has none of them"
    try:
        with plainly("read AWS's price list"):
            client = account.in_region(REGION).client("pricing", WAIT_S)
            for name, product in PRODUCTS.items():
                prices = {*_prices(client, product, region)}
                if len(prices) == 1:
                    found |= {name: prices.pop()}
    except CommandError as error:
        problem = f"AWS's list could not be read ({str(error).rstrip('.')})"
    if not found:
        return PriceList(KEPT.dollars, f"{KEPT.of}, because {problem}")
    missing = [name for name in PRODUCTS if name not in found]
    rest = f"; of {', '.join(missing)} {KEPT.of}" if missing else ""
    return PriceList({**KEPT.dollars, **found}, f"AWS's price list for {region} as of now{rest}")


def _prices(client: Any, product: Product, region: str) -> Iterator[float]:
    """The first price above zero, by quantity, of each product that is meant: what free tiers hide is paid for next."""
    wanted = {**product.attributes, **({} if product.everywhere else {"regionCode": region})}
    asked: dict[str, Any] = {
        "ServiceCode": product.service,
        "FormatVersion": "aws_v1",
        "Filters": [{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in wanted.items()],
    }
    for _ in range(PAGES_AT_MOST):
        answer = client.get_products(**asked)
        for each in map(json.loads, answer["PriceList"]):
            if re.fullmatch(rf"([A-Z0-9]+-)?{product.usage}", each["product"]["attributes"].get("usagetype", "")):
                yield from _first_price(each)
        if not answer.get("NextToken"):
            return
        asked["NextToken"] = answer["NextToken"]


def _first_price(listed: Mapping[str, Any]) -> list[float]:
    tiers = [
        (float(tier["beginRange"]), float(tier["pricePerUnit"].get("USD", 0)))
        for term in listed["terms"].get("OnDemand", {}).values()
        for tier in term["priceDimensions"].values()
    ]
    return [dollars for _, dollars in sorted(tiers) if dollars > 0][:1]
