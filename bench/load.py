"""A load generator in a process of its own: posts sealed messages over kept connections, as fast as it can.

Imports nothing but the standard library, so that it takes little of what it measures.
`python bench/load.py PORT FILE CONNECTIONS SECONDS` prints how many were taken and how long that took; the
file has a line of hexadecimal digits per envelope, each of which is posted once.
"""

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

PATH = "/shapeshifter/api/v3/message"


def request(envelope: bytes) -> bytes:
    head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(envelope)}\r\n\r\n".encode() + envelope


def status(connection: socket.socket) -> int:
    """The status of one answer, whose body is read as well."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    missing = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
    while missing > 0:
        missing -= len(_some(connection))
    return int(head[9:12])


def _some(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ConnectionError("the server closed the connection")
    return received


class Load:
    """Some connections that share the envelopes."""

    def __init__(self, port: int, envelopes: Iterator[bytes], until: float) -> None:
        self.port, self.envelopes, self.until = port, envelopes, until
        self.lock = threading.Lock()
        self.taken: list[float] = []
        self.refused = 0

    def next(self) -> bytes | None:
        with self.lock:
            return next(self.envelopes, None) if time.monotonic() < self.until else None

    def post_all(self) -> None:
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (envelope := self.next()) is not None:
            started = time.monotonic()
            try:
                connection.sendall(request(envelope))
                good = status(connection) == 200
            except ConnectionError:
                connection = socket.create_connection(("127.0.0.1", self.port))
                good = False
            with self.lock:
                self.taken += [time.monotonic() - started] if good else []
                self.refused += not good


def main(port: str, file: str, connections: str, seconds: str) -> None:
    envelopes = [bytes.fromhex(line) for line in Path(file).read_text().split()]
    started = time.monotonic()
    load = Load(int(port), iter(envelopes), started + float(seconds))
    threads = [threading.Thread(target=load.post_all) for _ in range(int(connections))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - started
    ordered = sorted(load.taken) or [0.0]
    said = {
        "taken": len(load.taken),
        "refused": load.refused,
        "seconds": took,
        "p50": ordered[len(ordered) // 2],
    }
    print(json.dumps({**said, "p99": ordered[int(len(ordered) * 0.99)]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
