"""G27: a hostile document is refused, cheaply, and makes nobody open anything: as envelope and in one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.attack import box

pytestmark = pytest.mark.skipif(not box.can_box(), reason="needs the system call filter of Linux")
WAYS = ("envelope", "payload")


def run(folder: Path, *options: str) -> list[dict[str, Any]]:
    """What became of each document, in a process of its own."""
    environment = {
        **os.environ,
        "STATE_DIR": str(folder),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "tests.attack.box", *options]
    done = subprocess.run(
        command,
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def of(runs: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in runs if one["kind"] == kind]


def test_g27_every_hostile_document_is_refused_cheaply_and_opens_nothing(tmp_path: Path) -> None:
    runs = run(tmp_path)
    hostile = of(runs, "hostile")
    dearest, largest = (max(runs, key=lambda one: one[figure]) for figure in ("cpu", "mb"))
    print(f"{len(hostile)} documents; at most {dearest['cpu']} s of CPU and {largest['mb']} MB")
    for way in WAYS:
        assert sum(one["way"] == way for one in hostile) >= 200
    # The bases without an attack are taken in, so that each is refused for its attack.
    assert [one["status"] for one in of(runs, "good")] == [200] * len(WAYS)
    assert [one for one in runs if one["died"]] == []
    assert [
        one for one in hostile if one["status"] != (411 if one["way"] + one["name"] == EMPTY else 400)
    ] == []
    assert {one["status"] for one in of(runs, "doubtful")} <= {200, 400}
    assert [one for one in runs if one["cpu"] > box.BUSY_SECONDS] == []


EMPTY = "envelopeempty"  # has no length


def test_g27_control_a_lenient_parser_opens_files_and_takes_hostile_documents(tmp_path: Path) -> None:
    runs = run(tmp_path, "--lenient", "--only", "external_entities,document_types")
    opened = {one["name"] for one in runs if one["died"] == "SIGSYS"}
    assert {
        f"external_entities: of a file {where}" for where in ("in text", "as DTD", "as parameter")
    } <= opened
    assert any(one["status"] == 200 for one in of(runs, "hostile"))


def test_g27_control_the_box_ends_who_takes_too_much() -> None:
    jobs = {
        "memory": lambda: len(bytearray(2 * box.MEMORY)),
        "CPU": lambda: sum(1 for _ in iter(int, 1)),
        "a file": lambda: open("/dev/null").fileno(),  # noqa: SIM115
        "a socket": lambda: __import__("socket").socket().fileno(),
        "nothing": lambda: 200,
    }
    found = {one["name"]: one["died"] or one["status"] for one in box.boxed(jobs)}
    assert found == {
        "memory": "exit 1",
        "CPU": "SIGPROF",
        "a file": "SIGSYS",
        "a socket": "SIGSYS",
        "nothing": 200,
    }
