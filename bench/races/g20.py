"""G20: sixteen processes read, change and write one row on SQLite, and nobody hears "database is locked".

    python -m bench.races.g20 [--processes 16] [--each 200] [--json]

Makes a database file of its own. Afterwards the same with what Django does by default (deferred
transactions, five seconds of patience): that must fail, or this program shows nothing.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import OperationalError, connections

from bench.races import crew
from bench.verdict import Verdict
from offers.models import Event, FlexOffer
from offers.services import trading
from tests import cast
from tests.cast import NOON, Cast

DJANGOS_OWN = {"timeout": 5}


def drafted(everybody: Cast) -> FlexOffer:
    """The row that everybody wants."""
    draft = cast.offer_draft(NOON + timedelta(hours=1))
    return trading.draft_offer(
        everybody.agr, everybody.point, everybody.dso, cast.TOMORROW, draft, everybody.trader, NOON
    )


def change(everybody: Cast, pk: int) -> None:
    """Read the row, raise its version by one, write an event that names the version: one transaction."""
    trading.schedule_offer(everybody.agr, pk, None, everybody.trader, NOON)


def contend(
    everybody: Cast, pk: int, processes: int, each: int, options: dict[str, Any] | None
) -> Counter[str]:
    """What so many changes in so many processes came to, and the longest wait in milliseconds."""

    def run(lane: int, wait: Callable[[], Any]) -> Counter[str]:
        if options is not None:
            connections["default"].settings_dict["OPTIONS"] = options
        said: Counter[str] = Counter()
        wait()
        for _ in range(each):
            started = time.monotonic()
            try:
                change(everybody, pk)
                said["done"] += 1
            except OperationalError as error:
                said[str(error)] += 1
            said["longest_ms"] = max(said["longest_ms"], int((time.monotonic() - started) * 1000))
        return said

    counts = crew.together(processes, run)
    longest = max(count.pop("longest_ms") for count in counts)
    return sum(counts, Counter()) + Counter(longest_ms=longest)


def run(processes: int, each: int) -> Verdict:
    everybody = cast.assemble()
    offer = drafted(everybody)
    verdict = Verdict("G20", 0, tried=processes * each)
    started = time.monotonic()
    said = contend(everybody, offer.pk, processes, each, None)
    took = time.monotonic() - started
    offer.refresh_from_db()
    events = Event.objects.filter(flex_offer=offer, event="schedule").count()
    verdict.lost = said["done"] - offer.version
    verdict.doubled = events - offer.version
    verdict.unexpected = processes * each - said["done"]
    control = contend(everybody, offer.pk, processes, each, DJANGOS_OWN)
    verdict.figures = {
        "said": dict(said),
        "per second": round(said["done"] / took),
        "with Django's defaults": dict(control),
        "control failed": processes * each - control["done"],
    }
    return verdict


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--each", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    verdict = run(chosen.processes, chosen.each)
    return verdict.report(chosen.json) or int(not verdict.figures["control failed"])


if __name__ == "__main__":
    raise SystemExit(crew.with_sqlite(main))
