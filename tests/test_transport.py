"""The only socket to the outside, against real servers; where it must not lead is in tests/attack."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from offers import transport
from offers.domain import Outcome, Verdict

LATER = {
    "later": "17",
    "at": "Mon, 02 Mar 2026 11:00:17 GMT",
    "before": "Mon, 02 Mar 2026 10:00:00 GMT",
    "someday": "someday",
}


class Peer(BaseHTTPRequestHandler):
    """Answers as its path says: /200, /503?…, /307/to/200."""

    seen: list[tuple[str, bytes]]

    def date_time_string(self, timestamp: float | None = None) -> str:
        return "Mon, 02 Mar 2026 11:00:00 GMT"  # its clock is its own

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).seen.append((self.path, body))
        first, _, rest = self.path.lstrip("/").partition("/")
        self.send_response(int(first))
        if rest.startswith("to/"):
            self.send_header("Location", "/" + rest.removeprefix("to/"))
        if rest in LATER:
            self.send_header("Retry-After", LATER[rest])
        self.end_headers()
        self.wfile.write(b"because I say so\n")

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def peer() -> Iterator[str]:
    Peer.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Peer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def post(url: str, unknown_before: bool = False, allow_local: bool = True) -> Outcome:
    return transport.post(url, b"<x/>", unknown_before=unknown_before, allow_local=allow_local)


def test_a_200_is_delivered_with_the_bytes_as_they_were(peer: str) -> None:
    assert post(f"{peer}/200").verdict == Verdict.DELIVERED
    assert Peer.seen == [("/200", b"<x/>")]


@pytest.mark.parametrize(("status", "verdict"), [(401, "permanent"), (404, "temporary"), (503, "temporary")])
def test_a_refusal_is_sorted_and_says_why(peer: str, status: int, verdict: str) -> None:
    outcome = post(f"{peer}/{status}")
    assert (outcome.verdict, outcome.status) == (verdict, status)
    assert outcome.text.startswith(f"HTTP {status}") and outcome.text.endswith("because I say so")
    assert not outcome.unknown


@pytest.mark.parametrize(("said", "seconds"), [("later", 17), ("at", 17), ("before", 0), ("someday", None)])
def test_retry_after_is_heard(peer: str, said: str, seconds: int | None) -> None:
    outcome = post(f"{peer}/429/{said}")
    assert outcome.retry_after == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize("status", [307, 308])
def test_two_redirects_are_followed_with_the_body(peer: str, status: int) -> None:
    assert post(f"{peer}/{status}/to/{status}/to/200").verdict == Verdict.DELIVERED
    assert [body for _, body in Peer.seen] == [b"<x/>"] * 3


def test_a_third_redirect_is_not_followed(peer: str) -> None:
    assert post(f"{peer}/307/to/307/to/307/to/200").verdict == Verdict.TEMPORARY
    assert len(Peer.seen) == 3


@pytest.mark.parametrize("status", [301, 302, 303])
def test_other_redirects_are_not_followed(peer: str, status: int) -> None:
    assert post(f"{peer}/{status}/to/200").verdict == Verdict.TEMPORARY
    assert len(Peer.seen) == 1


class Hostile(BaseHTTPRequestHandler):
    """Answers line by line without end."""

    dripped = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100):
            self.wfile.write(b"X: y\r\n")
            self.wfile.flush()
            type(self).dripped += 1
            threading.Event().wait(0.1)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def hostile() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def test_a_peer_that_drips_is_cut_off(hostile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "TOTAL_SECONDS", 1.0)
    Hostile.dripped = 0
    post(f"{hostile}/drip")
    assert 0 < Hostile.dripped < 100  # it had more to say


def test_a_handshake_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte of TLS comes within the time-out, so that only the attempt as a whole can be too long."""
    monkeypatch.setattr(transport, "TOTAL_SECONDS", 1.0)
    dripped = 0

    def drip(listener: socket.socket) -> None:
        nonlocal dripped
        connection, _ = listener.accept()
        connection.recv(4096)
        connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")  # a ServerHello of 16 kB begins
        with contextlib.suppress(OSError):
            for _ in range(100):
                connection.sendall(b"\x03")
                dripped += 1
                threading.Event().wait(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drip, args=(listener,), daemon=True).start()
        outcome = post(f"https://127.0.0.1:{listener.getsockname()[1]}/")
    assert (outcome.verdict, outcome.unknown) == (Verdict.TEMPORARY, False)
    assert 0 < dripped < 50  # it had more to say


def test_redirects_share_the_time_of_their_attempt(hostile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is opened when the time is up is shut at once."""
    cut = transport._Cut(60.0)
    cut.shut()
    Hostile.dripped = 0
    monkeypatch.setattr(transport, "_Cut", lambda seconds: cut)
    post(f"{hostile}/drip")
    assert Hostile.dripped < 2


# --- knocking -----------------------------------------------------------------------------------------


def test_who_listens_opens_and_hears_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert transport.opens(f"http://127.0.0.1:{port}/", allow_local=True)
        heard = listener.accept()[0].recv(4096)
    assert heard == b""
    assert not transport.opens(f"http://127.0.0.1:{port}/", allow_local=True)


def test_who_speaks_no_tls_does_not_open_where_tls_is_wanted(peer: str) -> None:
    assert transport.opens(peer, allow_local=True)
    assert not transport.opens(peer.replace("http:", "https:"), allow_local=True)


def test_a_handshake_without_end_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert not transport.opens(f"https://127.0.0.1:{listener.getsockname()[1]}/", allow_local=True)
