"""Processes that are started again when they die, as a service manager would, after a second."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from offers.management.supervisor import _die_with_parent as die_with_parent

ROOT = Path(__file__).resolve().parents[2]
RESTART_SECONDS = 1.0
TICK = 0.05


class Process:
    """A program that is started again whenever it is gone."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name, self.command, self.environment, self.log = name, command, environment, log
        self.running: subprocess.Popen[bytes] | None = None
        self.start_at = 0.0
        self.wanted = True
        self.starts = 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                cwd=ROOT,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        self.starts += 1

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running.pid, number)

    def care(self, now: float) -> None:
        """Start it when it is its time; note when it has died."""
        if self.running is not None and self.running.poll() is not None:
            self.kill()  # what it had started goes with it
            self.running, self.start_at = None, now + RESTART_SECONDS
        if self.running is None and self.wanted and now >= self.start_at:
            self.start()

    def stop(self) -> None:
        self.wanted = False
        self.kill()
        if self.running is not None:
            self.running.wait()


class Keeper(threading.Thread):
    """Cares for processes until it is told to stop; then nothing is left of them."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.processes: list[Process] = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.wait(TICK):
            with self.lock:
                for process in self.processes:
                    process.care(time.monotonic())

    def add(self, process: Process) -> Process:
        with self.lock:
            self.processes.append(process)
        return process

    def close(self) -> None:
        self.stopping.set()
        self.join()
        for process in self.processes:
            process.stop()
