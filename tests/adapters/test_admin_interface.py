"""Does a server answer where people come to it? Against real TLS servers on loopback, sound and in trouble."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from msfailover.adapters import tls
from msfailover.adapters.admin_interface import Sighting, ask_admin, ask_port, certificate
from msfailover.observations import Signal

from tests.adapters.sessions.certificates import make as issue
from tests.functions.servers import (
    PAGE,
    Certificates,
    Server,
    Talk,
    answers,
    drips,
    floods,
    hangs,
    hangs_up,
    status,
    stops_after,
)

NAME = "ms.corp.example"
LIMIT_S = 0.3
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"), NAME)


def ask(server: Server, certificates: Certificates, path: str = "/") -> Sighting:
    """Ask, and see that it took no longer than an answer may take in the worst case."""
    began = time.monotonic()
    seen = ask_admin(server.address, server.port, path, NAME, certificates.ca, LIMIT_S)
    assert time.monotonic() - began < 2 * LIMIT_S + 1.0, "bounded, whatever the server does"
    return seen


def asked(talk: Talk, certificates: Certificates) -> Sighting:
    with Server(talk, certificates.good) as server:
        return ask(server, certificates)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def with_page(body: bytes, expected: str, certificates: Certificates) -> Sighting:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with Server(answers(head + body), certificates.good) as server:
        return ask_admin(server.address, server.port, "/", NAME, certificates.ca, LIMIT_S, expected)


def test_an_error_page_under_status_200_is_broken_where_a_text_is_expected(certificates: Certificates) -> None:
    sign_in, error = b"<title>Management Server</title>", b"<title>Internal error: no database</title>"
    assert with_page(sign_in, "Management Server", certificates).signal is Signal.ANSWERS
    assert with_page(error, "", certificates).signal is Signal.ANSWERS
    seen = with_page(error, "Management Server", certificates)
    assert seen.signal is Signal.BROKEN
    assert seen.sentence == "it answers with status 200, but without the expected text"


def test_an_expected_text_is_searched_in_a_bounded_part_of_the_page(certificates: Certificates) -> None:
    near, far = b"x" * 60_000 + b"here", b"x" * 70_000 + b"here"
    assert with_page(near, "here", certificates).signal is Signal.ANSWERS
    assert with_page(far, "here", certificates).signal is Signal.BROKEN


# ---- sound servers ---------------------------------------------------------------------------------------------------


def test_a_server_with_the_right_certificate_and_a_page_answers(certificates: Certificates) -> None:
    seen = asked(answers(), certificates)
    assert (seen.signal, seen.sentence) == (Signal.ANSWERS, "it answers with status 200")
    assert 0 < seen.seconds < LIMIT_S


def test_it_is_asked_for_the_page_by_the_name_that_its_certificate_is_for(certificates: Certificates) -> None:
    with Server(answers(), certificates.good) as server:
        ask(server, certificates, "/login?from=watch")
        request = server.heard[0].decode()
    assert request.startswith("GET /login?from=watch HTTP/1.1\r\n")
    assert f"\r\nHost: {NAME}\r\n" in request


def test_a_redirect_is_an_answer_and_is_not_followed(certificates: Certificates) -> None:
    with Server(answers()) as elsewhere:
        seen = asked(status(302, f"Location: http://127.0.0.1:{elsewhere.port}/"), certificates)
        assert elsewhere.connections == 0
    assert (seen.signal, seen.sentence) == (Signal.ANSWERS, "it answers with status 302")


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_in_the_environment_is_ignored(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with Server(hangs_up) as proxy:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        assert asked(answers(), certificates).signal is Signal.ANSWERS
        assert proxy.connections == 0


def test_an_authority_in_the_environment_is_ignored(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
    assert asked(answers(), certificates).signal is Signal.ANSWERS


# ---- servers that answer otherwise than configured -------------------------------------------------------------------


@pytest.mark.parametrize("number", [400, 401, 403, 404, 429])
def test_a_page_that_is_not_there_is_a_wrong_status(certificates: Certificates, number: int) -> None:
    seen = asked(status(number), certificates)
    assert (seen.signal, seen.sentence) == (Signal.WRONG_STATUS, f"it answers with status {number}")


@pytest.mark.parametrize("number", [500, 502, 503])
def test_a_server_that_says_that_it_fails_is_broken(certificates: Certificates, number: int) -> None:
    seen = asked(status(number), certificates)
    assert (seen.signal, seen.sentence) == (Signal.BROKEN, f"it answers with status {number}")


@pytest.mark.parametrize("which", ["other_name", "strangers"])
def test_a_certificate_for_another_name_or_of_another_authority_is_wrong(
    certificates: Certificates, which: str
) -> None:
    with Server(answers(), getattr(certificates, which)) as server:
        seen = ask(server, certificates)
        assert not any(server.heard), "nothing is said to a stranger"
    assert seen.signal is Signal.WRONG_CERTIFICATE
    assert seen.sentence.startswith("its certificate is not accepted (")
    assert "HTTPSConnectionPool" not in seen.sentence


@pytest.mark.parametrize("trusted", ["ca", "certificate"])
def test_a_certificate_without_key_identifiers_is_taken_by_every_python_and_may_be_pinned_itself(
    tmp_path: Path, trusted: str
) -> None:
    """In-house authorities issue such ones, and Python 3.13 alone refuses them unless told not to."""
    made = issue(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    file = str(getattr(made, trusted))
    with Server(answers(), context) as server:
        seen = ask_admin(server.address, server.port, "/", "127.0.0.1", file, LIMIT_S)
        assert certificate(server.address, server.port, "127.0.0.1", file, LIMIT_S).is_yes
    assert seen.signal is Signal.ANSWERS
    stranger = str(made.stranger)
    with Server(answers(), context) as server:
        assert ask_admin(server.address, server.port, "/", "127.0.0.1", stranger, LIMIT_S).signal is not Signal.ANSWERS
        assert certificate(server.address, server.port, "127.0.0.1", stranger, LIMIT_S).is_no


def test_certificates_are_verified_in_the_same_way_by_every_python(certificates: Certificates) -> None:
    context = tls.verifying(certificates.ca)
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN


def test_a_server_that_speaks_no_tls_is_not_down_but_misconfigured(certificates: Certificates) -> None:
    with Server(answers()) as server:
        assert ask(server, certificates).signal is Signal.WRONG_CERTIFICATE


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_an_authority_that_cannot_be_read_is_our_misconfiguration(
    certificates: Certificates, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with Server(answers(), certificates.good) as server:
        seen = ask_admin(server.address, server.port, "/", NAME, str(file), LIMIT_S)
    assert seen.signal is Signal.WRONG_CERTIFICATE


# ---- servers in trouble ----------------------------------------------------------------------------------------------


def test_nobody_listening_is_a_refusal(certificates: Certificates) -> None:
    seen = ask_admin("127.0.0.1", closed_port(), "/", NAME, certificates.ca, LIMIT_S)
    assert (seen.signal, seen.sentence) == (Signal.REFUSED, "the connection is refused")


def test_a_server_that_takes_the_connection_and_says_nothing_is_silent(certificates: Certificates) -> None:
    with Server(hangs) as server:
        seen = ask(server, certificates)
    assert (seen.signal, seen.sentence) == (Signal.SILENT, "no answer within 0.3 s")


def test_a_server_that_hangs_after_the_handshake_is_silent(certificates: Certificates) -> None:
    assert asked(hangs, certificates).signal is Signal.SILENT


def test_a_server_that_hangs_up_before_the_handshake_is_broken_and_not_misconfigured(
    certificates: Certificates,
) -> None:
    for talk in (hangs_up, answers(b"")):
        with Server(talk) as server:
            seen = ask(server, certificates)
        assert seen.signal is Signal.BROKEN
        assert seen.sentence.startswith("the connection broke")


def test_a_server_that_hangs_up_after_the_handshake_is_broken(certificates: Certificates) -> None:
    assert asked(hangs_up, certificates).signal is Signal.BROKEN
    assert asked(answers(b""), certificates).signal is Signal.BROKEN


def test_a_server_that_answers_gibberish_is_broken(certificates: Certificates) -> None:
    assert asked(answers(b"\x00\x01\x02 gibberish\r\n\r\n"), certificates).signal is Signal.BROKEN


DRIPS = {
    "a body": drips(HEAD + b"\r\n"),
    "a body of a length it never reaches": drips(HEAD + b"Content-Length: 4000\r\n\r\n"),
    "a chunked body": drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "headers": drips(HEAD, b"X-Drip: x\r\n"),
    "one header": drips(HEAD + b"X-Drip: "),
    "the first line": drips(b"HTTP/1.1 200 "),
}


@pytest.mark.parametrize("what", DRIPS)
def test_a_server_that_drips_is_as_silent_as_one_that_says_nothing(certificates: Certificates, what: str) -> None:
    assert asked(DRIPS[what], certificates).signal is Signal.SILENT


def test_a_body_that_breaks_off_in_silence_is_no_answer(certificates: Certificates) -> None:
    seen = asked(stops_after(HEAD + b"Content-Length: 4000\r\n\r\nbegun"), certificates)
    assert seen.signal in (Signal.SILENT, Signal.BROKEN)


def test_a_huge_body_is_not_read_to_its_end(certificates: Certificates) -> None:
    assert asked(floods, certificates).signal is Signal.ANSWERS


def test_a_huge_header_is_no_answer(certificates: Certificates) -> None:
    assert asked(answers(HEAD + b"X-Huge: " + b"x" * 200_000), certificates).signal is Signal.BROKEN


def test_no_answer_makes_a_sentence_of_more_than_one_short_line(certificates: Certificates) -> None:
    for talk in (answers(b"\x00\x1b\r\nX" * 5000), answers(b"HTTP/1.1 99999 \x00\r\n\r\n"), hangs_up):
        sentence = asked(talk, certificates).sentence
        assert sentence.isprintable()
        assert len(sentence) < 300


def test_many_probes_leave_no_descriptor_and_no_thread_behind(certificates: Certificates) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with Server(floods, certificates.good) as flooding, Server(hangs, certificates.good) as hanging:
        ask(flooding, certificates)
        before, threads = descriptors() - flooding.connections, {each.name for each in threading.enumerate()}
        for _ in range(10):
            ask(flooding, certificates)
        ask_admin(hanging.address, hanging.port, "/", NAME, certificates.ca, 0.05)
        ours = descriptors() - flooding.connections - hanging.connections * 2
        assert ours <= before + 1
    # A timer that was called off takes a moment to end.
    timers = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]
    for timer in timers:
        timer.join(LIMIT_S)
    assert not [each for each in timers if each.is_alive()], threads


# ---- the management port ---------------------------------------------------------------------------------------------


def test_a_port_that_accepts_connections_answers_and_nothing_is_said_to_it() -> None:
    with Server(hangs) as server:
        seen = ask_port(server.address, server.port, LIMIT_S)
    assert (seen.signal, seen.sentence) == (Signal.ANSWERS, f"port {server.port} accepts connections")


def test_a_port_that_nobody_listens_on_refuses() -> None:
    assert ask_port("127.0.0.1", closed_port(), LIMIT_S).signal is Signal.REFUSED


def test_a_port_that_takes_no_connections_is_silent() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = int(listener.getsockname()[1])
        waiting = [_begin(port) for _ in range(8)]  # until the kernel answers no more
        seen = ask_port("127.0.0.1", port, LIMIT_S)
        for each in waiting:
            each.close()
    assert (seen.signal, seen.sentence) == (Signal.SILENT, f"port {port} is silent for 0.3 s")


def _begin(port: int) -> socket.socket:
    connection = socket.socket()
    connection.setblocking(False)
    connection.connect_ex(("127.0.0.1", port))
    return connection


def test_a_network_that_is_not_ours_to_reach_is_unreachable() -> None:
    seen = ask_port("255.255.255.255", 443, LIMIT_S)
    assert seen.signal is Signal.UNREACHABLE


def test_a_fault_of_our_own_is_never_the_servers(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> None:
    def exhausted(*_: object, **__: object) -> socket.socket:
        raise OSError(24, "Too many open files")

    with Server(answers(PAGE), certificates.good) as server:
        monkeypatch.setattr(socket, "socket", exhausted)
        port = ask_port("127.0.0.1", server.port, LIMIT_S)
        admin = ask_admin(server.address, server.port, "/", NAME, certificates.ca, LIMIT_S)
        monkeypatch.undo()
    assert (port.signal, admin.signal) == (Signal.UNREACHABLE, Signal.UNREACHABLE)
