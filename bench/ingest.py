"""Signed offers per second over HTTP into PostgreSQL, and until their answer is delivered.

Run as `python -m bench.ingest`. Our side is what `make run` starts: gunicorn with one process, a worker and
beat, here on PostgreSQL and Redis, every commit on the disk (fsync and synchronous_commit are on). The other
is the official library's own service, which stores nothing and answers nothing. Both get the same load from
a process of its own, in turns, round by round. Ours has worked off everything before the other's turn.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from bench import report, wire
from bench.codec import LIBRARY
from offers.uftp import seal
from tests import ready, servers

HERE = Path(__file__).parent
CONNECTIONS = 8
SECONDS, ROUNDS = 8.0, 3
MOST_PER_SECOND = {"3x96": 450, "1x1": 1400}  # messages are made before; more than these nobody takes
ANSWERED_WITHIN = 300.0
Figures = dict[str, float]


@contextmanager
def running(command: Sequence[str], port: int, environment: dict[str, str] | None = None) -> Iterator[None]:
    """A server in a process of its own that listens on `port` (0: none to wait for)."""
    said = subprocess.DEVNULL if not os.environ.get("BENCH_LOG") else None
    process = subprocess.Popen(
        command, env={**os.environ, **(environment or {})}, stdout=said, stderr=said, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 30
        while port and not servers._listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"did not start: {' '.join(command)}")
            time.sleep(0.05)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Bench:
    """Both sides, the counterparty that takes our answers, and the load."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = seal.generate()
        self.ours, self.theirs, self.sink = (servers.free_port() for _ in range(3))

    def envelopes(self, size: str, seconds: float) -> Path:
        """A file of messages that nobody has seen before."""
        file = self.folder / f"{size}.hex"
        number = int(MOST_PER_SECOND[size] * seconds)
        made = (wire.written(wire.offer(size), self.secret).hex() for _ in range(number))
        file.write_text("\n".join(made))
        return file

    def load(self, port: int, file: Path, seconds: float) -> Figures:
        command = [
            sys.executable,
            str(HERE / "load.py"),
            str(port),
            str(file),
            str(CONNECTIONS),
            str(seconds),
        ]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def answered(self) -> Figures:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.sink}/", timeout=10) as response:
            return json.loads(response.read())

    def turn(self, file: Path, seconds: float) -> Figures:
        """Our turn: how many were taken in a second, and how many were answered in one."""
        before, started = self.answered()["count"], time.time()
        figures = self.load(self.ours, file, seconds)
        deadline = time.monotonic() + ANSWERED_WITHIN
        while (now := self.answered())["count"] < before + figures["taken"]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {now['count'] - before} of {figures['taken']} were answered")
            time.sleep(0.1)
        return {**figures, "answered": figures["taken"] / (now["last"] - started)}


@contextmanager
def our_side(bench: Bench, webs: int, workers: int, environment: dict[str, str]) -> Iterator[None]:
    """The processes of the project, so many of each."""
    from offers.management.commands.demo import GUNICORN, WORKER

    celery = [sys.executable, "-m", "celery", "-A", "flexportal"]
    web = [sys.executable, "-m", "gunicorn", "flexportal.wsgi", *GUNICORN]
    web += ["--bind", f"127.0.0.1:{bench.ours}", "--workers", str(webs)]
    worker = [*celery, "worker", "--loglevel", "WARNING", *WORKER]
    with ExitStack() as stack:
        stack.enter_context(running(web, bench.ours, environment))
        for n in range(workers):
            stack.enter_context(running([*worker, "-n", f"bench{n}"], 0, environment))
        beat = [*celery, "beat", "--loglevel", "WARNING", "--pidfile="]
        stack.enter_context(running(beat, 0, environment))
        yield


def settings(bench: Bench, database: str, redis: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "STATE_DIR": str(bench.folder / "state"),
        "FLEXPORTAL_LOCAL_MARKET": "1",
        "MESSAGES_PER_MINUTE": "1000000",
        "DJANGO_SETTINGS_MODULE": "flexportal.settings",
        "MALLOC_ARENA_MAX": "2",
    }


def market(bench: Bench, environment: dict[str, str]) -> None:
    """We are the grid operator; the aggregator's messages are the load, and the sink is its endpoint."""
    os.environ.update(environment)
    import django

    django.setup()
    from django.db import connection
    from django.utils import timezone

    from offers import models
    from offers.services import keys

    ready.fill()
    now = timezone.now() - timedelta(days=1)
    dso = models.Participant.objects.create(domain=wire.DSO, role="DSO", name="Bench DSO", hosted=True)
    agr = models.Participant.objects.create(
        domain=wire.AGR, role="AGR", name="Bench AGR", endpoint=f"http://127.0.0.1:{bench.sink}/"
    )
    keys.add_signing_key(dso, now)
    keys.add_public_key(agr, wire.text(seal.public_of(bench.secret)), now)
    point = models.CongestionPoint.objects.create(entity_address=wire.POINT, name="Bench", dso=dso)
    point.agrs.add(agr)
    connection.close()


def rounds(bench: Bench, size: str, seconds: float, number: int, library: bool) -> Figures:
    """The medians of so many rounds in which both have their turn."""
    theirs, ours = [0.0], []
    for _ in range(number):
        if library:
            said = bench.load(bench.theirs, bench.envelopes(size, seconds), seconds)
            theirs.append(said["taken"] / said["seconds"])
        ours.append(bench.turn(bench.envelopes(size, seconds), seconds))
    per_second = [said["taken"] / said["seconds"] for said in ours]
    return {
        "theirs": report.median(theirs[1:] or theirs),
        "per_second": report.median(per_second),
        "answered": report.median(said["answered"] for said in ours),
        "p50": report.median(said["p50"] for said in ours) * 1000,
        "p99": report.median(said["p99"] for said in ours) * 1000,
        "refused": sum(said["refused"] for said in ours),
    }


def main() -> None:
    options = report.parser(__doc__)
    options.add_argument("--seconds", type=float, default=SECONDS, help="of load per round")
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4], help="web processes, workers")
    options.add_argument("--sizes", nargs="+", default=["3x96", "1x1"], choices=wire.SIZES)
    given = options.parse_args()
    report.heading("Signed FlexOffers over HTTP (per second; milliseconds to the 200)")
    rows, keys = [], {}
    with ExitStack() as stack:
        bench = Bench(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flexportal-bench-"))))
        (bench.folder / "state").mkdir()
        database = stack.enter_context(servers.postgresql(durable=True))
        environment = settings(bench, database, stack.enter_context(servers.redis()))
        market(bench, environment)
        stack.enter_context(running([sys.executable, str(HERE / "sink.py"), str(bench.sink)], bench.sink))
        public, secret = wire.text(seal.public_of(bench.secret)), wire.text(bench.secret)
        library = [str(LIBRARY), str(HERE / "library_service.py"), str(bench.theirs), public, secret]
        stack.enter_context(running(library, bench.theirs))
        for processes in given.processes:
            with our_side(bench, processes, processes, environment):
                for size in given.sizes:
                    first = processes == given.processes[0]
                    found = rounds(bench, size, given.seconds, given.rounds if first else 1, first)
                    ratio = found["per_second"] / found["theirs"] if first else 0.0
                    rows.append([f"{size}, {processes} web, {processes} workers", *found.values(), ratio])
                    name = size if first else f"{size}_{processes}"
                    keys |= {f"{key}_{name}": value for key, value in found.items()}
                    keys |= {f"ratio_{name}": ratio} if first else {}
    head = ["", "theirs", "taken", "answered", "p50", "p99", "refused", "times theirs"]
    report.table(head, rows)
    renamed = {key.replace("answered_", "answered_per_second_"): value for key, value in keys.items()}
    report.finish(renamed, given.json)


if __name__ == "__main__":
    main()
