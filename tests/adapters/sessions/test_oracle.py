"""What is Oracle's own, against the fake."""

from __future__ import annotations

from contextlib import closing

import pytest
from msfailover.adapters.sessions import RightsMissing
from msfailover.decisions.attribution import Names, sessions_of
from msfailover.observations import OUR_NAME
from msfailover.verdict import Verdict

from tests.adapters.sessions.conftest import MS1, MS2
from tests.adapters.sessions.databases import PASSWORD
from tests.adapters.sessions.oracle_fake import SERVER_HOST, FakeOracle, Row


def verdict(oracle: FakeOracle, machine: str | None, *, proof: bool = False) -> Verdict:
    """What is said of ms1 when one session of that name is there beside the database's own."""
    oracle.rows.append(Row(50, 51, machine))
    names = Names(vouched=(SERVER_HOST,), known=(*MS2.host_names, OUR_NAME))
    with closing(oracle.engine()) as engine:
        return sessions_of(MS1, engine.list_sessions(), names, proof=proof).verdict


def answer(oracle: FakeOracle, machine: str | None) -> str:
    return verdict(oracle, machine).answer


@pytest.mark.parametrize(
    "machine", ["ms1", "MS1", "ms1.corp.example", "CORP\\MS1", "WORKGROUP\\ms1\x00", "ms1.corp.example.", "127.0.0.11"]
)
def test_a_machine_that_is_the_server_counts(oracle: FakeOracle, machine: str) -> None:
    assert answer(oracle, machine) == "yes"


@pytest.mark.parametrize("machine", [None, "", "\x00", "jdbcclient", "unknown", "localhost", "ms1.elsewhere.example"])
def test_a_machine_that_is_nobodys_is_unknown(oracle: FakeOracle, machine: str | None) -> None:
    assert answer(oracle, machine) == "unknown"


@pytest.mark.parametrize("machine", ["ms2", "CORP\\MS2", "ms-failover", "10.99.0.5"])
def test_a_machine_that_says_it_is_anothers_is_believed_at_rest_and_not_in_a_proof(
    oracle: FakeOracle, machine: str
) -> None:
    assert verdict(oracle, machine).answer == "no"
    assert verdict(oracle, machine, proof=True).answer == "unknown"


def test_the_databases_own_host_name_is_nobodys_unless_the_owner_vouches_for_it(oracle: FakeOracle) -> None:
    with closing(oracle.engine()) as engine:
        listing = engine.list_sessions()
    assert sessions_of(MS1, listing, proof=True).verdict.answer == "unknown"
    assert sessions_of(MS1, listing, Names(vouched=(SERVER_HOST,)), proof=True).verdict.is_no


def test_background_processes_are_known_by_their_type_and_we_by_our_number(oracle: FakeOracle) -> None:
    oracle.rows = oracle.rows[:1]
    with closing(oracle.engine()) as engine:
        assert sessions_of(MS1, engine.list_sessions(), proof=True).verdict.is_no


def test_a_session_marked_for_kill_stays_counted(oracle: FakeOracle) -> None:
    oracle.rows.append(Row(50, 51, "ms1", stubborn=True))
    with closing(oracle.engine()) as engine:
        finding = sessions_of(MS1, engine.list_sessions())
        assert engine.terminate(finding.ids).asked == 1
        assert sessions_of(MS1, engine.list_sessions()).count == 1


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
