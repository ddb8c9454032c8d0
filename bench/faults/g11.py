"""G11: a counterparty that hangs, with many messages queued for it, does not slow another one.

python -m bench.faults.g11 --queued 10000 --probes 50 --database postgresql
"""

import argparse
import json
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from . import town
from .peer import Peer, hold

OTHER = "agr2.faults.example"
PROBE_PAUSE = 0.1
WITHIN = 45.0
MOST_AT_ONCE = 4
SLOW = 1.0  # seconds until a message is posted; less is no harm, whatever it was without the one that hangs
MANY, DRAINED = 1000, 20.0  # from so many queued on, so many a second go out when it is well again


def run(place: town.Hamlet, queued: int, probes: int, within: float = WITHIN) -> dict[str, Any]:
    """Probes to the healthy one alone, then while the other one hangs; when it is well again, all arrives."""
    healthy, gate = Peer(domain=OTHER), threading.Event()
    party = {"domain": OTHER, "role": "AGR", "public": healthy.public.hex(), "endpoint": healthy.endpoint}
    place.dso.side("know", party)
    place.queue(1, 0.0, OTHER)  # the worker may not be up yet
    place.place.wait(lambda: bool(healthy.taken), within)
    healthy.taken.clear()
    place.queue(probes, PROBE_PAUSE, OTHER)
    place.place.wait(lambda: len(healthy.taken) >= probes, within)
    alone = len(healthy.taken)
    place.agr.before_answer = hold(gate)
    place.queue(queued)
    place.place.wait(lambda: place.agr.in_flight > 0, within)
    place.queue(probes, PROBE_PAUSE, OTHER)
    place.place.wait(lambda: len(healthy.taken) >= alone + probes, within)
    beside, still = len(healthy.taken) - alone, place.agr.in_flight
    gate.set()
    began = time.monotonic()
    report = place.quiet_report(60.0 + queued / 5)
    drained = time.monotonic() - began
    healthy.close()
    waits = _waits(report)
    return {
        "queued": queued,
        "probes": probes,
        "delivered_alone": alone,
        "delivered_beside": beside,
        "hanging_meanwhile": still,
        "most_at_once": place.agr.most_in_flight,
        "p99_alone": _p99(waits[1 : probes + 1]),
        "p99_beside": _p99(waits[probes + 1 :]),
        "drained_per_second": round(queued / drained, 1),
        "lost": [row["message_id"] for row in report["messages"] if row["state"] in ("queued", "failed")],
    }


def _waits(report: Any) -> list[float]:
    """From the commit to the first attempt, for the healthy one's messages in order."""
    rows = (row for row in report["sent"] if row["message__counterparty__domain"] == OTHER)
    pairs = (
        (datetime.fromisoformat(row[name]) for name in ("message__created_at", "started_at")) for row in rows
    )
    return [(started - created).total_seconds() for created, started in pairs]


def _p99(waits: Sequence[float]) -> float:
    return round(sorted(waits)[int(len(waits) * 0.99)], 3) if waits else float("nan")


def held(found: dict[str, Any], slow: float = SLOW) -> bool:
    """Whether all of the other's messages went out as soon as ever, beside one that did hang."""
    bitten = found["hanging_meanwhile"] > 0
    through = found["delivered_alone"] == found["delivered_beside"] == found["probes"]
    at_once = found["p99_beside"] <= max(2 * found["p99_alone"], slow)  # never true of nan
    drained = found["queued"] < MANY or found["drained_per_second"] >= DRAINED
    return bitten and through and at_once and drained and not _over(found)


def _over(found: dict[str, Any]) -> bool:
    """Lost, or too many at once for one."""
    return bool(found["lost"]) or found["most_at_once"] > MOST_AT_ONCE


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queued", type=int, default=100)
    parser.add_argument("--probes", type=int, default=20)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--weak", choices=["uncapped"], default="", help="a control: must fail")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with town.hamlet(given.database, settings=town.weakened(given.weak)) as place:
        found = run(place, given.queued, given.probes)
    print("  ".join(f"{k} {len(v) if isinstance(v, list) else v}" for k, v in found.items()))
    if given.json:
        print(json.dumps(found))
    return 0 if held(found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
