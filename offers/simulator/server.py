"""The endpoint of the simulated counterparties: verifies signed messages and puts them in a queue."""

import logging
import queue
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from offers import uftp
from offers.transport import MESSAGE_PATH

from .participant import Participant
from .world import Party, Peer, World

log = logging.getLogger(__name__)
MAX_BYTES = 2 * 1024 * 1024

Arrival = tuple[Participant, uftp.PayloadMessage, Peer]


class Refused(Exception):
    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class Server(ThreadingHTTPServer):
    """Answers 200 once a message is verified; what it means is for the loop that empties the queue."""

    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        participants: Mapping[Party, Participant],
        world: Callable[[bool], World],
        arrivals: "queue.SimpleQueue[Arrival | None]",
    ) -> None:
        super().__init__(address, Handler)
        self.participants, self.world, self.arrivals = participants, world, arrivals

    def take(self, body: bytes) -> None:
        try:
            signed = uftp.decode_envelope(body)
            peer, payload = self._verified(signed)
            message = uftp.decode(payload)
        except uftp.BadMessage as error:
            raise Refused(HTTPStatus.BAD_REQUEST, "; ".join(error.reasons)) from error
        self.arrivals.put((self._recipient(message), message, peer))

    def _verified(self, signed: uftp.SignedMessage) -> tuple[Peer, bytes]:
        """The sender and what it signed. Keys may have been changed over: then the market is read again."""
        for again in (False, True):
            peer = self.world(again).peer(signed.sender_domain, signed.sender_role)
            for key in peer.public_keys if peer else ():
                try:
                    return peer, uftp.seal.unseal(signed.body, key)  # type: ignore[return-value]
                except uftp.BadSeal:
                    continue
        raise Refused(HTTPStatus.UNAUTHORIZED, "No key that is known here fits this signature.")

    def _recipient(self, message: uftp.PayloadMessage) -> Participant:
        ours = [one for one in self.participants.values() if one.domain == message.recipient_domain]
        if not ours:
            raise Refused(HTTPStatus.BAD_REQUEST, f"Unknown Recipient: {message.recipient_domain}")
        return next((one for one in ours if one.role == message.RECIPIENT_ROLE), ours[0])


class Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 10
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        try:
            self.server.take(self._body())
        except Refused as error:
            self._answer(error.status, str(error))
        else:
            self._answer(HTTPStatus.OK, "")

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if self.path != MESSAGE_PATH:
            raise Refused(HTTPStatus.NOT_FOUND, f"Messages go to {MESSAGE_PATH}")
        if not length.isdigit() or int(length) > MAX_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {MAX_BYTES} bytes")
        return self.rfile.read(int(length))

    def _answer(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)
