"""G20 and G21: SQLite under sixteen processes, and under kill -9; on a file, so by programs of their own."""

import json
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings

from bench.races import g21
from bench.verdict import Verdict


def program(name: str, *options: str) -> dict[str, Any]:
    """What a program of bench/races says at its end."""
    command = [sys.executable, "-m", f"bench.races.{name}", "--json", *options]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def contended() -> dict[str, Any]:
    return program("g20", "--processes", "16", "--each", "8")


@pytest.fixture(scope="module")
def killed() -> dict[str, Any]:
    return program("g21", "--kills", "6")


def test_g20_sixteen_processes_write_and_nobody_is_locked_out(contended: dict[str, Any]) -> None:
    assert contended["held"], contended
    assert contended["figures"]["said"]["done"] == 16 * 8


def test_g20_what_django_does_by_default_locks_many_out(contended: dict[str, Any]) -> None:
    assert contended["figures"]["control failed"] > 16
    assert "database is locked" in contended["figures"]["with Django's defaults"]


def test_g21_the_file_is_whole_and_no_change_is_half_done_after_a_kill(killed: dict[str, Any]) -> None:
    assert killed["held"], killed
    assert killed["figures"]["acknowledged"] >= 6 * 4


def test_g21_without_transactions_a_kill_leaves_changes_half_done(killed: dict[str, Any]) -> None:
    assert killed["figures"]["half done without transactions"] > 0


def test_g21_a_change_that_was_said_and_is_not_there_is_seen(killed: dict[str, Any]) -> None:
    assert killed["figures"]["lost where it is said before"] > 0


def test_g21_what_one_writer_did_not_say_hides_no_loss_of_another() -> None:
    """In total as many changes are there as were said."""
    found = Verdict("G21", 0)
    g21.judge(found, {1: (2, 2), 2: (3, 3)}, {1: (5, 6), 2: (8, 7)}, 1)
    assert (found.lost, found.unexpected, found.recovered) == (1, 0, 1)
