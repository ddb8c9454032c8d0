"""G21: SQLite under kill -9 in the middle of transactions: nothing is lost, nothing is half done.

    python -m bench.races.g21 [--kills 60] [--processes 4] [--seed 1] [--json]

Makes a database file of its own. Writers say each change only when it is committed, and are killed at a
random moment; then the file must be whole, and every change must have its event. Afterwards the same
without transactions: that must leave changes half done, or this program shows nothing.
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
    change(everybody, pk)  # the first one opens the connection
    os.write(told, b".")
    ready.wait()
    while True:
        change(everybody, pk)
        os.write(told, b".")


def kill_writers(everybody: Cast, offers: list[int], change: Change, said: Path, pause: float) -> None:
    """Let one writer per offer write, and kill them all at once."""
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    ready = fork.Barrier(len(offers) + 1)
    writers = [fork.Process(target=_write, args=(everybody, pk, change, said, ready)) for pk in offers]
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


def run(kills: int, processes: int, seed: int) -> Verdict:
    everybody, dice = cast.assemble(), random.Random(seed)
    verdict = Verdict("G21", seed)
    offers = [g20.drafted(everybody).pk for _ in range(processes)]
    said = settings.STATE_DIR / "said"
    for number in range(kills):
        kill_writers(everybody, offers, g20.change, said, dice.uniform(0, LONGEST))
        verdict.tried += 1
        if not whole():
            verdict.blame("unexpected", f"the file is broken after kill {number}")
        if half := half_done(offers):
            verdict.blame("doubled", f"{half} offers are half changed after kill {number}")
    written = sum(FlexOffer.objects.filter(pk__in=offers).values_list("version", flat=True))
    acknowledged = said.stat().st_size
    verdict.lost = max(0, acknowledged - written)
    verdict.recovered = written - acknowledged  # committed, and killed before they could say so
    verdict.figures = {"changes": written, "acknowledged": acknowledged}
    verdict.figures["half done without transactions"] = _control(everybody, kills, processes, dice)
    return verdict


def _control(everybody: Cast, kills: int, processes: int, dice: random.Random) -> int:
    torn_apart = 0
    for _ in range(kills):
        offers = [g20.drafted(everybody).pk for _ in range(processes)]
        kill_writers(everybody, offers, torn, settings.STATE_DIR / "torn", dice.uniform(0, LONGEST))
        torn_apart += half_done(offers)
    return torn_apart


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    verdict = run(chosen.kills, chosen.processes, chosen.seed)
    return verdict.report(chosen.json) or int(not verdict.figures["half done without transactions"])


if __name__ == "__main__":
    raise SystemExit(crew.with_sqlite(main))
