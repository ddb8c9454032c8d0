"""G09: however an attempt to deliver ends, one table says what it means; nothing is left to chance.

Against sockets that do what no honest server does. What must come out stands here by hand, from
protocol.md §3.2: an outcome is unknown where the bytes may have arrived although no answer says so.
"""

import contextlib
import http.client
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from offers import domain, transport
from offers.domain import Outcome, Verdict

DELIVERED, TEMPORARY, PERMANENT = Verdict.DELIVERED, Verdict.TEMPORARY, Verdict.PERMANENT
SHORT = 1.0  # seconds, instead of the 20 that an attempt may take
DRIP = 0.7  # often enough for every time-out, rarely enough not to reset what we have just hung up
Answer = Callable[[socket.socket], None]


# --- a peer that does as it is told -----------------------------------------------------------------------


class Peer:
    """Listens; each connection is handed to the answer that its first line asks for: POST /name."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self.answers, self.asked = answers, 0
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, _ = self.socket.accept()
                threading.Thread(target=self._answer, args=(wire,), daemon=True).start()

    def _answer(self, wire: socket.socket) -> None:
        with contextlib.suppress(OSError), wire:
            first = wire.recv(4096, socket.MSG_PEEK)
            if not first.startswith(b"POST "):
                return
            name = first.split(b" ")[1].decode().lstrip("/")
            self.asked += 1
            answer = self.answers.get(name) or says(
                f"HTTP/1.1 {name} So\r\nContent-Length: 0\r\n\r\n".encode()
            )
            answer(wire)

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def listen(wire: socket.socket) -> None:
    """Read the request to its end."""
    said = b""
    while b"</x>" not in said:
        said += wire.recv(4096)


def says(*chunks: bytes, pause: float = 0) -> Answer:
    """Hear all, answer these bytes, hang up."""

    def answer(wire: socket.socket) -> None:
        listen(wire)
        for chunk in chunks:
            wire.sendall(chunk)
            time.sleep(pause)
        wire.shutdown(socket.SHUT_RDWR)

    return answer


def resets(*, after: bytes | None) -> Answer:
    """Break the connection with a RST: before anything was read, or after so much of an answer."""

    def answer(wire: socket.socket) -> None:
        if after is not None:
            listen(wire)
            wire.sendall(after)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return answer


def hangs(wire: socket.socket) -> None:
    listen(wire)
    time.sleep(3 * SHORT)


HEAD = b"HTTP/1.1 200 OK\r\n"
ANSWERS: dict[str, tuple[Answer, Verdict, bool]] = {
    "silence": (hangs, TEMPORARY, True),
    "hang-up": (says(), TEMPORARY, True),
    "reset-at-once": (resets(after=None), TEMPORARY, True),
    "reset-after-the-body": (resets(after=b""), TEMPORARY, True),
    "reset-in-the-headers": (resets(after=HEAD), TEMPORARY, True),
    "half-a-status-line": (says(b"HTTP/1.1 20"), TEMPORARY, True),
    "another-protocol": (says(b"SSH-2.0-OpenSSH_9.2p1\r\n"), TEMPORARY, True),
    "no-number": (says(b"HTTP/1.1 abc Oh\r\n\r\n"), TEMPORARY, True),
    "a-status-of-999": (says(b"HTTP/1.1 999 Oh\r\nContent-Length: 0\r\n\r\n"), TEMPORARY, False),
    "endless-line": (says(HEAD + b"X: " + b"y" * 100_000), TEMPORARY, True),
    "endless-headers": (says(HEAD + b"X: y\r\n" * 2_000), TEMPORARY, True),
    "drips-a-reason": (
        says(b"HTTP/1.1 503 No\r\nContent-Length: 99\r\n\r\n", *[b"x"] * 20, pause=DRIP),
        TEMPORARY,
        False,
    ),
    # Once the status is there, what follows decides nothing.
    "no-end-of-headers": (says(HEAD + b"X: y\r\n"), DELIVERED, False),
    "drips-headers": (says(HEAD, *[b"X: y\r\n"] * 20, pause=DRIP), DELIVERED, False),
    "half-a-body": (says(HEAD + b"Content-Length: 100\r\n\r\nhalf"), DELIVERED, False),
    "reset-in-the-body": (resets(after=HEAD + b"Content-Length: 100\r\n\r\nha"), DELIVERED, False),
    "half-a-reason": (says(b"HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\nbar"), PERMANENT, False),
    "broken-chunks": (says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), DELIVERED, False),
    "not-really-gzip": (
        says(b"HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi"),
        TEMPORARY,
        True,
    ),
    "unreadable-retry-after": (
        says("HTTP/1.1 503 X\r\nRetry-After: ²\r\n\r\n".encode("latin-1")),
        TEMPORARY,
        False,
    ),
    "redirects-to-itself": (
        says(b"HTTP/1.1 307 X\r\nLocation: /redirects-to-itself\r\n\r\n"),
        TEMPORARY,
        False,
    ),
    "redirects-round-and-round": (
        says(b"HTTP/1.1 308 X\r\nLocation: /redirects-to-itself\r\n\r\n"),
        TEMPORARY,
        False,
    ),
    "redirects-to-nowhere": (says(b"HTTP/1.1 307 X\r\n\r\n"), TEMPORARY, False),
    "redirects-to-nonsense": (says(b"HTTP/1.1 307 X\r\nLocation: http://[\r\n\r\n"), TEMPORARY, True),
    "redirects-to-a-file": (
        says(b"HTTP/1.1 307 X\r\nLocation: file:///etc/hostname\r\n\r\n"),
        PERMANENT,
        False,
    ),
    "moved": (says(b"HTTP/1.1 302 X\r\nLocation: /200\r\n\r\n"), TEMPORARY, False),
}


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    here = Peer({name: answer for name, (answer, _, _) in ANSWERS.items()})
    yield here
    here.close()


WAITED_OUT = {"silence", "drips-a-reason", "drips-headers"}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where the end of our patience is what is asked for: a busy machine may be late with any answer."""
    monkeypatch.setattr(transport, "TOTAL_SECONDS", SHORT)
    monkeypatch.setattr(transport, "CONNECT_SECONDS", SHORT / 2)


def post(url: str, unknown_before: bool = False, allow_local: bool = True) -> Outcome:
    return transport.post(url, b"<x></x>", unknown_before=unknown_before, allow_local=allow_local)


# --- every status -----------------------------------------------------------------------------------------

TEMPORARY_AT_4XX = {404, 408, 419, 425, 429}
MAYBE_THERE = {408, *range(500, 600)} - {503}


def expected(status: int, unknown_before: bool) -> tuple[Verdict, bool]:
    if 200 <= status < 300 or (unknown_before and status in (400, 409)):
        return DELIVERED, False
    if 400 <= status < 500 and status not in TEMPORARY_AT_4XX:
        return PERMANENT, False
    # After 100 comes another answer, and here it does not: nobody knows.
    return TEMPORARY, status in MAYBE_THERE or status == 100


def missorted(peer: Peer, statuses: range, unknown_before: bool) -> dict[int, Outcome]:
    found = {status: post(f"{peer.url}/{status}", unknown_before) for status in statuses}
    return {
        status: outcome
        for status, outcome in found.items()
        if (outcome.verdict, outcome.unknown) != expected(status, unknown_before)
    }


@pytest.mark.parametrize("unknown_before", [False, True], ids=["first attempt", "after an unknown one"])
def test_g09_every_status_has_one_verdict(peer: Peer, unknown_before: bool) -> None:
    assert missorted(peer, range(100, 600), unknown_before) == {}


def test_g09_one_wrong_entry_would_be_seen(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: every 4xx final, as a reader of the status codes' names might think."""
    monkeypatch.setattr(domain, "TEMPORARY_STATUSES", frozenset())
    assert set(missorted(peer, range(400, 430), unknown_before=False)) == TEMPORARY_AT_4XX


# --- every other end --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ANSWERS)
def test_g09_every_broken_answer_has_one_verdict(
    peer: Peer, name: str, request: pytest.FixtureRequest
) -> None:
    if name in WAITED_OUT:
        request.getfixturevalue("impatient")
    _, verdict, unknown = ANSWERS[name]
    started, outcome = time.monotonic(), post(f"{peer.url}/{name}")
    assert (outcome.verdict, outcome.unknown) == (verdict, unknown), outcome.text
    assert outcome.text
    assert time.monotonic() - started < 10 * SHORT


def test_g09_a_redirect_is_followed_twice_and_not_for_ever(peer: Peer) -> None:
    before = peer.asked
    post(f"{peer.url}/redirects-to-itself")
    assert peer.asked - before == transport.MAX_REDIRECTS + 1


def test_g09_nobody_at_the_door(peer: Peer) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        outcome = post(f"http://127.0.0.1:{reserved.getsockname()[1]}/")
    assert (outcome.verdict, outcome.unknown) == (TEMPORARY, False), outcome.text


def test_g09_a_door_that_does_not_open(impatient: None) -> None:
    """A full queue of connections: the system answers nothing at all."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        outcome = post(f"http://127.0.0.1:{full.getsockname()[1]}/")
    assert (outcome.verdict, outcome.unknown) == (TEMPORARY, False), outcome.text


@pytest.mark.parametrize("allow_local", [True, False], ids=["local market", "guarded"])
def test_g09_a_name_that_nobody_knows(allow_local: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    outcome = post("https://nowhere.example.com/x", allow_local=allow_local)
    assert (outcome.verdict, outcome.unknown) == (TEMPORARY, False), outcome.text


# --- TLS --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Speaks TLS with a certificate that nobody vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*_certificate(folder))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_shake_hands, args=(listening, context), daemon=True).start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}/"


def _certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += [*names, "-days", "2", "-out", str(certificate), "-keyout", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def _shake_hands(listening: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            wire, _ = listening.accept()
        except OSError:
            return
        with contextlib.suppress(OSError), context.wrap_socket(wire, server_side=True) as safe:
            with safe.makefile(
                "rb"
            ) as request:  # all of it: who closes with bytes unread resets the connection
                headers = http.client.parse_headers(request) if request.readline() else {}
                request.read(int(headers.get("Content-Length", 0)))
            safe.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def test_g09_a_certificate_that_nobody_vouches_for(stranger: str) -> None:
    outcome = post(stranger)
    assert (outcome.verdict, outcome.unknown) == (TEMPORARY, False)
    assert "TLS" in outcome.text and "certificate" in outcome.text


@pytest.mark.filterwarnings("ignore:Unverified")
def test_g09_with_the_certificate_trusted_it_would_be_delivered(
    stranger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the same server is refused for its certificate and for nothing else."""
    session = transport._session

    def trusting(allow_local: bool) -> object:
        made = session(allow_local)
        made.verify = False
        return made

    monkeypatch.setattr(transport, "_session", trusting)
    assert post(stranger).verdict == DELIVERED


def test_g09_a_peer_that_speaks_no_tls(peer: Peer) -> None:
    outcome = post(peer.url.replace("http:", "https:") + "/200")
    assert (outcome.verdict, outcome.unknown) == (TEMPORARY, False), outcome.text


def test_g09_a_handshake_that_never_begins(impatient: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        outcome = post(f"https://127.0.0.1:{silent.getsockname()[1]}/")
    assert (outcome.verdict, outcome.unknown) == (TEMPORARY, False), outcome.text
