"""Answers of hosts, databases, name servers and our own record: what they say, or that it is not known."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import dns.message
import dns.resolver
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msfailover.adapters import dns_resolver, run_command
from msfailover.adapters.admin_interface import ask_admin
from msfailover.adapters.pair_table import _attributes
from msfailover.adapters.sessions import DatabaseProblem, DatabaseSettings, mysql, oracle, postgresql
from msfailover.adapters.sessions.interface import read_rows
from msfailover.decisions.replication import arrived, is_fresh, read_result
from msfailover.freshness import Freshness
from msfailover.observations import Session
from msfailover.pair import FencedBy, Lease, PairState, Receipt, Role
from msfailover.record import RecordUnreadable, state_from_json, state_to_json
from msfailover.runtime import settings
from msfailover.runtime.environment import BadSettings, read
from msfailover.verdict import Verdict

from tests.environments import complete
from tests.functions.servers import Certificates
from tests.fuzz.inputs import ANYTHING, ODD, SCALARS, fuzzed, nearly
from tests.template.deployment import ROOT

NOW = 1_790_000_000.0
RESULTS = nearly(
    {
        "complete": st.booleans(),
        "as_of": st.floats(NOW - 1e5, NOW),
        "epoch": st.integers(1, 5),
        "digest": st.text("0123456789abcdef", min_size=64, max_size=64),
        "files": st.integers(0, 10**6),
        "reason": st.text(max_size=30),
    }
)


@fuzzed(1500)
@given(
    st.one_of(st.text(max_size=60), RESULTS.map(json.dumps), RESULTS.map(lambda it: "noise\n" + json.dumps(it)), ODD)
)
def test_what_a_command_printed_is_a_result_or_a_failure_of_the_command(output: str) -> None:
    for status in ("Success", "Failed"):
        try:
            found = run_command._read({"Status": status, "StandardOutputContent": output}, "one")
        except run_command.CommandFailed as error:
            assert len(str(error)) < 2000
            continue
        assert isinstance(found, dict)
        assert status == "Success"


@pytest.mark.parametrize(
    "output", ["[" * 24_000, '{"a":' * 4_000, "9" * 24_000, '{"as_of": NaN}', '{"as_of": Infinity}']
)
def test_output_that_no_parser_should_be_fed_is_a_failure_of_the_command(output: str) -> None:
    with pytest.raises(run_command.CommandFailed, match="its last line is no result"):
        run_command._read({"Status": "Success", "StandardOutputContent": output}, "one")


@fuzzed(1500)
@given(result=RESULTS.filter(lambda it: isinstance(it, dict)), as_of=st.sampled_from([0.0, NOW - 50]))
def test_a_hosts_result_never_makes_a_copy_fresher_than_a_whole_set_says(result: Any, as_of: float) -> None:
    known = Freshness("one", "ms1", NOW - 60, False, as_of, 2, "ab")
    after = arrived(known, "one", result, NOW)
    assert after.ended
    assert after.epoch >= known.epoch
    if after.as_of != known.as_of:  # older, too: a copy that was set back is said to be
        assert result["complete"] is True
        assert after.as_of <= result["as_of"] + 1e-5, "less, where the host's clock is ahead"
    verdict = is_fresh(after, PairState(Role.MS1, 2), NOW, 100.0)
    if verdict.is_yes:
        assert after.epoch == 2
        assert NOW - 100 <= after.as_of <= NOW
    kept = json.loads(json.dumps(after.to_json()))
    assert Freshness.from_json(kept).to_json() == kept
    assert len(json.dumps(after.to_json())) < 60_000
    _attributes(after.to_json())


@pytest.mark.parametrize("as_of", ["soon", [], None, 10**40, float("inf"), True])
def test_a_complete_set_of_no_known_moment_is_not_complete(as_of: object) -> None:
    result = read_result({"complete": True, "as_of": as_of, "epoch": 1, "digest": "ab"})
    assert result["complete"] is False
    assert arrived(Freshness(), "", {"complete": True, "as_of": as_of, "epoch": 1, "digest": "ab"}, NOW).as_of == 0


def test_a_copy_from_the_future_is_of_unknown_age() -> None:
    known = Freshness(as_of=NOW + 3600, epoch=2, digest="ab")  # as an earlier version of this kept it
    verdict = is_fresh(known, PairState(Role.MS1, 2), NOW, 100.0)
    assert verdict.answer == "unknown"
    assert "the host's clock is wrong" in verdict.sentence


STATE = PairState(
    Role.MS1,
    3,
    Lease("e", "failover", Role.MS2, 4, "why", "watch", NOW),
    Receipt(4, Role.MS1, FencedBy.POWER, "", (), NOW),
)
ITEM = state_to_json(STATE)


@fuzzed(1200)
@given(st.dictionaries(st.sampled_from([*ITEM]), ANYTHING, max_size=3), st.booleans())
def test_a_record_is_read_as_what_it_says_or_is_unreadable_by_name(changed: dict[str, Any], fresh: bool) -> None:
    try:
        state = state_from_json(changed if fresh else {**ITEM, **changed})
    except RecordUnreadable as error:
        assert "Nothing was changed" in str(error)
        return
    assert isinstance(state, PairState)
    assert state.active in (None, Role.MS1, Role.MS2)


@fuzzed(800)
@given(nearly({**{name: st.just(value) for name, value in (ITEM["receipt"] or {}).items()}}))
def test_a_receipt_is_a_whole_receipt_or_a_value_error(data: Any) -> None:
    try:
        receipt = Receipt.from_json(data)
    except ValueError:
        return
    assert receipt.by in tuple(FencedBy)
    assert receipt.server in tuple(Role)


@fuzzed(800)
@given(
    nearly(
        {"answer": st.sampled_from(["yes", "no", "unknown"]), "sentence": st.just("So."), "evidence": ANYTHING}
    ).filter(lambda it: isinstance(it, dict))
)
def test_an_answer_of_a_function_is_one_of_three_or_none(data: Any) -> None:
    try:
        verdict = Verdict.from_json(data)
    except (ValueError, KeyError):
        return
    assert verdict.answer in ("yes", "no", "unknown")
    assert (data["answer"] == "yes") is verdict.is_yes


VALUES = st.one_of(
    SCALARS, st.binary(max_size=8), st.sampled_from(["10.0.0.11", "10.0.0.11:5000", "localhost", "Query"])
)


@pytest.mark.parametrize(("read_one", "width"), [(postgresql._session, 8), (mysql._session, 8), (oracle._session, 8)])
def test_a_row_of_the_database_is_a_session_or_makes_the_list_unknown(read_one: Any, width: int) -> None:
    @fuzzed(400)
    @given(st.lists(VALUES, min_size=width, max_size=width))
    def row(values: list[Any]) -> None:
        try:
            (session,) = read_rows(read_one, [values])
        except DatabaseProblem as problem:
            assert "Nothing is known about its sessions" in problem.sentence
            return
        assert isinstance(session, Session)

    row()


@pytest.mark.parametrize(
    "kind", ["Pair", "Watch", "Audit", "Probe", "Server", "Access", "Dns", "Readiness", "Replicate", "Sessions"]
)
def test_an_environment_is_settings_or_one_sentence_that_names_what_is_wrong(kind: str) -> None:
    function = {"Access": "database_access", "Sessions": "database_sessions"}.get(kind, kind.lower())
    right = complete(function)
    wanted: type[Any] = getattr(settings, f"{kind}Settings")

    @fuzzed(120)
    @given(st.dictionaries(st.sampled_from(sorted(right)), st.one_of(ODD, st.text(max_size=20)), max_size=3))
    def environment(changed: dict[str, str]) -> None:
        try:
            assert isinstance(read(wanted, {**right, **changed}), wanted)
        except BadSettings as error:
            assert "\n" not in str(error)
            assert any(name in str(error) for name in changed) or "MS1_" in str(error)

    environment()


PARAMETERS = [
    (path.stem, name, about)
    for path in sorted((ROOT / "documents").glob("*.yaml"))
    for name, about in yaml.safe_load(path.read_text()).get("parameters", {}).items()
]


@pytest.mark.parametrize(("document", "name", "about"), PARAMETERS, ids=[f"{d}.{n}" for d, n, _ in PARAMETERS])
def test_no_value_that_a_document_takes_can_end_its_quotes(document: str, name: str, about: dict[str, Any]) -> None:
    if "allowedValues" in about:
        assert all(re.fullmatch(r"[a-z0-9]+", str(value)) for value in about["allowedValues"])
    else:
        pattern = about["allowedPattern"]
        assert pattern.startswith("^")
        assert pattern.endswith("$")

        @fuzzed(40)
        @given(st.from_regex(pattern, fullmatch=True))
        def value(text: str) -> None:
            assert not set(text) & set("'\"`$\\;&|<>(){}*?!#\x00")

        value()
    shell = "\n".join(
        line
        for step in yaml.safe_load((ROOT / "documents" / f"{document}.yaml").read_text())["mainSteps"]
        for line in step["inputs"].get("runCommand", [])
    )
    for found in re.finditer(r".?\{\{ ?" + name + r" ?\}\}.?", shell):
        assert found[0][0] == found[0][-1] == "'", "it stands in single quotes"


# ---- Over the network ------------------------------------------------------------------------------------------------


class Garbage:
    """Answers whatever it is told to, to datagrams and to connections."""

    def __init__(self) -> None:
        self.answer = b""
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.tcp = socket.create_server(("127.0.0.1", 0))
        for loop in (self._datagrams, self._connections):
            threading.Thread(target=loop, daemon=True).start()

    def _datagrams(self) -> None:
        while True:
            try:
                asked, whom = self.udp.recvfrom(4096)
            except OSError:
                return
            # With the question's own number, or nobody would read any further.
            self.udp.sendto(asked[:2] + self.answer[2:], whom)

    def _connections(self) -> None:
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            with connection:
                connection.sendall(self.answer)

    def close(self) -> None:
        self.udp.close()
        self.tcp.close()


@pytest.fixture
def garbage() -> Iterator[Garbage]:
    server = Garbage()
    yield server
    server.close()


RIGHT = dns.message.make_response(dns.message.make_query("ms.corp.example", "A"))
RIGHT.answer.append(dns.rrset.from_text("ms.corp.example.", 5, "IN", "A", "10.0.0.11"))
WIRE = RIGHT.to_wire()
BROKEN = st.one_of(
    st.binary(min_size=2, max_size=60),
    st.tuples(st.integers(2, len(WIRE) - 1), st.integers(0, 255)).map(
        lambda at: WIRE[: at[0]] + bytes([at[1]]) + WIRE[at[0] + 1 :]
    ),
    st.integers(2, len(WIRE)).map(lambda end: WIRE[:end]),
)


def test_a_name_servers_answer_is_addresses_or_unknown(garbage: Garbage) -> None:
    class Here(dns.resolver.Resolver):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.port = garbage.udp.getsockname()[1]

    @fuzzed(80)
    @given(BROKEN)
    def answer(wire: bytes) -> None:
        garbage.answer = wire
        verdict = dns_resolver.resolve("ms.corp.example", "A", ("127.0.0.1",), 0.02)
        assert not verdict.is_no
        if verdict.is_yes:
            assert all(re.fullmatch(r"[0-9.]+", each) for each in verdict.evidence["addresses"])

    with mock.patch.object(dns.resolver, "Resolver", Here):
        garbage.answer = WIRE
        assert dns_resolver.resolve("ms.corp.example", "A", ("127.0.0.1",), 1.0).evidence["addresses"] == ["10.0.0.11"]
        answer()


def test_what_an_administration_interface_sends_is_a_sighting(garbage: Garbage, tmp_path: Path) -> None:
    authority = Certificates(tmp_path, "ms.corp.example").ca

    @fuzzed(80)
    @given(st.binary(max_size=80))
    def answer(sent: bytes) -> None:
        garbage.answer = sent
        seen = ask_admin("127.0.0.1", garbage.tcp.getsockname()[1], "/", "ms.corp.example", authority, 0.2)
        assert seen.signal != "answers"
        assert len(seen.sentence) < 200
        assert seen.sentence.isprintable()

    answer()


def test_no_setting_of_the_database_is_taken_that_is_not_known() -> None:
    with pytest.raises(ValueError, match="tls is"):
        DatabaseSettings("postgresql", tls="")
