"""G30: the door for counterparties at the socket: a real server and database, and bytes that no client sends.

The rate is in tests/test_g30_rate.py.
"""

import base64
import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from offers import uftp
from tests import servers
from tests.interop.programs import PATH, WITHIN, Program, portal

pytestmark = pytest.mark.django_db  # on both databases, though the portal has its own

SECRET = uftp.seal.generate()
RACERS = 20


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, str]]:
    """Our portal, and where it listens; its only counterparty is a DSO whose key is SECRET."""
    nowhere = f"http://127.0.0.1:{servers.free_port()}{PATH}"
    with portal(
        tmp_path_factory.mktemp("sockets"),
        domain="agr.ours.example",
        role="AGR",
        port=servers.free_port(),
        version="3.1.0",
        counterparty="dso.theirs.example",
        counterparty_key=base64.b64encode(uftp.seal.public_of(SECRET)).decode(),
        counterparty_endpoint=nowhere,
    ) as (ours, ready):
        yield ours, ready["endpoint"]


def say(
    endpoint: str, head: bytes, body: bytes = b"", close: bool = True, raw: bool = False
) -> tuple[int, bytes]:
    """Write the bytes as they are and read the answer: its status and all that was said."""
    parts = urlsplit(endpoint)
    with socket.create_connection((parts.hostname, parts.port), timeout=WITHIN) as wire:
        with suppress(ConnectionError):  # it may have heard enough
            wire.sendall(body if raw else head.replace(b"\n", b"\r\n") + b"\r\n" + body)
            if close:
                wire.shutdown(socket.SHUT_WR)
        said = b""
        while chunk := _read(wire):
            said += chunk
    said = said.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    return int(said.split(b" ", 2)[1]) if said else 0, said


def _read(wire: socket.socket) -> bytes:
    try:
        return wire.recv(65536)
    except ConnectionResetError:
        return b""


def head(*lines: str) -> bytes:
    first = [
        f"POST {PATH} HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: close",
        "Content-Type: text/xml; charset=utf-8",
    ]
    return ("\n".join([*first, *lines]) + "\n").encode()


def message(**changes: Any) -> uftp.TestMessage:
    fields = {
        "version": "3.1.0",
        "sender_domain": "dso.theirs.example",
        "recipient_domain": "agr.ours.example",
        "time_stamp": datetime.now(UTC),
        "message_id": str(uuid.uuid4()),
        "conversation_id": str(uuid.uuid4()),
    }
    return uftp.TestMessage(**{**fields, **changes})


def envelope(said: uftp.TestMessage) -> bytes:
    body = uftp.seal.seal(uftp.encode(said), SECRET)
    return uftp.encode_envelope(
        uftp.SignedMessage(sender_domain="dso.theirs.example", sender_role="DSO", body=body)
    )


def stored(ours: Program, message_id: str) -> list[dict[str, Any]]:
    ours.tell(verb="look")
    return [
        row for row in ours.next()["messages"] if (row["direction"], row["message_id"]) == ("in", message_id)
    ]


def test_g30_a_good_message_is_stored_when_the_answer_is_200(running: tuple[Program, str]) -> None:
    ours, endpoint = running
    said = message()
    body = envelope(said)
    status, answer = say(endpoint, head(f"Content-Length: {len(body)}"), body, close=False)
    assert (status, answer.rpartition(b"\r\n\r\n")[2]) == (200, b"")
    assert len(stored(ours, said.message_id)) == 1


def test_g30_a_body_in_chunks_has_no_length(running: tuple[Program, str]) -> None:
    status, answer = say(running[1], head("Transfer-Encoding: chunked"), b"4\r\n<x/>\r\n0\r\n\r\n")
    assert status == 411
    assert b"Content-Length" in answer


def test_g30_no_length_at_all(running: tuple[Program, str]) -> None:
    assert say(running[1], head())[0] == 411


@pytest.mark.parametrize("length", ["abc", "-5", "+5", "5, 5", "0x5"])
def test_g30_a_length_that_is_no_number(running: tuple[Program, str], length: str) -> None:
    assert say(running[1], head(f"Content-Length: {length}"), b"<xxx/>")[0] == 400


SMUGGLED = b"POST /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 4"),
        ("Content-Length: 4", "Content-Length: 4"),
        ("Content-Length: 4", "Content-Length: 5"),
        ("Content-Length: 4", "content-length: 40"),
        ("Content-Length: 4", "Transfer-Encoding: identity"),
        ("Content-Length: 4", "Transfer-Encoding: xchunked"),
        ("Content-Length: 4", "Transfer-Encoding : chunked"),
        ("Content-Length : 4",),
        (" Content-Length: 4",),
        ("Content-Length: 4\x00",),
        ("Content-Length: 4,4",),
        ("Content-Length:\x0b4",),
        ("Content_Length: 4", "Transfer-Encoding: chunked,identity"),
        ("Transfer-Encoding: chunked, chunked",),
        ("Transfer-Encoding: gzip, chunked",),
    ],
    ids=" + ".join,
)
def test_g30_two_opinions_about_the_length_are_none(
    running: tuple[Program, str], lines: tuple[str, ...]
) -> None:
    """Whatever the server makes of it, it answers one request only, and takes nothing."""
    status, answer = say(running[1], head(*lines), b"<x/>" + SMUGGLED)
    assert 400 <= status < 500 or status == 501
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"smuggled" not in answer


def test_g30_requests_in_one_go_are_answered_one_by_one(running: tuple[Program, str]) -> None:
    """Kept alive: each is framed by its own length, and the answers come in order."""
    body = envelope(message())
    keep = head(f"Content-Length: {len(body)}").replace(b"Connection: close", b"Connection: keep-alive")
    bad = head("Content-Length: 4").replace(b"Connection: close", b"Connection: keep-alive")
    first = keep.replace(b"\n", b"\r\n") + b"\r\n" + body
    second = bad.replace(b"\n", b"\r\n") + b"\r\n<x/>"
    _, answer = say(running[1], b"", first + second + first, raw=True)
    codes = [part.split(b" ", 1)[0] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert codes == [b"200", b"400", b"200"]


@pytest.mark.parametrize(
    "lines",
    [
        tuple(f"X-{n}: y" for n in range(5000)),
        (f"X-Long: {'y' * 100_000}",),
        (f"{'X' * 100_000}: y",),
        tuple(f"Cookie: a{n}={'b' * 4000}" for n in range(50)),
    ],
    ids=["5,000 headers", "a value of 100 kB", "a name of 100 kB", "50 cookies of 4 kB"],
)
def test_g30_a_flood_of_headers_is_refused(running: tuple[Program, str], lines: tuple[str, ...]) -> None:
    assert say(running[1], head(*lines, "Content-Length: 4"), b"<x/>")[0] in (0, 400, 431)


@pytest.mark.parametrize(
    "line",
    [
        f"POST {PATH} HTTP/0.9",
        f"POST {PATH} HTTP/3.0",
        f"POST {PATH}",
        f"POST  {PATH} HTTP/1.1",
        f"POST {PATH}#x HTTP/1.1",
        f"POST http://elsewhere.example{PATH} HTTP/1.1",
        f"post {PATH} HTTP/1.1",
        f"P\x00ST {PATH} HTTP/1.1",
        f"POST {PATH}/../../../etc/passwd HTTP/1.1",
        f"POST /{'a' * 10_000} HTTP/1.1",
        "PRI * HTTP/2.0",
    ],
)
def test_g30_an_odd_first_line_is_no_error_of_ours(running: tuple[Program, str], line: str) -> None:
    rest = head("Content-Length: 4").partition(b"\n")[2]
    status, _ = say(running[1], line.encode() + b"\n" + rest, b"<x/>")
    assert status < 500 or status in (501, 505)


@pytest.mark.parametrize("length", [2 * 1024 * 1024 + 1, 10**12, 10**30])
def test_g30_too_long_is_refused_without_waiting_for_it(running: tuple[Program, str], length: int) -> None:
    """The body never comes: whoever waits for it hangs."""
    assert say(running[1], head(f"Content-Length: {length}"), b"<", close=False)[0] == 413


def test_g30_a_body_that_breaks_off_is_no_message(running: tuple[Program, str]) -> None:
    body = envelope(message())
    assert say(running[1], head(f"Content-Length: {len(body) + 100}"), body[:200])[0] in (0, 400)


def test_g30_two_megabytes_of_nonsense_are_refused(running: tuple[Program, str]) -> None:
    body = b'<SignedMessage SenderDomain="' + b"a" * (2 * 1024 * 1024 - 100) + b'"/>'
    assert (
        requests.post(running[1], data=body, headers={"Content-Type": "text/xml"}, timeout=30).status_code
        == 400
    )


@pytest.mark.parametrize(
    "line",
    [
        "Content-Type: application/json",
        "Content-Encoding: gzip",
        "Expect: 100-continue",
        "X-Forwarded-For: 10.0.0.1, nonsense, \u00ff",
        "Cookie: flexportal_session=../../etc/passwd",
        "Authorization: Bearer nothing",
        "Host: elsewhere.example",
    ],
)
def test_g30_odd_headers_are_no_error_of_ours(running: tuple[Program, str], line: str) -> None:
    status, _ = say(running[1], head(line, "Content-Length: 4"), b"<x/>")
    assert 400 <= status < 500


def test_g30_many_copies_at_once_are_one_message(running: tuple[Program, str]) -> None:
    ours, endpoint = running
    said = message()
    body = envelope(said)
    with ThreadPoolExecutor(RACERS) as racers:
        statuses = list(racers.map(lambda _: _post(endpoint, body), range(RACERS)))
    assert statuses == [200] * RACERS
    assert len(stored(ours, said.message_id)) == 1


def test_g30_of_many_messages_with_one_id_the_first_owns_it(running: tuple[Program, str]) -> None:
    """Each has another content, so that all but one are duplicates in name only (D13)."""
    ours, endpoint = running
    name = str(uuid.uuid4())
    bodies = [envelope(message(message_id=name)) for _ in range(RACERS)]
    with ThreadPoolExecutor(RACERS) as racers:
        statuses = list(racers.map(lambda body: _post(endpoint, body), bodies))
    assert statuses == [200] * RACERS
    states = sorted(row["state"] for row in _judged(ours, name))
    assert states == ["accepted", *["rejected"] * (RACERS - 1)]


def _post(endpoint: str, body: bytes) -> int:
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    return requests.post(endpoint, data=body, headers=headers, timeout=WITHIN).status_code


def _judged(ours: Program, message_id: str) -> list[dict[str, Any]]:
    """The rows of a MessageID once the worker has been through all of them."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        rows = stored(ours, message_id)
        if not any(row["state"] == "received" for row in rows):
            return rows
        time.sleep(0.2)
    raise AssertionError("the worker did not come through")
