"""G01: two installations trade while their processes are killed at random. Nothing is lost, nothing doubled.

python -m bench.faults.g01 --conversations 10000 --kills 200 --database postgresql --seed 1 --json
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import town
from .keeper import Process
from .verdict import Verdict, judge

SETTLE_SECONDS = 120.0  # in which nothing moves
LONGEST_GAP = 3.0
STARTED_WITHIN = 120.0
# (target, weight): what is killed how often; the workers and web servers are what has something to lose
TARGETS = {"web": 5, "web child": 2, "worker": 6, "beat": 1, "redis": 2, "postgresql": 3}


@dataclass
class Run:
    """What a run was and what came of it."""

    seed: int
    kills: dict[str, int] = field(default_factory=dict)
    chaos_seconds: float = 0.0
    seconds: float = 0.0
    finished: bool = False
    verdict: Verdict = field(default_factory=Verdict)

    def numbers(self) -> dict[str, object]:
        times = {"seconds": round(self.seconds, 1), "chaos_seconds": round(self.chaos_seconds, 1)}
        return {"seed": self.seed, **times, "kills": self.kills, **self.verdict.numbers()}

    def __str__(self) -> str:
        killed = ", ".join(f"{name} {number}" for name, number in sorted(self.kills.items()))
        end = "quiet" if self.finished else "NOT QUIET"
        head = f"seed {self.seed}: {sum(self.kills.values())} kills ({killed}) in {self.chaos_seconds:.0f} s"
        return f"{head}, {end} after {self.seconds:.0f} s\n{self.verdict}"


class Chaos:
    """Kills at random, paced by how far the conversations are."""

    def __init__(
        self, place: town.Town, conversations: int, kills: int, rng: random.Random, targets: Mapping[str, int]
    ) -> None:
        self.place, self.conversations, self.kills, self.rng = place, conversations, kills, rng
        self.targets = targets
        self.killed: dict[str, int] = {}

    def run(self) -> None:
        self.place.wait(
            lambda: all(trade.open or trade.closed for trade in self.place.trades), STARTED_WITHIN
        )
        for n in range(self.kills):
            due = (n + self.rng.random()) / (self.kills + 1) * self.conversations
            gap = self.rng.uniform(0.1, LONGEST_GAP)
            self.place.wait(lambda due=due: self.place.closed >= due, gap)  # type: ignore[misc]
            self._kill()

    def _kill(self) -> None:
        there = {name for name in self.targets if self._processes(name)}
        names = sorted(there)
        name = self.rng.choices(names, [self.targets[one] for one in names])[0]
        process = self.rng.choice(self._processes(name))
        if name == "web child":
            _kill_children(process)
        else:
            process.kill()
        self.killed[name] = self.killed.get(name, 0) + 1

    def _processes(self, name: str) -> list[Process]:
        if name in ("redis", "postgresql"):
            one = self.place.redis if name == "redis" else self.place.postgres
            return [one] if one is not None else []
        wanted = "web" if name == "web child" else name
        sides = self.place.sides.values()
        return [
            p for side in sides for key, p in side.processes.items() if key.rstrip("0123456789") == wanted
        ]


def _kill_children(process: Process) -> None:
    """Kill the workers of a gunicorn; it starts new ones itself."""
    if process.running is not None:
        found = subprocess.run(
            ["pgrep", "-P", str(process.running.pid)], stdout=subprocess.PIPE, text=True, check=False
        )
        for pid in found.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def run(
    conversations: int,
    kills: int,
    database: str,
    seed: int,
    *,
    window: int = 100,
    weak: str = "",
    targets: Mapping[str, int] = TARGETS,
    settle: float = SETTLE_SECONDS,
) -> Run:
    """One run; LEASE_SECONDS is short so that what a killed worker held is free again soon.

    `weak` takes a protection away: see weakness.py.
    """
    done = Run(seed)
    more = town.weakened(weak, LEASE_SECONDS="8")
    with town.town(database, conversations, with_redis=database != "sqlite", settings=more) as place:
        started = time.monotonic()
        place.trade(conversations, window)
        chaos = Chaos(place, conversations, kills, random.Random(seed), targets)
        chaos.run()
        done.chaos_seconds = time.monotonic() - started
        done.finished = place.finish(conversations, settle)
        done.seconds, done.kills = time.monotonic() - started, chaos.killed
        reports = place.reports()
    done.verdict = judge(reports["DSO"], reports["AGR"], conversations)
    return done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=300)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--window", type=int, default=100, help="how many conversations are open at once")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--weak", choices=["memory", "naive"], default="", help="a control: must fail")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    done = run(
        given.conversations, given.kills, given.database, given.seed, window=given.window, weak=given.weak
    )
    print(done, flush=True)
    if given.json:
        print(json.dumps(done.numbers()))
    return 0 if done.verdict.clean and done.finished else 1


if __name__ == "__main__":
    raise SystemExit(main())
