"""`web` answers this machine, this page and who has the token, and nobody else; what it answers is a sentence."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest

from failoverctl.web.safety import Keys
from failoverctl.web.server import BODY_AT_MOST, FILES, PageServer
from tests.failoverctl.conftest import Run
from tests.failoverctl.region import Region
from tests.failoverctl.web.served import Served


@pytest.fixture
def served(region: Region) -> Iterator[Served]:
    with Served(region) as served:
        yield served


def test_it_listens_on_loopback_only(served: Served) -> None:
    assert served.server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("key", ["", "wrong", "ü"])
def test_without_the_session_s_key_nothing_is_shown_and_nothing_is_read(served: Served, key: str) -> None:
    served.key = key.encode().decode("latin-1")
    answer = served.ask("GET", "/api/state?after=-1")
    assert answer.status == 401
    assert answer.error.startswith("This browser has no valid token")
    assert served.post("/api/act", {}).status == 401
    assert served.region.asked == []


@pytest.mark.parametrize("token", ["", "wrong", None, ["x"]])
def test_a_wrong_token_gives_no_key(served: Served, token: object) -> None:
    answer = served.post("/api/session", {"token": token})
    assert (answer.status, set(answer.json())) == (401, {"error"})


def test_the_token_that_a_browser_is_started_with_works_once_and_the_printed_one_again() -> None:
    keys = Keys()
    assert keys.fits(keys.exchanged(keys.once))
    assert keys.exchanged(keys.once) == ""
    assert keys.exchanged(keys.token) == keys.exchanged(keys.token) != ""
    assert not keys.fits(keys.token)
    assert not keys.fits("")


@pytest.mark.parametrize("path", [*FILES, "/api/state?after=-1"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", ""])
def test_another_host_name_is_refused_though_it_leads_here(served: Served, path: str, host: str) -> None:
    answer = served.ask("GET", path, Host=host.format(port=served.port))
    assert answer.status == 403
    assert "answers only under http://127.0.0.1:" in answer.error


def test_localhost_is_this_machine_too(served: Served) -> None:
    assert served.ask("GET", "/", Host=f"localhost:{served.port}").status == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}", ""]
)
@pytest.mark.parametrize("path", ["/api/act", "/api/session"])
def test_a_post_of_another_site_is_refused(served: Served, path: str, origin: str) -> None:
    answer = served.post(path, {"token": served.server.keys.token}, Origin=origin.format(port=served.port))
    assert (answer.status, answer.error) == (403, "This request comes from another site, and was refused.")


def test_another_site_can_t_read_the_state_either(served: Served) -> None:
    assert served.ask("GET", "/api/state", Origin="http://evil.example").status == 403
    assert served.ask("GET", "/api/state", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="cors").status == 403
    assert served.ask("GET", "/page.js", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors").status == 403
    assert served.ask("GET", "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate").status == 200


def test_what_is_posted_is_json_as_a_form_can_t_send_it(served: Served) -> None:
    answer = served.post("/api/act", {}, Content_Type="text/plain")
    assert (answer.status, answer.error) == (403, "What is posted here is JSON.")


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/page.js", 200), ("/api/state?after=-1", 200), ("/etc/passwd", 404)]
)
def test_every_answer_forbids_what_the_page_does_not_need(served: Served, path: str, status: int) -> None:
    answer = served.ask("GET", path)
    assert answer.status == status
    policy = answer.headers["Content-Security-Policy"]
    for rule in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
    ):
        assert rule in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Python" not in answer.headers["Server"]


def test_the_page_names_no_address_of_elsewhere(served: Served) -> None:
    for path in ("/", "/page.css", "/page.js", "/drawing.js"):
        assert re.findall(rb"""[a-z]+://|["'(]//""", served.ask("GET", path).body) == [], path


@pytest.mark.parametrize("path", ["/../server.py", "/%2e%2e/server.py", "/page.html/..", "/api/", "/api/act"])
def test_nothing_else_is_served(served: Served, path: str) -> None:
    assert served.ask("GET", path).status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_are_answered_with_a_sentence(served: Served, method: str) -> None:
    answer = served.ask(method, "/")
    assert answer.status == 501
    assert method == "HEAD" or answer.error.startswith("This request can't be answered")


@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b"\xff", b"[" * 5000, b"x" * (BODY_AT_MOST + 1)])
def test_what_is_no_request_is_refused_with_a_sentence(served: Served, body: bytes) -> None:
    answer = served.ask(
        "POST", "/api/act", body, Origin=f"http://127.0.0.1:{served.port}", Content_Type="application/json"
    )
    assert answer.status == 400
    assert "Traceback" not in answer.error


def test_what_is_no_http_is_answered_and_the_next_one_is_served(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01\x02\r\n\r\n")
        assert connection.recv(65536)
    assert served.ask("GET", "/").status == 200


def test_a_fault_of_its_own_is_a_sentence(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise KeyError("a field")

    monkeypatch.setattr(served.server.reader, "state", fails)
    answer = served.ask("GET", "/api/state")
    assert answer.status == 500
    assert answer.error.startswith("failoverctl itself failed (KeyError: 'a field').")


def test_ctrl_c_ends_it_with_a_sentence_after_the_address(ctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: PageServer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(PageServer, "serve_forever", interrupted)
    said = ctl("web", "--no-browser")
    assert (said.code, said.err) == (130, "Stopped. What runs in AWS goes on.\n")
    assert re.match(r"The page: http://127\.0\.0\.1:\d+/#token=[\w-]{43}\n", said.out)
    assert "It only reads; --allow-actions allows acting from it." in said.out
    assert ctl("web", "--no-browser", "--json", "--allow-actions").json()["allow_actions"] is True


def test_a_port_that_is_taken_is_said_so_before_anything_is_asked(ctl: Run, served: Served) -> None:
    said = ctl("web", "--no-browser", "--port", str(served.port))
    assert said.code == 2
    assert f"Port {served.port} of 127.0.0.1 can't be used: Address already in use." in said.err
    assert served.region.asked == []
