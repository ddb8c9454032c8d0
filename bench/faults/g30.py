"""G30: clients that send a byte a second hold nobody up behind the proxy that docs/operations.md describes.

python -m bench.faults.g30 --clients 200 --seconds 60

`--direct` leaves the proxy out: that is the control, and must fail. Needs nginx (Debian: nginx-light).
"""

import argparse
import contextlib
import json
import os
import re
import selectors
import shutil
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests import servers

from . import town
from .keeper import ROOT, Process
from .peer import post

RECIPE = ROOT / "docs/operations.md"
ADDRESSES = 50  # that the slow ones come from
EVERY = 0.1  # seconds between two honest messages
PATIENCE = 10.0
LIMIT = 1.0  # second, within which 99 of 100 honest ones are answered
KINDS = ("head", "body", "silent")


def recipe(port: int, portal: int) -> str:
    """The configuration of the documentation, on these ports and without TLS."""
    found = re.search(r"```nginx\n(.*?)```", RECIPE.read_text(), re.DOTALL)
    assert found is not None, f"{RECIPE} has no nginx configuration"
    text = found[1].replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    return text.replace("127.0.0.1:8000", f"127.0.0.1:{portal}")


@contextlib.contextmanager
def proxy(place: town.Town, portal: int) -> Iterator[int]:
    """nginx in front of the portal; the port."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    assert program is not None, "nginx is not installed"
    folder, port = place.folder / "nginx", servers.free_port()
    folder.mkdir()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    around = (
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{ worker_connections 1024; }}"
    )
    text = f"{around}\nhttp {{ access_log off; {temporary}\n{recipe(port, portal)} }}\n"
    config = folder / "nginx.conf"
    config.write_text(text)
    command = [program, "-c", str(config), "-e", f"{folder}/error.log"]
    process = place.keeper.add(Process("nginx", command, dict(os.environ), folder / "out.log"))
    assert place.wait(lambda: servers._listens(port), 10.0), (folder / "out.log").read_text()
    yield port
    process.stop()


class Slow(threading.Thread):
    """So many connections that send a byte a second each, and come again when they are hung up on."""

    def __init__(self, port: int, clients: int) -> None:
        super().__init__(daemon=True)
        self.port, self.clients = port, clients
        self.stopping = threading.Event()
        self.hung_up: Counter[str] = Counter()

    def run(self) -> None:
        with selectors.DefaultSelector() as waiting:
            for number in range(self.clients):
                self._connect(waiting, number)
            while not self.stopping.wait(1.0):
                for key in list(waiting.get_map().values()):
                    self._send_a_byte(waiting, key)
            for key in list(waiting.get_map().values()):
                self._socket(key).close()

    def _connect(self, waiting: selectors.BaseSelector, number: int) -> None:
        source = (f"127.0.1.{number % ADDRESSES + 1}", 0)
        connection = socket.create_connection(("127.0.0.1", self.port), PATIENCE, source)
        kind = KINDS[number % len(KINDS)]
        head = b"POST /shapeshifter/api/v3/message HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\n"
        start = {"head": head, "body": head + b"Content-Length: 9000\r\n\r\n", "silent": b""}[kind]
        connection.sendall(start)
        connection.setblocking(False)
        waiting.register(connection, selectors.EVENT_READ, number)

    def _send_a_byte(self, waiting: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        connection, kind = self._socket(key), KINDS[key.data % len(KINDS)]
        try:
            if kind != "silent":
                connection.send(b"x")
            with contextlib.suppress(BlockingIOError):
                if not connection.recv(4096):
                    raise ConnectionResetError
        except OSError:
            self.hung_up[kind] += 1
            waiting.unregister(connection)
            connection.close()
            self._connect(waiting, key.data)

    @staticmethod
    def _socket(key: selectors.SelectorKey) -> socket.socket:
        assert isinstance(key.fileobj, socket.socket)
        return key.fileobj

    def stop(self) -> None:
        self.stopping.set()
        self.join()


def run(place: town.Hamlet, port: int, clients: int, seconds: float) -> dict[str, Any]:
    """Honest messages, one after the other, while the slow ones are there."""
    endpoint = f"http://127.0.0.1:{port}{town.MESSAGE_PATH}"
    slow = Slow(port, clients)
    slow.start()
    time.sleep(2.0)  # until all of them have connected
    statuses: Counter[str] = Counter()
    took: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        body, began = place.agr.sealed(place.agr.offer()), time.monotonic()
        statuses[str(post(endpoint, body, PATIENCE))] += 1
        took.append(time.monotonic() - began)
        time.sleep(EVERY)
    slow.stop()
    took.sort()
    return {
        "clients": clients,
        "honest": len(took),
        "statuses": dict(statuses),
        "p50_ms": round(took[len(took) // 2] * 1000, 1),
        "p99_ms": round(took[int(len(took) * 0.99)] * 1000, 1),
        "hung_up": dict(slow.hung_up),
    }


def is_held(found: dict[str, Any]) -> bool:
    return set(found["statuses"]) == {"200"} and found["p99_ms"] < LIMIT * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--direct", action="store_true", help="the control, without the proxy: must fail")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(town.hamlet(given.database, settings={"TRUSTED_PROXIES": "1"}))
        port = place.dso.port if given.direct else stack.enter_context(proxy(place.place, place.dso.port))
        found = run(place, port, given.clients, given.seconds)
    held = is_held(found)
    print(f"G30: {'held' if held else 'BROKEN'}  " + "  ".join(f"{k} {v}" for k, v in found.items()))
    if given.json:
        print(json.dumps({**found, "held": held}))
    return 0 if held != given.direct else 1


if __name__ == "__main__":
    raise SystemExit(main())
