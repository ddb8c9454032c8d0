"""G14: how long a message waits between its commit and the start of its post. p50 < 1 s, p99 < 5 s.

python -m bench.faults.g14 --conversations 200 --window 5 --database postgresql
"""

import argparse
import json
from collections.abc import Iterable
from datetime import datetime

from . import town
from .verdict import Report

P50_BELOW, P99_BELOW = 1.0, 5.0  # seconds
LENIENT = 2.0  # p50 on a busy machine; with messages for five seconds beat alone comes to 3


def in_a_market(conversations: int, window: int, database: str, weak: str = "") -> dict[str, float]:
    """The waits of all messages of a market at work."""
    settings = town.weakened(weak)
    with town.town(database, conversations, with_redis=database != "sqlite", settings=settings) as place:
        place.trade(conversations, window)
        place.finish(conversations, 600.0)
        return waits(place.reports().values())


def of_single_ones(messages: int, pause: float, database: str, weak: str = "") -> dict[str, float]:
    """The waits of messages that are queued one by one, with a pause after each, once the worker is up."""
    with town.hamlet(database, settings=town.weakened(weak)) as place:
        place.queue(1)
        assert place.place.wait(lambda: bool(place.agr.taken), town.READY_WITHIN), "the worker stays away"
        return single_ones(place, messages, pause)


def single_ones(place: town.Hamlet, messages: int, pause: float) -> dict[str, float]:
    place.queue(messages, pause)
    return waits([{"sent": place.quiet_report()["sent"][-messages:]}])


def waits(reports: Iterable[Report]) -> dict[str, float]:
    """How many messages were sent, and their waits in seconds."""
    found = sorted(
        (
            datetime.fromisoformat(row["started_at"]) - datetime.fromisoformat(row["message__created_at"])
        ).total_seconds()
        for report in reports
        for row in report["sent"]
    )
    parts = {f"p{part}": round(found[int(len(found) * part / 100)], 3) for part in (50, 90, 99)}
    return {"messages": len(found), **parts, "longest": round(found[-1], 3)}


def at_once(found: dict[str, float], p50: float = P50_BELOW, p99: float = P99_BELOW) -> bool:
    return found["p50"] < p50 and found["p99"] < p99


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--window", type=int, default=5, help="how many are open at once")
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--weak", choices=["mute"], default="", help="a control: must fail")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = in_a_market(given.conversations, given.window, given.database, given.weak)
    print("  ".join(f"{name} {value}" for name, value in found.items()))
    if given.json:
        print(json.dumps(found))
    return 0 if at_once(found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
