"""A counterparty that does as it is told: takes, hangs, is slow; and posts whatever, as often as it likes."""

import http.client
import select
import socket
import socketserver
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from offers import uftp

from .introductions import DOMAINS, address

HEADERS = {"Content-Type": "text/xml; charset=utf-8"}
ISPS = (40, 41)
HELD_AT_MOST = 90.0
LOOK_EVERY = 0.05
HungUp = Callable[[], bool]


@dataclass
class Taken:
    """A request that came in, and when."""

    at: float
    payload: bytes


@dataclass
class Peer:
    """An aggregator of its own, outside of any portal; `before_answer` may hold a request."""

    domain: str = DOMAINS["AGR"]
    secret: bytes = field(default_factory=uftp.seal.generate)
    taken: list[Taken] = field(default_factory=list)
    before_answer: Callable[[HungUp], None] = lambda hung_up: None
    in_flight: int = 0
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/shapeshifter/api/v3/message"

    @property
    def public(self) -> bytes:
        return uftp.seal.public_of(self.secret)

    def take(self, body: bytes, hung_up: HungUp) -> None:
        with self.lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self.taken.append(Taken(time.time(), body))
        try:
            self.before_answer(hung_up)
        finally:
            with self.lock:
                self.in_flight -= 1

    def offer(self, conversation: int = 0, **changes: Any) -> uftp.FlexOffer:
        """An unsolicited offer; each has an effect of its own, whatever came before."""
        period = datetime.now(UTC).date() + timedelta(days=2)
        power = tuple(uftp.PowerISP(power=-100_000, start=n) for n in ISPS)
        option = uftp.OfferOption(
            option_reference="A", price=Decimal("1.00"), min_activation_factor=Decimal("0.50"), isps=power
        )
        fields: dict[str, Any] = {
            "version": "3.1.0",
            "sender_domain": self.domain,
            "recipient_domain": DOMAINS["DSO"],
            "time_stamp": datetime.now(UTC),
            "message_id": str(uuid.uuid4()),
            "conversation_id": str(uuid.uuid4()),
            "isp_duration": timedelta(minutes=15),
            "time_zone": "Europe/Amsterdam",
            "period": period,
            "congestion_point": address(conversation),
            "expiration_date_time": datetime.now(UTC) + timedelta(hours=2),
            "currency": "EUR",
            "unsolicited": True,
            "options": (option,),
        }
        return uftp.FlexOffer(**{**fields, **changes})

    def sealed(self, message: uftp.PayloadMessage) -> bytes:
        body = uftp.seal.seal(uftp.encode(message), self.secret)
        return uftp.encode_envelope(
            uftp.SignedMessage(sender_domain=self.domain, sender_role="AGR", body=body)
        )

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *args: Any) -> None:
        """Whoever hangs up on us may do so."""


def _handler(peer: Peer) -> type[socketserver.BaseRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802
            body = self.rfile.read(int(self.headers["Content-Length"]))
            peer.take(body, lambda: _hung_up(self.connection))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Nobody reads it."""

    return Handler


def hold(gate: threading.Event) -> Callable[[HungUp], None]:
    """Let requests wait for the gate; one whose sender has gone is in flight no more."""

    def wait(hung_up: HungUp) -> None:
        until = time.monotonic() + HELD_AT_MOST
        while not gate.wait(LOOK_EVERY) and not hung_up() and time.monotonic() < until:
            pass

    return wait


def _hung_up(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    return bool(readable) and not connection.recv(1, socket.MSG_PEEK)


def post(
    endpoint: str, body: bytes, seconds: float = 30.0, headers: Mapping[str, str] = HEADERS
) -> int | None:
    """The status that a post ends in; None when the connection breaks and nobody knows."""
    url = urlsplit(endpoint)
    assert url.hostname is not None
    connection = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=seconds)
    try:
        connection.request("POST", url.path, body, dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
