"""A small supervisor: starts children, restarts the one that dies, and leaves none behind.

`manage.py demo` turns into it (`become`), so that it stands there without Django in its memory.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

STOP_WITHIN = 3.5  # seconds until a child that does not stop is killed
CALM_AFTER = 60.0  # a child that lived this long starts again without waiting
LONGEST_WAIT = 30.0
PATIENCE = 20.0  # seconds until a person is told that the web server does not answer
TICK = 0.5
SILENT_AFTER = 60.0  # seconds until a child that should touch its file, and does not, is started again
LOG_LIMIT = 10 * 1024 * 1024
PR_SET_PDEATHSIG = 1

Say = Callable[[str], None]


def _die_with_parent() -> Callable[[], None]:
    """For the child, before it becomes its program: however we end, it is told to stop."""
    libc = ctypes.CDLL(None)
    prctl = getattr(libc, "prctl", None)  # Linux only
    return (lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM)) if prctl else (lambda: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run: the command of each child by name, the first of them being the web server at `url`."""

    url: str
    listener: int
    commands: Mapping[str, Sequence[str]]
    environment: Mapping[str, str]
    logs: str
    banner: str
    heartbeats: Mapping[str, str] = field(
        default_factory=dict
    )  # the file that a child touches while it is well


class Child:
    """One program, its log, and when it may start again."""

    def __init__(self, name: str, plan: Plan) -> None:
        self.name = name
        self.plan = plan
        self.log = Path(plan.logs) / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.start_at = 0.0
        self.failures = 0
        self.heartbeat = plan.heartbeats.get(name, "")
        self.last_beat = 0.0  # what its file said, and when on our clock it last said something else
        self.heard_at = 0.0

    def start(self, now: float) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - the commands are ours
                self.plan.commands[self.name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.plan.environment},
                pass_fds=(self.plan.listener,),
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
        self.started_at = self.heard_at = now

    def is_deaf(self, now: float) -> bool:
        """Alive, but it does not do its work: frozen, or cut off from the broker without noticing."""
        if not self.heartbeat or self.process is None:
            return False
        beat = _touched_at(self.heartbeat)
        if beat != self.last_beat:
            self.last_beat, self.heard_at = beat, now
        return now - self.heard_at > SILENT_AFTER

    def died(self, now: float) -> str:
        """Why the child is gone, or nothing; plans when it starts again."""
        if self.process is None or (code := self.process.poll()) is None:
            return ""
        self.signal(signal.SIGKILL)  # whatever it had started goes with it
        self.failures = 0 if now - self.started_at > CALM_AFTER else self.failures + 1
        self.start_at = now + (min(LONGEST_WAIT, 2.0 ** (self.failures - 1)) if self.failures else 0.0)
        self.process = None
        return f"was killed by signal {-code}" if code < 0 else f"stopped with exit code {code}"

    def signal(self, number: int) -> None:
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                pass


def _touched_at(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except FileNotFoundError:
        return 0.0


class Supervisor:
    """Runs until SIGINT or SIGTERM; a second one kills at once."""

    def __init__(self, children: Sequence[Child], say: Say) -> None:
        self.children = children
        self.say = say
        self.stopping = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping += 1

    def run(self, plan: Plan) -> None:
        """The web server first, so that a person waits least; the others once it answers."""
        web, *others = self.children
        try:
            web.start(time.monotonic())
            self._wait_for(web, plan.url)
            for child in others if not self.stopping else []:
                child.start(time.monotonic())
            self.say(plan.banner if not self.stopping else "")
            self.watch()
        finally:
            self.say("\nStopping …")
            self.stop()
            self.say("Stopped.")

    def _wait_for(self, web: Child, url: str) -> None:
        late = time.monotonic() + PATIENCE
        self.watch(until=lambda: _answers(url) or time.monotonic() > late)
        if not self.stopping and not _answers(url):
            self.say(f"The portal does not answer yet. What is wrong stands in {web.log}")
            self.watch(until=lambda: _answers(url))

    def watch(self, until: Callable[[], bool] = lambda: False) -> None:
        """Keep what was started running; returns when told to stop, or when `until` says so."""
        while not self.stopping and not until():
            for child in self.children:
                self._care_for(child, time.monotonic())
            time.sleep(TICK)

    def _care_for(self, child: Child, now: float) -> None:
        if child.is_deaf(now):
            self.say(f"{child.name} has done nothing for {SILENT_AFTER:.0f} s and is ended. See {child.log}")
            child.signal(signal.SIGKILL)
            child.heard_at = now
        why = child.died(now)
        if why:
            wait = max(0.0, child.start_at - now)
            self.say(f"{child.name} {why}; it starts again in {wait:.0f} s. See {child.log}")
        elif child.process is None and child.started_at and now >= child.start_at:
            child.start(now)

    def stop(self) -> None:
        """SIGTERM to all at once, SIGKILL to what is left after a few seconds."""
        told = self.stopping
        for child in self.children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN
        while time.monotonic() < deadline and self.stopping <= max(told, 1) and self._running():
            time.sleep(0.05)
        for child in self.children:
            child.signal(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()

    def _running(self) -> bool:
        return any(child.process is not None and child.process.poll() is None for child in self.children)


def _answers(url: str) -> bool:
    """Asked over a bare socket: an HTTP client would be a third of what this process holds in memory."""
    host, _, port = url.removeprefix("http://").partition(":")
    try:
        with socket.create_connection((host, int(port)), 5) as web:
            web.sendall(f"GET /health/live HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            return web.makefile("rb").readline().split()[1:2] == [b"200"]
    except OSError:
        return False


def become(plan: Plan, keeps: Sequence[int]) -> None:
    """Replace this process by the supervisor; the plan goes through a pipe, since it holds passwords."""
    reads, writes = os.pipe()
    os.write(writes, json.dumps(asdict(plan)).encode())
    os.close(writes)
    for descriptor in (reads, plan.listener, *keeps):
        os.set_inheritable(descriptor, True)
    os.execv(sys.executable, [sys.executable, "-m", __name__, str(reads), *map(str, keeps)])  # noqa: S606


def main(reads: str, *keeps: str) -> None:
    with os.fdopen(int(reads), "rb") as pipe:
        plan = Plan(**json.load(pipe))
    for descriptor in (plan.listener, *map(int, keeps)):
        os.set_inheritable(descriptor, False)  # a child gets the listener by name, and nothing else
    children = [Child(name, plan) for name in plan.commands]
    Supervisor(children, lambda line: print(line, flush=True)).run(plan)


if __name__ == "__main__":
    main(*sys.argv[1:])
