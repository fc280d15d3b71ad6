"""What is Oracle's own, against the fake."""

from __future__ import annotations

from contextlib import closing

import pytest
from msfailover.adapters.sessions import RightsMissing
from msfailover.sessions import sessions_of

from tests.sessions.conftest import MS1, MS2
from tests.sessions.databases import PASSWORD
from tests.sessions.oracle_fake import SERVER_HOST, FakeOracle, Row


def answer(oracle: FakeOracle, machine: str | None) -> str:
    oracle.rows.append(Row(50, 51, machine))
    with closing(oracle.engine()) as engine:
        return sessions_of(MS1, engine.list_sessions(), MS2.host_names).verdict.answer


@pytest.mark.parametrize(
    "machine", ["ms1", "MS1", "ms1.corp.example", "CORP\\MS1", "WORKGROUP\\ms1\x00", "ms1.corp.example.", "127.0.0.11"]
)
def test_a_machine_that_is_the_server_counts(oracle: FakeOracle, machine: str) -> None:
    assert answer(oracle, machine) == "yes"


@pytest.mark.parametrize("machine", [None, "", "\x00", "jdbcclient", "unknown", "localhost", "ms1.elsewhere.example"])
def test_a_machine_that_is_nobodys_is_unknown(oracle: FakeOracle, machine: str | None) -> None:
    assert answer(oracle, machine) == "unknown"


@pytest.mark.parametrize("machine", ["ms2", "CORP\\MS2", "ms-failover", SERVER_HOST])
def test_a_machine_that_is_known_to_be_anothers_does_not_count(oracle: FakeOracle, machine: str) -> None:
    assert answer(oracle, machine) == "no"


def test_a_session_marked_for_kill_stays_counted(oracle: FakeOracle) -> None:
    oracle.rows.append(Row(50, 51, "ms1", stubborn=True))
    with closing(oracle.engine()) as engine:
        finding = sessions_of(MS1, engine.list_sessions(), MS2.host_names)
        assert engine.terminate(finding.ids).asked == 1
        assert sessions_of(MS1, engine.list_sessions(), MS2.host_names).count == 1


def test_rights_that_the_procedure_of_rds_needs_are_named(oracle: FakeOracle) -> None:
    oracle.rows.append(Row(50, 51, "ms1"))
    with closing(oracle.engine("seer", kill_with="rds")) as engine:
        with pytest.raises(RightsMissing, match="rdsadmin"):
            engine.terminate(["50,51,@1"])
        verdict = engine.can_list_and_terminate()
    assert verdict.is_no
    assert "rdsadmin.rdsadmin_util" in verdict.sentence


def test_how_it_connects(oracle: FakeOracle) -> None:
    with closing(oracle.engine()) as engine:
        engine.list_sessions()
    options = oracle.options
    assert options["protocol"] == "tcps"
    assert options["ssl_context"].check_hostname
    assert options["ssl_server_dn_match"] is True
    assert (options["tcp_connect_timeout"], options["retry_count"]) == (2.0, 0)
    assert (options["program"], options["machine"]) == ("ms-failover", "ms-failover")
    assert options["password"] == PASSWORD
    assert oracle.connections[-1].call_timeout == 3000
