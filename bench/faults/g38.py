"""G38: signing keys and the master key are changed while two installations trade; no message is refused.

python -m bench.faults.g38 --conversations 300 --database postgresql

Both sides do what docs/operations.md tells: the new signing key is made known before it signs; the new master
key stands before the old one, everything is encrypted anew, and then the old one goes. Web and worker are
started again for each of these steps, while messages are under way. How long others keep a key that they have
read is in bench/people/rotation.py, on a compressed clock.
"""

import argparse
import base64
import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import introductions, town
from .keeper import ROOT
from .verdict import judge

SIGNS_AFTER = 3.0  # seconds; the other side knows the key before
WITHIN = 120.0
SETTLE_SECONDS = 150.0


def run(conversations: int, database: str, prepared: bool = True, window: int = 20) -> dict[str, Any]:
    """Keys change when a third of the conversations is closed; the last ones close under the new keys."""
    with town.town(database, conversations, with_redis=database != "sqlite") as place:
        place.trade(conversations, window)
        place.wait(lambda: place.closed >= conversations // 3, WITHIN)
        for role in place.sides:
            _change_signing_key(place, role, prepared)
        place.wait(lambda: place.closed >= conversations // 2 or bool(_refused(place)), WITHIN)
        before = place.closed
        for side in place.sides.values():
            _change_master_key(place, side, lambda: place.trade(conversations, window))
        finished = place.finish(conversations, SETTLE_SECONDS if prepared else SIGNS_AFTER)
        refused = _refused(place)
        found = judge(*(place.reports()[role] for role in ("DSO", "AGR")), conversations)
    return {
        "finished": finished,
        "after_the_change": found.closed - before,
        "refused": refused,
        "text": str(found),
        **found.numbers(),
    }


def _refused(place: town.Town) -> list[str]:
    return [text for side in place.sides.values() for text in side.side("refusals")]


def _change_signing_key(place: town.Town, role: str, prepared: bool) -> None:
    """It signs in a moment and the other side is told now; or it signs at once, and nobody is told."""
    me = introductions.DOMAINS[role]
    public = place.sides[role].side("rekey", {"domain": me, "after": SIGNS_AFTER if prepared else 0.0})
    if prepared:
        for side in place.sides.values():
            if side.role != role:
                side.side("trust", {"domain": me, "public": public})


def _change_master_key(place: town.Town, side: town.Installation, people: Callable[[], None]) -> None:
    old = (side.folder / "master_key").read_text().strip()
    new = base64.b64encode(secrets.token_bytes(32)).decode()
    _start_again(place, side, f"{new},{old}", people)
    manage = [sys.executable, str(Path(ROOT) / "manage.py"), "rotate_master_key"]
    subprocess.run(manage, env=side.environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    _start_again(place, side, new, people)


def _start_again(
    place: town.Town, side: town.Installation, master_key: str, people: Callable[[], None]
) -> None:
    side.environment["FLEXPORTAL_MASTER_KEY"] = master_key
    starts = {name: process.starts for name, process in side.processes.items()}
    for process in side.processes.values():
        process.kill(signal.SIGTERM)
    people()
    assert place.wait(
        lambda: all(process.starts > starts[name] for name, process in side.processes.items()), WITHIN
    )
    place.wait_for_web()


def held(found: dict[str, Any]) -> bool:
    harmed = found["lost"] + found["doubled"] + found["unexpected"]
    return bool(found["finished"] and found["after_the_change"] > 0 and not harmed and not found["refused"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=60)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--unprepared", action="store_true", help="a control: must fail")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = run(given.conversations, given.database, not given.unprepared)
    print(f"refused {len(found['refused'])}  after the change {found['after_the_change']}\n{found['text']}")
    if given.json:
        print(json.dumps(found))
    return 0 if held(found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
