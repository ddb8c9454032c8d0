"""G26: no beat, one or several: every message goes out once, and what comes in has one effect.

python -m bench.faults.g26 --beats 0 --messages 100 --database postgresql

Nobody rings when a message is committed, so that beat is needed; where there is none, the worker looks by
itself.
"""

import argparse
import json
from typing import Any

from . import peer, town

WITHIN = 120.0


def run(beats: int, messages: int, database: str, weak: str = "", within: float = WITHIN) -> dict[str, Any]:
    """So many messages to the counterparty, and so many offers of its own, each of which wants an answer."""
    settings = town.weakened(",".join(filter(None, ("mute", weak))))
    with town.hamlet(database, beats=beats, settings=settings) as place:
        place.queue(messages)
        bodies = [place.agr.sealed(place.agr.offer()) for _ in range(messages)]
        taken = sum(peer.post(place.dso.endpoint, body) == 200 for body in bodies)
        place.place.wait(lambda: len(place.agr.taken) >= 2 * messages, within)
        report = place.quiet_report(within if place.agr.taken else 0.0)
        went_out = [one.payload for one in place.agr.taken]
    return {
        "taken_in": taken,
        "delivered": len(set(went_out)),
        "lost": 2 * messages - len(set(went_out)),
        "doubled": len(went_out) - len(set(went_out)) + max(0, len(report["offers"]) - messages),
        "offers": len(report["offers"]),
    }


def held(found: dict[str, Any]) -> bool:
    whole = found["taken_in"] == found["offers"] > 0
    return whole and not found["lost"] and not found["doubled"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--beats", type=int, default=0)
    parser.add_argument("--messages", type=int, default=20)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--weak", choices=["deaf"], default="", help="without beat a control: must fail")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    within = 40.0 if given.weak else WITHIN
    found = run(given.beats, given.messages, given.database, given.weak, within)
    print("  ".join(f"{name} {value}" for name, value in found.items()))
    if given.json:
        print(json.dumps(found))
    return 0 if held(found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
