"""Two installations as in production: gunicorn, a Celery worker and beat each, their databases, one Redis.

Everything is started by a keeper that starts again what dies.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests import servers

from . import introductions, peer
from .keeper import ROOT, TICK, Keeper, Process, die_with_parent

MESSAGE_PATH = "/shapeshifter/api/v3/message"
READY_WITHIN = 180.0
QUIET_SECONDS = 1.5
LOOK_EVERY = 0.2
WEB = (
    "--worker-class gthread --threads 8 --graceful-timeout 2 --no-control-socket --log-level warning".split()
)
WORKER = "--without-gossip --without-mingle --without-heartbeat --loglevel WARNING".split()


def weakened(weak: str, **settings: str) -> dict[str, str]:
    """Settings for a town; `weak` names the protection that a control goes without."""
    module = {"DJANGO_SETTINGS_MODULE": "bench.faults.weak", "WEAK": weak} if weak else {}
    return {**settings, **module}


class Installation:
    """One side: its folder, its environment, its processes, and the programs that run for it."""

    def __init__(
        self, role: str, folder: Path, database_url: str, redis_url: str, settings: Mapping[str, str]
    ) -> None:
        self.role, self.folder = role, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = servers.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.endpoint = self.url + MESSAGE_PATH
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "flexportal.settings",
            "PYTHONPATH": str(ROOT),
            "STATE_DIR": str(folder),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PUBLIC_URL": self.url,
            "FLEXPORTAL_LOCAL_MARKET": "1",
            "MESSAGES_PER_MINUTE": "1000000",
            **settings,
        }
        self.processes: dict[str, Process] = {}
        self._inside = self.start_side("serve")

    def side(self, verb: str, said: Any = None) -> Any:
        """Run one verb of side.py to its end; what it returns."""
        assert self._inside.stdin is not None and self._inside.stdout is not None
        self._inside.stdin.write(json.dumps([verb, said]) + "\n")
        self._inside.stdin.flush()
        said = self._inside.stdout.readline()
        assert said, f"side.py died of {verb}: {(self.folder / 'serve.log').read_text()[-2000:]}"
        return json.loads(said)

    def start_side(self, verb: str) -> subprocess.Popen[str]:
        """side.py as a process of its own, which ends with its input."""
        with (self.folder / f"{verb}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "bench.faults.side", verb],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environment,
                cwd=ROOT,
                text=True,
                preexec_fn=die_with_parent(),
            )

    def close(self) -> None:
        self._inside.kill()
        self._inside.communicate()

    def start(self, keeper: Keeper, web: int, workers: int, beats: int) -> None:
        celery = [sys.executable, "-m", "celery", "-A", "flexportal"]
        bind = ["--bind", f"127.0.0.1:{self.port}", "--workers", str(web)]
        commands = {"web": [sys.executable, "-m", "gunicorn", "flexportal.wsgi", *bind, *WEB]}
        for n in range(workers):
            commands[f"worker{n or ''}"] = [*celery, "worker", *WORKER, "-n", f"{self.role}{n}@localhost"]
        for n in range(beats):
            beat = ["--loglevel", "WARNING", "--pidfile=", "-s", str(self.folder / f"beat{n}")]
            commands[f"beat{n or ''}"] = [*celery, "beat", *beat]
        for name, command in commands.items():
            log = self.folder / f"{name}.log"
            process = Process(f"{self.role} {name}", command, self.environment, log)
            self.processes[name] = keeper.add(process)

    def trade(self, plan: Mapping[str, Any]) -> "Trade":
        return Trade(self, {**plan, "role": self.role})


class Trade(threading.Thread):
    """The people of one side at work; `closed` and `open` are what they last saw."""

    def __init__(self, side: Installation, plan: Mapping[str, Any]) -> None:
        super().__init__(daemon=True)
        self.closed, self.open, self.changed_at = 0, 0, time.monotonic()
        self.process = side.start_side("trade")
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(plan))
        self.process.stdin.close()
        self.start()

    def run(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            self.closed, self.open, self.changed_at = said["closed"], said["open"], time.monotonic()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.join()


class Town:
    """Both installations with what they stand on."""

    def __init__(self, folder: Path, keeper: Keeper, database: str) -> None:
        self.folder, self.keeper, self.database = folder, keeper, database
        self.sides: dict[str, Installation] = {}
        self.trades: list[Trade] = []
        self.first_day = (datetime.now(UTC) + timedelta(days=2)).date()
        self.postgres: Process | None = None
        self.redis: Process | None = None

    @property
    def closed(self) -> int:
        return min(trade.closed for trade in self.trades)

    @property
    def quiet(self) -> bool:
        """Nothing is under way, and has not been for a while."""
        now = time.monotonic()
        return all(not trade.open and now - trade.changed_at > QUIET_SECONDS for trade in self.trades)

    def trade(self, conversations: int, window: int = 100, valid_hours: float = 4.0) -> None:
        plan = {"first_day": self.first_day.isoformat(), "conversations": conversations}
        more = {"window": window, "valid_hours": valid_hours}
        for trade in self.trades:
            trade.stop()
        self.trades = [side.trade({**plan, **more}) for side in self.sides.values()]

    def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not until():
            if time.monotonic() > deadline:
                return False
            time.sleep(TICK)
        return True

    def finish(self, conversations: int, patience: float) -> bool:
        """Wait for the end of all conversations and for silence, as long as anything moves; then nobody
        trades any more."""
        while not (done := self.closed >= conversations and self.quiet):
            if time.monotonic() - max(trade.changed_at for trade in self.trades) > patience:
                break
            time.sleep(TICK)
        for trade in self.trades:
            trade.stop()
        return done

    def stop_redis(self) -> None:
        assert self.redis is not None
        self.redis.stop()

    def wait_for_web(self) -> None:
        ports = [side.port for side in self.sides.values()]
        assert self.wait(lambda: all(servers._listens(port) for port in ports), READY_WITHIN), "no web server"

    def reports(self) -> dict[str, Any]:
        return {role: side.side("report") for role, side in self.sides.items()}


def _postgresql(folder: Path, keeper: Keeper) -> tuple[Process, int, Callable[[], bool]]:
    """A server that keeps what it has committed when it is killed; only a power cut would hurt it."""
    folder.mkdir()
    programs, as_owner, data = servers.cluster(folder)
    port = servers.free_port()
    settings = ["fsync=off", "synchronous_commit=on", "full_page_writes=off", "max_connections=200"]
    where = ["-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)]
    tuning = [word for one in settings for word in ("-c", one)]
    command = [*as_owner, str(programs / "postgres"), *where, *tuning]
    process = keeper.add(Process("postgresql", command, dict(os.environ), folder.with_suffix(".log")))
    ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return process, port, lambda: servers._succeeds(ready)


def _redis(folder: Path, keeper: Keeper) -> tuple[Process, int]:
    program = servers.redis_program()
    assert program is not None, "Redis is not installed"
    folder.mkdir()
    port = servers.free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    return keeper.add(Process("redis", [program, *options], dict(os.environ), folder / "redis.log")), port


def _databases(place: Town, roles: Sequence[str]) -> dict[str, str]:
    """A URL for each role, of a database that does not exist yet."""
    if place.database == "sqlite":
        return {role: f"sqlite:///{place.folder}/{role}.sqlite3" for role in roles}
    place.postgres, port, ready = _postgresql(place.folder / "pg", place.keeper)
    assert place.wait(ready, READY_WITHIN), "PostgreSQL did not start"
    return {role: f"postgresql://flexportal@127.0.0.1:{port}/{role.lower()}" for role in roles}


def _migrate(place: Town) -> None:
    """The first database is migrated, the others are copies of it: that takes no time."""
    first, *others = place.sides.values()
    if place.database == "postgresql":
        _create(first, "template0")
    first.side("migrate")
    for side in others:
        if place.database == "sqlite":
            shutil.copy(place.folder / f"{first.role}.sqlite3", place.folder / f"{side.role}.sqlite3")
        else:
            _create(side, first.role.lower())


def _create(side: Installation, template: str) -> None:
    programs = servers.postgresql_programs()
    assert programs is not None
    port = side.environment["DATABASE_URL"].rpartition(":")[2].partition("/")[0]
    address = ["-h", "127.0.0.1", "-p", port, "-U", "flexportal", "-T", template]
    subprocess.run([str(programs / "createdb"), *address, side.role.lower()], check=True)


def _introduce(place: Town, told: Mapping[str, introductions.Introduction]) -> None:
    with ThreadPoolExecutor() as pool:
        steps = [
            pool.submit(side.side, "assemble", told[role].as_json()) for role, side in place.sides.items()
        ]
        for step in steps:
            step.result()


def _start(place: Town, web: int, workers: int, beats: int) -> None:
    for side in place.sides.values():
        side.start(place.keeper, web, workers, beats)
    place.wait_for_web()


@contextlib.contextmanager
def _place(
    database: str, roles: Sequence[str], with_redis: bool, settings: Mapping[str, str]
) -> Iterator[Town]:
    """A folder, a keeper, empty databases and perhaps a Redis; nothing of it is left when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="flexportal-town-"))
    folder.chmod(0o755)  # PostgreSQL runs as somebody else
    keeper = Keeper()
    keeper.start()
    place = Town(folder, keeper, database)
    try:
        urls, redis = _databases(place, roles), dict.fromkeys(roles, "")
        if with_redis:
            place.redis, port = _redis(folder / "redis", keeper)
            redis = {role: f"redis://127.0.0.1:{port}/{n}" for n, role in enumerate(roles)}
        for role in roles:
            place.sides[role] = Installation(role, folder / role, urls[role], redis[role], settings)
        _migrate(place)
        yield place
    finally:
        for trade in place.trades:
            trade.stop()
        for side in place.sides.values():
            side.close()
        keeper.close()
        if not os.environ.get("KEEP_TOWN"):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def town(
    database: str,
    conversations: int,
    *,
    with_redis: bool = True,
    web: int = 1,
    workers: int = 1,
    beats: int = 1,
    settings: Mapping[str, str] | None = None,
    before_start: Callable[[Town], None] = lambda place: None,
) -> Iterator[Town]:
    """Two installations that know each other, up and answering."""
    with _place(database, tuple(introductions.DOMAINS), with_redis, settings or {}) as place:
        endpoints = {role: side.endpoint for role, side in place.sides.items()}
        _introduce(place, introductions.introductions(endpoints, conversations))
        before_start(place)
        _start(place, web, workers, beats)
        yield place


class Hamlet:
    """One installation, a DSO, and an aggregator that does as it is told."""

    def __init__(self, place: Town, agr: "peer.Peer") -> None:
        self.place, self.agr, self.dso = place, agr, place.sides["DSO"]

    def report(self) -> Any:
        return self.dso.side("report")

    def restart_web(self) -> None:
        """Kill it; it is back when this returns."""
        web = self.dso.processes["web"]
        starts = web.starts
        web.kill()
        assert self.place.wait(lambda: web.starts > starts, READY_WITHIN), "the web server stays away"
        self.place.wait_for_web()

    def quiet_report(self, seconds: float = 120.0) -> Any:
        """What the database holds once nothing is under way, and has not been for a while."""
        deadline = time.monotonic() + seconds
        seen, since = -1, 0.0
        while True:
            (under_way, messages), now = self.dso.side("stand"), time.monotonic()
            if under_way or messages != seen:
                seen, since = messages, now
            if now - since > QUIET_SECONDS or now > deadline:
                return self.report()
            time.sleep(LOOK_EVERY)

    def queue(self, count: int, pause: float = 0.0, to: str = introductions.DOMAINS["AGR"]) -> None:
        plan = {"from": introductions.DOMAINS["DSO"], "to": to, "count": count, "pause": pause}
        self.dso.side("queue", plan)


@contextlib.contextmanager
def hamlet(
    database: str,
    *,
    web: int = 1,
    workers: int = 1,
    beats: int = 1,
    settings: Mapping[str, str] | None = None,
    before_start: Callable[[Town], None] = lambda place: None,
) -> Iterator[Hamlet]:
    """One installation, up and answering, and its only counterparty."""
    agr = peer.Peer()
    secret = peer.uftp.seal.generate()
    told = introductions.Introduction("DSO", secret, agr.public, agr.endpoint, 1)
    try:
        with _place(database, ("DSO",), database != "sqlite", settings or {}) as place:
            _introduce(place, {"DSO": told})
            before_start(place)
            _start(place, web, workers, beats)
            yield Hamlet(place, agr)
    finally:
        agr.close()
