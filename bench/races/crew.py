"""Processes that start together: forked, each with a connection of its own, all stopped at the end."""

import faulthandler
import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import Any, TypeVar

from django.db import connections

from offers.models import Message
from offers.services import bell, inbox
from tests import cast, ready

T = TypeVar("T")
Wait = Callable[[], Any]
Lane = tuple[ForkProcess, Connection]
WITHIN = 60.0  # seconds that one process waits for the others at the barrier
JUST_IN_TIME = timedelta(milliseconds=500)
PATIENCE = 1.0  # seconds for those who did not fail to say so
OWN = "FLEXPORTAL_RACES_OWN"


def together(processes: int, work: Callable[[int, Wait], T]) -> list[T]:
    """Run `work(lane, wait)` in so many processes; `wait` returns when all called it. What they return."""
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(processes)
    connections.close_all()  # a connection must not be shared with a child
    crew: list[Lane] = []
    try:
        for lane in range(processes):
            ours, theirs = fork.Pipe(duplex=False)
            wait = functools.partial(barrier.wait, WITHIN)
            process = fork.Process(target=_lane, args=(lane, work, wait, theirs))
            process.start()
            theirs.close()  # so that the next lanes do not hold it open when this one dies
            crew.append((process, ours))
        return _results(crew)
    finally:
        for process, _ in crew:
            process.kill()
            process.join()


def _lane(lane: int, work: Callable[[int, Wait], Any], wait: Wait, pipe: Connection) -> None:
    silence_the_bell()
    faulthandler.register(signal.SIGUSR1, file=2)
    try:
        pipe.send((True, work(lane, wait)))
    except BaseException:
        pipe.send((False, traceback.format_exc()))
    finally:
        connections.close_all()


def _results(crew: Sequence[Lane]) -> list[Any]:
    """What all of them said; when one failed, the others are asked what they are at."""
    said: list[Any] = []
    failures: list[str] = []
    for lane, (process, pipe) in enumerate(crew):
        if failures and not pipe.poll(PATIENCE):
            os.kill(process.pid or 0, signal.SIGUSR1)
            failures.append(f"lane {lane} hangs; where, it says on stderr")
            time.sleep(PATIENCE)
            continue
        try:
            well, result = pipe.recv()
        except EOFError:
            process.join()
            well, result = False, f"died: exit code {process.exitcode}"
        if well:
            said.append(result)
        else:
            failures.append(f"lane {lane} failed: {result}")
    if failures:
        raise RuntimeError("The race was not run:\n" + "\n".join(failures))
    return said


def silence_the_bell() -> None:
    """Nobody listens in a race; rings would only fill the broker's folder."""
    bell._mute_until = float("inf")


def arrive(now: datetime, processes: int = 2) -> None:
    """Let everything that is under way arrive and be processed, in several processes, until nothing is left.

    What expires arrives just in time: it was sent before, and only its processing is late (D3)."""
    while queued := list(Message.objects.queued().order_by("pk").values_list("pk", flat=True)):
        together(processes, lambda lane, wait: _carry(queued[lane::processes], now))


def _carry(queued: Sequence[int], now: datetime) -> None:
    for row in Message.objects.filter(pk__in=queued):
        cast.carry(row, now if row.expires_at is None else row.expires_at - JUST_IN_TIME)
    inbox.process_due(lambda: now)


def with_postgresql(main: Callable[[], int]) -> int:
    """Run `main` on an empty PostgreSQL of its own, never on the database of an installation."""
    return _on_its_own(main, [sys.executable, "-m", "tests.servers"], {})


def with_sqlite(main: Callable[[], int]) -> int:
    """Run `main` on an empty file of its own, without Redis."""
    return _on_its_own(main, [], {"DATABASE_URL": "", "REDIS_URL": ""})


def _on_its_own(main: Callable[[], int], servers: list[str], environment: dict[str, str]) -> int:
    if os.environ.get(OWN):
        silence_the_bell()
        ready.fill()
        return main()
    with tempfile.TemporaryDirectory(prefix="flexportal-race-") as state:
        command = [*servers, sys.executable, *sys.orig_argv[1:]]
        environment = {**os.environ, **environment, OWN: "1", "STATE_DIR": state}
        return subprocess.run(command, env=environment, check=False).returncode
