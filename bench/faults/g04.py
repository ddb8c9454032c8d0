"""G04: a worker that is frozen while it sends, and wakes after three leases, changes nothing twice.

python -m bench.faults.g04 --database postgresql
"""

import argparse
import json
import signal
import sys
import threading
import time
from typing import Any

from . import town
from .keeper import Process
from .peer import hold

LEASE = 4
MESSAGES = 3
SLEEPS = 3.0 * LEASE
WITHIN = 90.0
TRIES, PAUSE = 50, 0.1


def run(place: town.Hamlet) -> dict[str, Any]:
    """Freeze the only worker in the middle of its posts; another one takes over; then wake the first."""
    gate, held = threading.Event(), threading.Event()
    before = len(place.agr.taken)
    place.agr.before_answer = lambda hung_up: None if held.is_set() else hold(gate)(hung_up)
    place.queue(MESSAGES)
    assert place.place.wait(lambda: place.agr.in_flight >= MESSAGES, WITHIN), "nothing is being sent"
    frozen = place.dso.processes["worker"]
    _freeze_between_transactions(place, frozen)
    asleep_since = time.monotonic()
    held.set()
    _second_worker(place)
    taken_over = place.place.wait(lambda: len(place.agr.taken) - before >= 2 * MESSAGES, WITHIN)
    settled = _outgoing(place.quiet_report(WITHIN))
    place.place.wait(lambda: False, asleep_since + SLEEPS - time.monotonic())
    gate.set()
    frozen.kill(signal.SIGCONT)
    place.place.wait(lambda: _zombies(place.report()) == MESSAGES, WITHIN)
    report = place.report()
    after = _outgoing(report)
    return {
        "messages": MESSAGES,
        "taken_over": taken_over,
        "doubled": [name for name in settled if settled[name] != after[name]],
        "lost": [name for name, state in after.items() if state[0] != "delivered"],
        "unexpected": [],
        "fenced": _zombies(report),
    }


def _freeze_between_transactions(place: town.Hamlet, worker: Process) -> None:
    """What it has locked stays locked as long as it sleeps: PostgreSQL ends that after 30 s, SQLite never."""
    for _ in range(TRIES):
        worker.kill(signal.SIGSTOP)
        if place.dso.side("writable"):
            return
        worker.kill(signal.SIGCONT)
        time.sleep(PAUSE)
    raise AssertionError("the worker is never seen without a lock")


def _second_worker(place: town.Hamlet) -> None:
    celery = [sys.executable, "-m", "celery", "-A", "flexportal", "worker"]
    side = place.dso
    command = [*celery, *town.WORKER, "-n", "second@localhost"]
    place.place.keeper.add(Process("second", command, side.environment, side.folder / "second.log"))


def _outgoing(report: Any) -> dict[str, tuple[str, str]]:
    """State and moment of every message that went out."""
    rows = (row for row in report["messages"] if row["direction"] == "out")
    return {row["message_id"]: (row["state"], row["state_at"]) for row in rows}


def _zombies(report: Any) -> int:
    """First attempts that ended although others had followed: their updates found the lease gone."""
    return sum(row["number"] == 1 and row["ended_at"] is not None for row in report["retries"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--weak", choices=["unfenced"], default="", help="a control: must fail")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with town.hamlet(given.database, settings=town.weakened(given.weak, LEASE_SECONDS=str(LEASE))) as place:
        found = run(place)
    print("  ".join(f"{k} {len(v) if isinstance(v, list) else v}" for k, v in found.items()))
    if given.json:
        print(json.dumps(found))
    return 0 if found["fenced"] and not found["doubled"] + found["lost"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
