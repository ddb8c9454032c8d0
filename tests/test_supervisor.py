"""`make run` without make: the processes come up, come back, and are all gone in the end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings

STOPS_WITHIN = 5.0


class Demo:
    """A demo in a state folder of its own, and what it says."""

    def __init__(self, state: Path, port: int) -> None:
        self.state = state
        self.said = state / "said.txt"
        state.mkdir(exist_ok=True)
        with self.said.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo", "--port", str(port)],
                cwd=settings.BASE_DIR,
                env=environment(state),
                stdout=output,
                stderr=output,
            )

    def says(self, what: str, within: float = 60.0) -> str:
        wait(lambda: what in self.said.read_text() or self.process.poll() is not None, within)
        return self.said.read_text()

    def url(self) -> str:
        said = self.says("Ctrl-C stops it.")
        assert "Flexportal is at " in said, said
        return said.partition("Flexportal is at ")[2].split()[0]

    def processes(self) -> dict[int, str]:
        """Every process of this demo, by the state folder in its environment."""
        return {pid: command for pid, command in ours(self.state)}

    def stop(self, number: signal.Signals = signal.SIGINT) -> float:
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        return time.monotonic() - started


def environment(state: Path) -> dict[str, str]:
    chosen = {"STATE_DIR": str(state), "FLEXPORTAL_LOCAL_MARKET": "1", "DATABASE_URL": "", "REDIS_URL": ""}
    return {**os.environ, **chosen}


def ours(state: Path) -> Iterator[tuple[int, str]]:
    mark = f"STATE_DIR={state}\0".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes():
                command = (folder / "cmdline").read_text().replace("\0", " ")
                if command:
                    yield int(folder.name), command


def wait(until: Callable[[], bool], within: float = 30.0) -> bool:
    deadline = time.monotonic() + within
    while not until() and time.monotonic() < deadline:
        time.sleep(0.1)
    return until()


def fetch(url: str) -> tuple[int, str]:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.status, response.read().decode()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture
def demo(state: Path) -> Iterator[Demo]:
    """On a port that is taken, as it happens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running = Demo(state, taken.getsockname()[1])
        try:
            yield running
        finally:
            if running.process.poll() is None:
                running.stop(signal.SIGTERM)


def test_a_newcomer_gets_an_address_and_logins_on_the_next_free_port(demo: Demo, state: Path) -> None:
    url = demo.url()
    assert fetch(url + "/login/")[0] == 200
    assert fetch(url + "/health/ready") == (200, json.dumps({"status": "ok"}))
    said = demo.said.read_text()
    assert "is taken; using" in said
    accounts = state / "demo-accounts.txt"
    assert accounts.stat().st_mode & 0o777 == 0o600
    for line in accounts.read_text().splitlines():
        name, password = line.split()
        assert name in said and password in said


def test_a_second_one_on_the_same_folder_is_refused_with_the_address_of_the_first(
    demo: Demo, state: Path
) -> None:
    url = demo.url()
    command = [sys.executable, "manage.py", "demo"]
    second = subprocess.run(
        command, cwd=settings.BASE_DIR, env=environment(state), capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert f"already runs on this folder: {url}" in second.stderr


def test_a_second_start_keeps_what_is_there(demo: Demo, state: Path) -> None:
    demo.url()
    before = (state / "demo-accounts.txt").read_text(), (state / "db.sqlite3").stat().st_ino
    demo.stop()
    again = Demo(state, 0)
    try:
        again.url()
        assert "Preparing the database" not in again.said.read_text()
        assert ((state / "demo-accounts.txt").read_text(), (state / "db.sqlite3").stat().st_ino) == before
    finally:
        again.stop()


def test_a_process_that_dies_comes_back(demo: Demo) -> None:
    demo.url()
    assert wait(lambda: any(" worker " in command for command in demo.processes().values()))
    (victim,) = (pid for pid, command in demo.processes().items() if " worker " in command)
    os.kill(victim, signal.SIGKILL)
    assert "worker was killed by signal 9; it starts again in 1 s" in demo.says("worker was killed")
    assert wait(lambda: any(" worker " in command for command in demo.processes().values()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopping_takes_less_than_five_seconds_and_leaves_no_process(
    demo: Demo, number: signal.Signals
) -> None:
    url = demo.url()
    assert wait(lambda: len(demo.processes()) >= 5)
    assert demo.stop(number) < STOPS_WITHIN
    assert demo.processes() == {}
    assert demo.process.returncode == 0
    with pytest.raises(OSError, match="refused"):
        fetch(url)


def test_a_supervisor_that_is_killed_takes_its_children_with_it(demo: Demo) -> None:
    demo.url()
    demo.process.kill()
    assert wait(lambda: demo.processes() == {}, 10)
