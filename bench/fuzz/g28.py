"""G28: 100,000 mutations of valid messages over HTTP to a running portal: no 5xx, nothing lost or parked.

Hypothesis draws them. Each is sealed by the role that may send it and refers to what stands open; some of
each type must be accepted, or the attack died before it got anywhere.

`python -m tests.servers python -m bench.fuzz.g28 [--messages N] [--seed N] [--json]` for PostgreSQL; without
`tests.servers` on SQLite. The web server, its processes and the worker are those of the interop tests.
"""

import argparse
import base64
import hashlib
import json
import os
import queue
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
import hypothesis

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexportal.settings")
os.environ["MESSAGES_PER_MINUTE"] = str(10**9)
django.setup()

from offers import uftp  # noqa: E402
from tests import servers  # noqa: E402
from tests.attack.market import Fit  # noqa: E402
from tests.attack.mutations import Mutant, Stand, mutated, sealing  # noqa: E402
from tests.interop.programs import PATH, Program, portal  # noqa: E402

HERE = Path(__file__).parent
DOMAINS = {"AGR": "agr.demo.example", "DSO": "dso.demo.example"}
THREADS = 6
STUCK_SECONDS = 120
OPEN = 20  # of each thing that only one message can refer to
PORTION = 2000  # Hypothesis remembers all that it has drawn under one seed


class Sender(threading.Thread):
    """Posts the mutants that it is given, and keeps count."""

    def __init__(self, endpoint: str, mutants: "queue.Queue[Mutant | None]") -> None:
        super().__init__()
        self.to, self.mutants = urlsplit(endpoint), mutants
        self.said: Counter[int] = Counter()
        self.taken: list[tuple[str, str]] = []
        self.failed: list[str] = []

    def run(self) -> None:
        wire = HTTPConnection(str(self.to.hostname), self.to.port, timeout=60)
        while (mutant := self.mutants.get()) is not None:
            for _ in range(mutant.times):
                self._note(mutant, self._post(wire, mutant))

    def _note(self, mutant: Mutant, status: int) -> None:
        self.said[status] += 1
        if status == 200:
            role, payload = mutant.sealed
            self.taken.append((role, hashlib.sha256(payload).hexdigest()))
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


def draw(stand: Stand, put: Callable[[Mutant], None], options: argparse.Namespace) -> None:
    """Let Hypothesis draw as many mutants as are asked for, each portion under a seed of its own."""
    for first in range(0, options.messages, PORTION):
        how = hypothesis.settings(
            max_examples=min(PORTION, options.messages - first),
            phases=[hypothesis.Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.seed(options.seed * 1000 + first // PORTION)(how(hypothesis.given(mutated(stand))(put)))()


def settled(ours: Program) -> dict[str, Any]:
    """What came of all that came in, once the worker has judged it."""
    left, since = -1, time.monotonic()
    while True:
        ours.tell(verb="tally")
        found = ours.next(120)
        undone = sum(found["states"].get(state, 0) for state in ("received", "waiting"))
        if undone != left:
            left, since = undone, time.monotonic()
        if not undone or time.monotonic() - since > STUCK_SECONDS:
            return found
        time.sleep(1)


def attack(
    ours: Program, endpoint: str, stand: Stand, options: argparse.Namespace
) -> tuple[float, list[Sender], dict[str, Any]]:
    started = time.monotonic()
    mutants: queue.Queue[Mutant | None] = queue.Queue(maxsize=200)
    senders = [Sender(endpoint, mutants) for _ in range(THREADS)]
    for sender in senders:
        sender.start()
    try:
        draw(stand, lambda mutant: mutants.put(mutant), options)
    finally:
        for _ in senders:
            mutants.put(None)
    for sender in senders:
        sender.join()
    return time.monotonic() - started, senders, settled(ours)


def verdict(seconds: float, senders: list[Sender], seen: dict[str, Any]) -> dict[str, Any]:
    said = sum((sender.said for sender in senders), Counter[int]())
    taken = [one for sender in senders for one in sender.taken]
    states, rows = Counter(seen["states"]), sum(seen["states"].values())
    errors = sum(count for status, count in said.items() if status >= 500 or not status)
    answers = [name for name, kind in uftp.CATALOGUE.items() if kind.is_response]
    return {
        "messages": sum(said.values()),
        "seconds": round(seconds),
        "per_second": round(sum(said.values()) / seconds),
        "statuses": {str(status): count for status, count in sorted(said.items())},
        "states": dict(states),
        "accepted": seen["accepted"],
        "unreached": sorted({*uftp.CATALOGUE} - {*seen["accepted"]} | {*answers} - {*seen["noted"]}),
        "lost": max(0, len(set(taken)) - rows),
        "doubled": max(0, rows - len(set(taken))),
        "broke": seen["broke"],  # at their first attempt
        "unexpected": errors + states["parked"] + states["received"] + states["waiting"],
        "recovered": len(taken) - len(set(taken)),
        "failed": [body for sender in senders for body in sender.failed][:5],
    }


def stand_of(ready: dict[str, Any]) -> Stand:
    secrets = {role: base64.b64decode(secret) for role, secret in ready["secrets"].items()}
    fits = {name: [Fit(*fit) for fit in found] for name, found in ready["fits"].items()}
    return Stand(fits, {role: sealing(secret, DOMAINS[role], role) for role, secret in secrets.items()})


def main() -> int:
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--messages", type=int, default=100_000)
    said.add_argument("--seed", type=int, default=28)
    said.add_argument("--json", action="store_true", help="only one JSON object")
    options = said.parse_args()
    nowhere = f"http://127.0.0.1:{servers.free_port()}{PATH}"
    with tempfile.TemporaryDirectory(prefix="flexportal-g28-") as folder:
        who = {"port": servers.free_port(), "times": OPEN, "nowhere": nowhere, **DOMAINS}
        with portal(Path(folder), HERE / "both.py", **who) as (ours, ready):
            found = verdict(*attack(ours, ready["endpoint"], stand_of(ready), options))
    found = {"seed": options.seed, **found}
    for key, value in () if options.json else found.items():
        print(f"{key:>11}: {value}")
    print(json.dumps(found))
    return 1 if any(found[key] for key in ("lost", "doubled", "broke", "unexpected", "unreached")) else 0


if __name__ == "__main__":
    sys.exit(main())
