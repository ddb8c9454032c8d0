"""G24: two installations whose clocks differ; in the middle of the work one is set back by an hour.

python -m bench.faults.g24 --conversations 300

Web, worker and beat of both die at the moment of the step, so that leases and waits of a clock that ran
ahead are left behind.
"""

import argparse
import json
import time
from functools import partial
from typing import Any

from . import town
from .verdict import judge

AHEAD = {"AGR": 600, "DSO": -600}  # seconds
STEP = -3600  # of the grid operator's clock
AWAY = 5.0  # seconds for which the aggregator cannot be reached before the step
PATIENCE = 120.0
WINDOW = 60  # conversations open at once: fewer than there are, so that trade goes on when it is half done


def dial(side: town.Installation, seconds: int) -> None:
    """Let the clock of all processes of a side run so far ahead."""
    file = side.folder / "clock"
    file.with_suffix(".new").write_text(str(seconds))
    file.with_suffix(".new").replace(file)  # somebody reads it at any moment


def hand_out_clocks(weak: str, place: town.Town) -> None:
    for role, side in place.sides.items():
        dial(side, AHEAD[role])
        side.environment |= town.weakened(",".join(filter(None, ("wrong_clock", weak))))


def step(place: town.Town) -> None:
    """Set a clock back while messages wait to be tried again, and workers that die hold others."""
    away = place.sides["AGR"].processes["web"]
    away.stop()
    place.wait(lambda: False, AWAY)
    dial(place.sides["DSO"], AHEAD["DSO"] + STEP)
    for side in place.sides.values():
        for process in side.processes.values():
            process.kill()
    away.wanted = True


def run(conversations: int, database: str, weak: str = "", patience: float = PATIENCE) -> dict[str, Any]:
    settings = {"LEASE_SECONDS": "8"}
    clocks = partial(hand_out_clocks, weak)
    with town.town(database, conversations, settings=settings, before_start=clocks) as place:
        started = time.monotonic()
        place.trade(conversations, window=min(WINDOW, max(2, conversations // 3)))
        place.wait(lambda: place.closed >= conversations // 2, PATIENCE)
        before = place.closed
        step(place)
        finished = place.finish(conversations, patience)
        seconds = time.monotonic() - started
        found = judge(*(place.reports()[role] for role in ("DSO", "AGR")), conversations)
    return {
        "finished": finished,
        "seconds": round(seconds, 1),
        "closed_before": before,
        "text": str(found),
        **found.numbers(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--conversations", type=int, default=300)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--weak", choices=["timeless"], default="", help="a control: must fail")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds in which nothing moves")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = run(given.conversations, given.database, given.weak, given.patience)
    print(f"finished {found['finished']} in {found['seconds']} s, {found['closed_before']} before the step")
    print(found.pop("text"))
    if given.json:
        print(json.dumps(found))
    held = found["finished"] and not found["lost"] + found["doubled"] + found["unexpected"]
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
