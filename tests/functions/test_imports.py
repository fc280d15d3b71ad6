"""What each function loads when it starts: the set of packages, not the clock. Dear imports show here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.benchmarks.deployed import functions
from lab.benchmarks.imports import Started, packages, started

LOGGING = {"aws_lambda_powertools", "jmespath", "typing_extensions"}
AWS = LOGGING | {"boto3", "botocore", "certifi", "dateutil", "s3transfer", "six", "urllib3"}
REQUESTS = {"requests", "urllib3", "certifi", "charset_normalizer", "idna"}
ASIDE = {"simplejson", "cython_runtime"}
"""What others load where it happens to be installed."""

EXPECTED = {
    "audit": AWS,
    "database_access": AWS,
    "database_sessions": LOGGING | {"botocore"},
    "dns": AWS,
    "pair": AWS,
    "probe": LOGGING | REQUESTS | {"botocore"},
    "readiness": AWS,
    "replicate": AWS,
    "server": AWS,
    "watch": AWS,
}


@pytest.fixture(scope="module")
def loaded() -> dict[str, Started]:
    """Each function, started in a process of its own."""
    with ThreadPoolExecutor(2) as threads:
        return dict(zip(functions(), threads.map(started, functions().values()), strict=True))


def test_every_function_of_the_template_is_checked(loaded: dict[str, Started]) -> None:
    assert loaded.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_function_starts_with_these_packages_and_no_others(name: str, loaded: dict[str, Started]) -> None:
    assert {each for each in packages(loaded[name].modules) if each[0] != "_"} - ASIDE == EXPECTED[name]


@pytest.mark.parametrize("name", ["probe", "database_sessions"])
def test_a_function_in_the_vpc_loads_no_more_of_botocore_than_its_name(name: str, loaded: dict[str, Started]) -> None:
    assert functions()[name].in_vpc
    assert [each for each in loaded[name].modules if each.startswith("botocore.")] == []


@pytest.mark.parametrize("name", EXPECTED)
def test_a_function_that_was_asked_nothing_has_made_no_client(name: str, loaded: dict[str, Started]) -> None:
    assert not loaded[name].client
