"""G19: the suite is the same on SQLite and on PostgreSQL; what cannot run on one of them is marked.

CI runs it twice. The markers postgres and redis name what needs such a server (the races, which SQLite
hides), and only conftest.py turns a marker into a skip. Every other skip is listed here, with its reason.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

SKIPS = re.compile(
    r"\b(?:pytest\.(?:skip|importorskip|xfail)|mark\.(?:skip|skipif|xfail)|skipTest|skipUnless)\b"
)
ALLOWED = {
    "conftest.py": "the markers",
    "guarantees/test_g19_both_databases.py": "the words themselves",
    "uftp/test_schema_equivalence.py": "needs the official schema beside the repository, on any database",
    "attack/test_g27_hostile_documents.py": "needs the system call filter of Linux, on any database",
    "attack/test_g27_memory.py": "needs the system call filter of Linux, on any database",
    "faults/test_g01_kills.py": "its form on PostgreSQL is a test of its own in the same file",
}
TESTS = settings.BASE_DIR / "tests"


def skipping(folder: Path) -> Iterator[str]:
    """The files in which a test can be left out."""
    for path in sorted(folder.rglob("*.py")):
        if SKIPS.search(path.read_text()):
            yield str(path.relative_to(folder))


# Whoever starts a portal of its own needs no database of pytest's, and would not be asked for on a server.
STARTS = re.compile(
    r"^from (?:bench\.(?:faults|people|races)|tests\.interop\.programs)[\w.]* import", re.MULTILINE
)
ASKS = re.compile(r"mark\.(?:django_db|postgres|redis|interop|browser)|\bkind\b")
PURE = {"guarantees/test_g23_days.py"}  # no portal: a calendar


def on_sqlite_alone(folder: Path) -> Iterator[str]:
    """The files whose portals would be started on SQLite alone."""
    for path in sorted(folder.rglob("test_*.py")):
        text = path.read_text()
        if STARTS.search(text) and not ASKS.search(text):
            yield str(path.relative_to(folder))


def test_g19_what_starts_a_portal_starts_it_on_both_databases() -> None:
    assert set(on_sqlite_alone(TESTS)) <= PURE


def test_g19_what_starts_a_portal_on_sqlite_alone_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text("from bench.people import g35\n")
    assert list(on_sqlite_alone(tmp_path)) == ["test_some.py"]


def test_g19_no_test_is_left_out_on_one_database_without_a_marker() -> None:
    assert set(skipping(TESTS)) <= set(ALLOWED)


@pytest.mark.parametrize("line", ["pytest.skip('on SQLite')", "@pytest.mark.skipif(SQLITE, reason='')"])
def test_g19_a_skip_would_be_found(tmp_path: Path, line: str) -> None:
    """The control."""
    (tmp_path / "test_some.py").write_text(line)
    assert list(skipping(tmp_path)) == ["test_some.py"]
