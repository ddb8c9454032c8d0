"""G28: 100,000 mutations of valid messages over HTTP to a running portal: no 5xx, nothing lost or parked.

`python -m tests.servers python -m bench.fuzz.g28 [--messages N] [--seed N] [--json]` for PostgreSQL; without
`tests.servers` on SQLite. The web server, its processes and the worker are those of the interop tests.
"""

import argparse
import base64
import hashlib
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexportal.settings")
os.environ["MESSAGES_PER_MINUTE"] = str(10**9)

from offers import uftp  # noqa: E402
from tests import servers  # noqa: E402
from tests.attack.mutations import Head, Mutant, mutated, sealing  # noqa: E402
from tests.interop.programs import PATH, Program, portal  # noqa: E402

POINT = "ea1.2026-01.example.demo:station-west"
US, THEM = "agr.ours.example", "dso.theirs.example"
THREADS = 6
STUCK_SECONDS = 120


class Sender(threading.Thread):
    """Posts mutants of its own seed, and keeps count."""

    def __init__(self, endpoint: str, secret: bytes, seed: int, count: int) -> None:
        super().__init__()
        self.to, self.count = urlsplit(endpoint), count
        self.mutants = mutated(random.Random(seed), Head(THEM, US, POINT), sealing(secret, THEM, "DSO"))
        self.said: Counter[int] = Counter()
        self.taken: list[str] = []
        self.failed: list[str] = []

    def run(self) -> None:
        wire = HTTPConnection(str(self.to.hostname), self.to.port, timeout=60)
        for _ in range(self.count):
            mutant = next(self.mutants)
            status = self._post(wire, mutant)
            self.said[status] += 1
            if status == 200:
                self.taken.append(hashlib.sha256(mutant.payload).hexdigest())
            if status >= 500 or not status:
                self.failed.append(base64.b64encode(mutant.body).decode())

    def _post(self, wire: HTTPConnection, mutant: Mutant) -> int:
        try:
            wire.request("POST", self.to.path, mutant.body, {"Content-Type": "text/xml; charset=utf-8"})
            answer = wire.getresponse()
            answer.read()
            return answer.status
        except (OSError, HTTPException):
            wire.close()
            return 0


def settled(ours: Program) -> list[dict[str, Any]]:
    """What came in, once the worker has judged all of it."""
    left, since = -1, time.monotonic()
    while True:
        ours.tell(verb="look")
        rows = [row for row in ours.next(120)["messages"] if row["direction"] == "in"]
        undone = sum(row["state"] in ("received", "waiting") for row in rows)
        if undone != left:
            left, since = undone, time.monotonic()
        if not undone or time.monotonic() - since > STUCK_SECONDS:
            return rows
        time.sleep(2 + undone / 1000)  # to look at so many takes a while, too


def attack(ours: Program, endpoint: str, secret: bytes, options: argparse.Namespace) -> dict[str, Any]:
    started = time.monotonic()
    senders = [
        Sender(endpoint, secret, options.seed * 1000 + n, options.messages // THREADS) for n in range(THREADS)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    seconds = time.monotonic() - started
    rows = settled(ours)
    said = sum((sender.said for sender in senders), Counter[int]())
    taken = [digest for sender in senders for digest in sender.taken]
    states = Counter(row["state"] for row in rows)
    errors = sum(count for status, count in said.items() if status >= 500 or not status)
    return {
        "seed": options.seed,
        "messages": sum(said.values()),
        "seconds": round(seconds),
        "per_second": round(sum(said.values()) / seconds),
        "statuses": {str(status): count for status, count in sorted(said.items())},
        "states": dict(states),
        "lost": max(0, len(set(taken)) - len(rows)),
        "doubled": max(0, len(rows) - len(set(taken))),
        "unexpected": errors + states["parked"] + states["received"] + states["waiting"],
        "recovered": len(taken) - len(set(taken)),
        "failed": [body for sender in senders for body in sender.failed][:5],
    }


def main() -> int:
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--messages", type=int, default=100_000)
    said.add_argument("--seed", type=int, default=28)
    said.add_argument("--json", action="store_true", help="only one JSON object")
    options = said.parse_args()
    secret = uftp.seal.generate()
    public = base64.b64encode(uftp.seal.public_of(secret)).decode()
    nowhere = f"http://127.0.0.1:{servers.free_port()}{PATH}"
    with tempfile.TemporaryDirectory(prefix="flexportal-g28-") as folder:
        names = {"domain": US, "role": "AGR", "counterparty": THEM}
        where = {"port": servers.free_port(), "version": "3.1.0", "counterparty_endpoint": nowhere}
        with portal(Path(folder), **names, **where, counterparty_key=public) as (ours, ready):
            found = attack(ours, ready["endpoint"], secret, options)
    for key, value in () if options.json else found.items():
        print(f"{key:>11}: {value}")
    print(json.dumps(found))
    return 1 if found["lost"] or found["doubled"] or found["unexpected"] else 0


if __name__ == "__main__":
    sys.exit(main())
