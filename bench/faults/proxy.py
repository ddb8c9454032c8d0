"""A TCP proxy that cuts, holds, drips and repeats: what a bad network does to one HTTP request."""

import contextlib
import random
import socket
import struct
import threading
import time
from collections import Counter

STEPS = ("pass", "cut headers", "cut body", "cut before response", "cut in response", "hang", "slow", "twice")
HANG_SECONDS = 0.5
DRIP_SECONDS = 0.02


class Proxy:
    """Stands before a port; each connection is treated in one of the ways of STEPS, at random."""

    def __init__(self, port: int, rng: random.Random) -> None:
        self.port, self.rng = port, rng
        self.treated: Counter[str] = Counter()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.endpoint = f"http://127.0.0.1:{self.listener.getsockname()[1]}/shapeshifter/api/v3/message"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self.listener.accept()
                step = self.rng.choice(STEPS)
                self.treated[step] += 1
                threading.Thread(target=self._treat, args=(client, step), daemon=True).start()

    def _treat(self, client: socket.socket, step: str) -> None:
        client.settimeout(30)
        with contextlib.suppress(OSError):
            head, body = _request(client)
            if step == "cut headers":
                self._send(head[: len(head) // 2])
            elif step == "cut body":
                self._send(head + body[: len(body) // 2])
            elif step == "cut before response":
                self._send(head + body)
            elif step == "hang":
                self._answer(head + body)
                time.sleep(HANG_SECONDS)
            elif step == "slow":
                client.sendall(self._answer(head, *(body[n : n + 512] for n in range(0, len(body), 512))))
            else:
                if step == "twice":
                    self._answer(head + body)
                answer = self._answer(head + body)
                client.sendall(answer[: len(answer) // 2] if step == "cut in response" else answer)
        _reset(client)

    def _send(self, data: bytes) -> None:
        """Hand it on and hang up without waiting for what comes back."""
        with socket.create_connection(("127.0.0.1", self.port), 30) as server:
            server.sendall(data)
            time.sleep(self.rng.uniform(0, 0.03))
            _reset(server)

    def _answer(self, *parts: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), 30) as server:
            for part in parts:
                server.sendall(part)
                time.sleep(DRIP_SECONDS if len(parts) > 1 else 0)
            answer = b""
            while b"\r\n\r\n" not in answer and (data := server.recv(65536)):
                answer += data
            return answer


def _request(client: socket.socket) -> tuple[bytes, bytes]:
    """The head and the body of a request, whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(client)
    head, _, body = data.partition(b"\r\n\r\n")
    fields = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    length = next(int(value) for name, _, value in fields if name == b"content-length")
    while len(body) < length:
        body += _some(client)
    return head + b"\r\n\r\n", body


def _some(client: socket.socket) -> bytes:
    data = client.recv(65536)
    if not data:
        raise ConnectionResetError
    return data


def _reset(sock: socket.socket) -> None:
    """Close by RST, not by FIN."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
