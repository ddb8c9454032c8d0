"""G21: SQLite under kill -9 in the middle of transactions: nothing is lost, nothing is half done.

    python -m bench.races.g21 [--kills 60] [--processes 4] [--seed 1] [--json]

Makes a database file of its own. Writers say each change only when it is committed, and are killed at a
random moment; then the file must be whole, and every change must have its event. Afterwards the same
without transactions, by writers who say a change before they make it: that must leave changes half done
and lose some, or this program shows nothing.
"""

import argparse
import multiprocessing
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections

from bench.races import crew, g20
from bench.verdict import Verdict
from offers.models import Event, FlexOffer
from offers.services import trading
from tests import cast
from tests.cast import NOON, Cast

Change = Callable[[Cast, int], Any]
LONGEST = 0.3  # seconds from the start of the writers to their end


def torn(everybody: Cast, pk: int) -> None:
    """The same change without its transaction."""
    whole: Any = trading.schedule_offer
    whole.__wrapped__(everybody.agr, pk, None, everybody.trader, NOON)


def _write(everybody: Cast, pk: int, change: Change, said: Path, ready: Any) -> None:
    crew.silence_the_bell()
    told = os.open(said, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    hasty = change is torn  # the controls in one: half done, and said although it may not come to be
    change(everybody, pk)  # the first one opens the connection
    os.write(told, b".")
    ready.wait()
    while True:
        if hasty:
            os.write(told, b".")
        change(everybody, pk)
        if not hasty:
            os.write(told, b".")


def kill_writers(everybody: Cast, offers: list[int], change: Change, folder: Path, pause: float) -> None:
    """Let one writer per offer write, each with a file of its own, and kill them all at once."""
    folder.mkdir(exist_ok=True)
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    ready = fork.Barrier(len(offers) + 1)
    writers = [
        fork.Process(target=_write, args=(everybody, pk, change, folder / str(pk), ready)) for pk in offers
    ]
    for writer in writers:
        writer.start()
    ready.wait(crew.WITHIN)
    time.sleep(pause)
    for writer in writers:
        writer.kill()
    for writer in writers:
        writer.join()


def whole() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        return bool(cursor.fetchall() == [("ok",)])


def half_done(offers: list[int]) -> int:
    """Offers whose version and events do not fit."""
    count = 0
    for offer in FlexOffer.objects.filter(pk__in=offers):
        versions = list(Event.objects.filter(flex_offer=offer).values_list("version", flat=True))
        count += sorted(versions) != list(range(offer.version + 1))
    return count


Stand = dict[int, tuple[int, int]]


def stand(offers: list[int], folder: Path) -> Stand:
    """Per offer: how many changes are there, and how many its writers have said."""
    rows = FlexOffer.objects.filter(pk__in=offers).values_list("pk", "version")
    files = {pk: folder / str(pk) for pk in offers}
    return {pk: (version, files[pk].stat().st_size if files[pk].exists() else 0) for pk, version in rows}


def judge(verdict: Verdict, before: Stand, after: Stand, kill: int) -> None:
    """Each offer and each kill by itself: what one writer did not come to say must not hide what another
    one lost. A writer says a change before it begins the next, so a kill keeps one of them at most unsaid."""
    for pk, (version, said) in after.items():
        there, told = version - before[pk][0], said - before[pk][1]
        if told > there:
            verdict.blame(
                "lost", f"offer {pk} has {there} of {told} changes that were said before kill {kill}"
            )
            verdict.lost += told - there - 1
        elif there > told + 1:
            verdict.blame("unexpected", f"offer {pk} has {there} changes, said {told} before kill {kill}")
        else:
            verdict.recovered += there - told  # committed, and killed before it could say so


def run(everybody: Cast, kills: int, processes: int, seed: int) -> Verdict:
    verdict, dice = Verdict("G21", seed), random.Random(seed)
    offers = [g20.drafted(everybody).pk for _ in range(processes)]
    folder = settings.STATE_DIR / "said"
    now = stand(offers, folder)
    for number in range(1, kills + 1):
        kill_writers(everybody, offers, g20.change, folder, dice.uniform(0, LONGEST))
        verdict.tried += 1
        if not whole():
            verdict.blame("unexpected", f"the file is broken after kill {number}")
        if half := half_done(offers):
            verdict.blame("doubled", f"{half} offers are half changed after kill {number}")
        before, now = now, stand(offers, folder)
        judge(verdict, before, now, number)
    changes, acknowledged = (sum(column) for column in zip(*now.values(), strict=True))
    verdict.figures = {"changes": changes, "acknowledged": acknowledged}
    return verdict


def control(everybody: Cast, verdict: Verdict, kills: int, processes: int) -> bool:
    """Whether both faults are seen where they are made: as many kills, and more if luck hides one."""
    dice, folder = random.Random(verdict.seed), settings.STATE_DIR / "torn"
    found, torn_apart = Verdict("control", verdict.seed), 0
    for number in range(1, 10 * kills + 1):
        offers = [g20.drafted(everybody).pk for _ in range(processes)]
        before = stand(offers, folder)
        kill_writers(everybody, offers, torn, folder, dice.uniform(0, LONGEST))
        torn_apart += half_done(offers)
        judge(found, before, stand(offers, folder), number)
        if number >= kills and torn_apart and found.lost:
            break
    verdict.figures["half done without transactions"] = torn_apart
    verdict.figures["lost where it is said before"] = found.lost
    return bool(torn_apart and found.lost)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    everybody = cast.assemble()
    verdict = run(everybody, chosen.kills, chosen.processes, chosen.seed)
    seen = control(everybody, verdict, chosen.kills, chosen.processes)
    return verdict.report(chosen.json) or int(not seen)


if __name__ == "__main__":
    raise SystemExit(crew.with_sqlite(main))
