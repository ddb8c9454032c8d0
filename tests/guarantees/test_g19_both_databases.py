"""G19: the suite is the same on SQLite and on PostgreSQL; what cannot run on one of them is marked.

CI runs it twice. The markers postgres and redis name what needs such a server (the races, which SQLite
hides), and only conftest.py turns a marker into a skip. Every other skip is listed here, with its reason.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests import legs

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
ON_NONE = {
    "guarantees/test_g23_days.py": "a calendar",
    "faults/test_g01_kills.py::test_g01_a_seed_says_what_is_killed": "dice",
    "faults/test_g01_kills.py::test_g01_control_200_before_it_is_stored_loses_messages": "SQLite on both",
    "races/test_g20_g21_sqlite.py": "SQLite alone is promised this",
    "people/test_g38_canary.py::test_g38_control_the_search_finds_every_spelling": "files",
}


def on_sqlite_alone(items: Iterable[pytest.Item]) -> Iterator[str]:
    """The tests that would be run with SQLite alone, in files that start portals."""
    for item in items:
        if not (legs.looks_at_a_server(item) or legs.runs_once(item)) and STARTS.search(
            item.path.read_text()
        ):
            file = str(item.path.relative_to(TESTS))
            if file not in ON_NONE:
                yield f"{file}::{item.originalname}"


def test_g19_what_starts_a_portal_starts_it_on_both_databases(request: pytest.FixtureRequest) -> None:
    """Of what is collected: all of it, when all tests are run."""
    assert set(on_sqlite_alone(request.session.items)) <= set(ON_NONE)


@pytest.mark.parametrize(("asks", "alone"), [([], True), (["kind"], False), (["tmp_path"], True)])
def test_g19_what_starts_a_portal_on_sqlite_alone_would_be_found(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, asks: list[str], alone: bool
) -> None:
    """The control; pytest's own account of what a test asks for decides, not the words in its file."""
    item = request.node
    monkeypatch.setattr(item, "path", TESTS / "faults/test_g38_rotation.py")
    monkeypatch.setattr(item, "fixturenames", asks)
    assert bool(list(on_sqlite_alone([item]))) == alone


def test_g19_no_test_is_left_out_on_one_database_without_a_marker() -> None:
    assert set(skipping(TESTS)) <= set(ALLOWED)


@pytest.mark.parametrize("line", ["pytest.skip('on SQLite')", "@pytest.mark.skipif(SQLITE, reason='')"])
def test_g19_a_skip_would_be_found(tmp_path: Path, line: str) -> None:
    """The control."""
    (tmp_path / "test_some.py").write_text(line)
    assert list(skipping(tmp_path)) == ["test_some.py"]
