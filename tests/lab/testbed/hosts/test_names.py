"""The name server serves what was published, all of it and nothing more."""

from __future__ import annotations

from collections.abc import Sequence

import dns.message
import dns.query
import dns.rcode
import pytest

from lab.testbed.host_interfaces import Record
from lab.testbed.hosts.addresses import NAMES, RESOLVER
from lab.testbed.hosts.polling import wait_until
from lab.testbed.hosts.resolver import Resolver
from tests.lab.testbed.hosts.conftest import Testbed


def served(name: str, kind: str = "A") -> tuple[int | None, Sequence[str]]:
    answer = dns.query.udp(dns.message.make_query(name, kind), NAMES, timeout=2)
    if not answer.answer:
        return None, ()
    return answer.answer[0].ttl, sorted(str(record) for record in answer.answer[0])


@pytest.mark.testbed
def test_published_records_are_served_on_return_and_gone_ones_are_gone(testbed: Testbed) -> None:
    publish = testbed.hosts.names.publish
    old = Record("old.corp.example.", "A", 60, ("10.1.1.1", "10.1.1.2"))
    publish("corp.example.", [Record("ms.corp.example.", "A", 5, ("10.77.0.11",)), old])
    assert served("ms.corp.example.") == (5, ["10.77.0.11"])
    assert served("old.corp.example.") == (60, ["10.1.1.1", "10.1.1.2"])
    publish("corp.example", [Record("ms.corp.example", "A", 7, ("10.77.0.12",))])
    assert served("ms.corp.example.") == (7, ["10.77.0.12"])
    assert served("old.corp.example.") == (None, ())


@pytest.mark.testbed
def test_publishing_the_same_again_changes_nothing(testbed: Testbed) -> None:
    records = [Record("ms.corp.example", "A", 5, ("10.77.0.12",)), Record("t.corp.example", "TXT", 5, ('"a b"',))]
    testbed.hosts.names.publish("corp.example", records)
    before = served("corp.example.", "SOA")
    testbed.hosts.names.publish("corp.example.", list(reversed(records)))
    assert served("corp.example.", "SOA") == before
    assert served("t.corp.example.", "TXT") == (5, ['"a b"'])


@pytest.mark.testbed
def test_the_apex_of_the_cloud_is_passed_over_and_a_new_zone_is_taken(testbed: Testbed) -> None:
    apex = [
        Record("other.example.", "NS", 172800, ("ns-1.awsdns.example.",)),
        Record("other.example.", "SOA", 900, ("ns-1.awsdns.example. hostmaster.awsdns.example. 1 7200 900 1209600 1",)),
    ]
    testbed.hosts.names.publish("other.example.", [*apex, Record("a.other.example.", "A", 5, ("10.2.2.2",))])
    assert served("a.other.example.") == (5, ["10.2.2.2"])
    assert served("other.example.", "NS")[1] == ["ns.other.example."]


@pytest.mark.testbed
def test_hosts_find_the_service_by_name(testbed: Testbed) -> None:
    testbed.name_to("ms2")
    for name in ("agents", "vpc", "ms1"):
        found = testbed.hosts.host(name).run(["getent", "ahostsv4", "ms.corp.example"]).stdout
        assert found.split()[0] == "10.77.0.12", name


@pytest.mark.testbed
def test_the_resolver_serves_what_it_was_told_before_a_change_until_the_ttl_is_over(testbed: Testbed) -> None:
    resolver = Resolver(testbed.hosts.host("names"))
    resolver.start()

    def resolved() -> list[str]:
        answer = dns.query.udp(dns.message.make_query("kept.corp.example.", "A"), RESOLVER, timeout=2).answer
        return [str(record) for record in answer[0]] if answer else []

    publish = testbed.hosts.names.publish
    publish("corp.example", [Record("kept.corp.example", "A", 2, ("10.77.0.11",))])
    resolver.ask("kept.corp.example")
    publish("corp.example", [Record("kept.corp.example", "A", 2, ("10.77.0.12",))])
    assert served("kept.corp.example.")[1] == ["10.77.0.12"]
    assert resolved() == ["10.77.0.11"]
    wait_until("the TTL is over", lambda: resolved() == ["10.77.0.12"], deadline_s=10)
