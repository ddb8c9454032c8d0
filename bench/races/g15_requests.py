"""G15 for requests: several people ask anew for one day, several workers take that in: one stays open.

    python -m bench.races.g15_requests [--days 1000] [--seed 1] [--unguarded] [--json]

Starts a PostgreSQL of its own. For every day an old request stands open on both sides. Three operators
send a new one at the same moment, then three workers process what arrived while the clock lets the old
one expire. Every revision must be given once, and the highest alone must be open, on both sides.
"""

import argparse
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from bench.races import crew
from bench.races.guard import unguarded
from bench.verdict import Verdict
from offers import domain
from offers.models import FlexRequest, Message
from offers.services import inbox, trading
from tests import cast
from tests.cast import NOON, Cast

PEOPLE = 3
OLD_ENDS, NEW_ENDS = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
OPEN = [str(state) for state in domain.OPEN_REQUEST_STATES]


@dataclass(frozen=True)
class Day:
    """A day for which an old request stands, and the drafts of those who want to ask anew."""

    period: date
    groups: tuple[Any, ...]


def set_up(everybody: Cast, days: int) -> list[Day]:
    made = []
    for number in range(days):
        period = cast.TOMORROW + timedelta(days=number)
        old = _draft(everybody, period, OLD_ENDS)
        trading.send_requests(everybody.dso, old, everybody.operator, NOON)
        groups = tuple(_draft(everybody, period, NEW_ENDS) for _ in range(PEOPLE))
        made.append(Day(period=period, groups=groups))
    cast.deliver_all(NOON)
    return made


def _draft(everybody: Cast, period: date, ends: Any) -> Any:
    draft = cast.request_draft(ends)
    rows = trading.draft_requests(everybody.dso, everybody.point, period, draft, everybody.operator, NOON)
    return rows[0].group


def _send(everybody: Cast, days: list[Day], seed: int) -> list[str]:
    """The operators' lanes; what went wrong."""

    def run(lane: int, wait: Callable[[], Any]) -> list[str]:
        wrong = []
        for day in days:
            wait()
            try:
                trading.send_requests(everybody.dso, day.groups[lane], everybody.operator, NOON)
            except Exception as error:
                wrong.append(f"{day.period} {type(error).__name__}: {error}")
        return wrong

    return sum(crew.together(PEOPLE, run), [])


def _take_in(days: list[Day], seed: int) -> list[str]:
    """The workers' lanes, and the clock in the last one: all at the same moment, day by day."""
    for row in Message.objects.queued().order_by("pk"):
        cast.carry(row, NOON)
    waiting = Message.objects.unprocessed().order_by("pk").values_list("pk", flat=True)
    shuffled = random.Random(seed).sample(list(waiting), len(waiting))

    def run(lane: int, wait: Callable[[], Any]) -> list[str]:
        wrong = []
        for turn in range(0, len(shuffled), PEOPLE):
            wait()
            try:
                if lane == PEOPLE:
                    trading.expire_due(OLD_ENDS)
                elif turn + lane < len(shuffled):
                    inbox.process_one(shuffled[turn + lane], OLD_ENDS)
            except Exception as error:
                wrong.append(f"{type(error).__name__}: {error}")
        return wrong

    return sum(crew.together(PEOPLE + 1, run), [])


def judge(everybody: Cast, day: Day, verdict: Verdict) -> None:
    verdict.tried += 1
    rows = FlexRequest.objects.filter(period=day.period).exclude(state="draft")
    sent = sorted(rows.filter(owner=everybody.dso).values_list("revision", flat=True))
    open_rows = {
        owner: list(rows.filter(owner=owner, state__in=OPEN).values_list("revision", flat=True))
        for owner in (everybody.dso, everybody.agr)
    }
    where = f"{day.period}: revisions {sent}, open {list(open_rows.values())}"
    if len(set(sent)) < len(sent) or any(len(found) > 1 for found in open_rows.values()):
        verdict.blame("doubled", where)
    elif len(sent) < 1 + PEOPLE or not all(open_rows.values()):
        verdict.blame("lost", where)
    elif any(found != [max(sent)] for found in open_rows.values()):
        verdict.blame("unexpected", where)


def run(days: int, seed: int) -> Verdict:
    everybody, started = cast.assemble(), time.monotonic()
    made = set_up(everybody, days)
    verdict = Verdict("G15 requests", seed)
    wrong = _send(everybody, made, seed) + _take_in(made, seed)
    crew.arrive(OLD_ENDS)
    trading.expire_due(OLD_ENDS)
    for text in wrong:
        verdict.blame("unexpected", text)
    for day in made:
        judge(everybody, day, verdict)
    verdict.recovered = Message.objects.filter(
        type="FlexRequest", direction="in", answer_reason__contains="Subordinate"
    ).count()
    verdict.figures = {"seconds": round(time.monotonic() - started, 1)}
    return verdict


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--unguarded", action="store_true", help="the control: must double more than half")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if not chosen.unguarded:
        return run(chosen.days, chosen.seed).report(chosen.json)
    with unguarded():
        verdict = run(chosen.days, chosen.seed)
    verdict.report(chosen.json)
    return 0 if verdict.doubled * 2 > verdict.tried else 1


if __name__ == "__main__":
    raise SystemExit(crew.with_postgresql(main))
