"""The simulated counterparties as a process of their own, without Django in its memory.

`manage.py simulate` reads the market and turns into it (`become`); when the market file has changed, it turns
back, so that the file is read again. What they remember stands in their notebook meanwhile.
"""

import logging
import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from offers import simulator
from offers.transport import MESSAGE_PATH

HOST = "127.0.0.1"


def endpoint(port: int) -> str:
    return f"http://{HOST}:{port}{MESSAGE_PATH}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that they need to know; `again` is the command that reads the market file `source` anew."""

    secrets: Mapping[simulator.Party, bytes]
    world: simulator.World
    habits: simulator.Habits
    seed: int
    port: int
    notebook: Path
    source: Path
    changed_at: int
    again: Sequence[str]


def become(plan: Plan) -> None:
    """Replace this process; the plan goes through a nameless file, since it holds their private keys."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it stays open for the one that we become
    pickle.dump(plan, file)
    file.flush()
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    os.set_inheritable(file.fileno(), True)
    os.execv(sys.executable, [sys.executable, "-m", __name__, str(file.fileno())])  # noqa: S606


def _world(plan: Plan, again: bool) -> simulator.World:
    if again:
        try:
            changed = plan.source.stat().st_mtime_ns != plan.changed_at
        except OSError:
            changed = False  # what they know is better than nothing
        if changed:
            os.execv(plan.again[0], list(plan.again))  # noqa: S606
    return plan.world


def run(plan: Plan) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        # Also in the middle of a post to a portal that hangs: there is nothing to be saved.
        signal.signal(number, lambda *_: sys.exit(0))
    simulation = simulator.Simulation(
        plan.secrets,
        lambda again: _world(plan, again),
        lambda: datetime.now(UTC),
        plan.habits,
        plan.seed,
        notebook=plan.notebook,
    )
    try:
        simulation.listen(HOST, plan.port)
    except OSError as error:
        sys.exit(f"Port {plan.port} cannot be used: {error.strerror}; choose one by --port.")
    print(f"Simulated counterparties listen at {endpoint(plan.port)}", flush=True)
    simulation.run()


def main(descriptor: str) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("offers.simulator").setLevel(logging.INFO)
    # Pickles are read back under the name by which they were written, not as a part of __main__.
    from offers.management import counterparties

    with os.fdopen(int(descriptor), "rb") as file:
        plan: Plan = pickle.load(file)  # noqa: S301 - we wrote it ourselves, a moment ago
    counterparties.run(plan)


if __name__ == "__main__":
    main(sys.argv[1])
