"""Programs of the cast, and a clock that stands still at noon."""

import pytest
from django.utils import timezone

from tests.cast import NOON, Cast

from .program import Program


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doors read the clock; every door of these tests is opened at noon."""
    monkeypatch.setattr(timezone, "now", lambda: NOON)


@pytest.fixture
def agr(everybody: Cast) -> Program:
    """The aggregator's trading program."""
    return Program.of(everybody.trader, everybody.agr)


@pytest.fixture
def dso(everybody: Cast) -> Program:
    return Program.of(everybody.operator, everybody.dso)


@pytest.fixture
def reader(everybody: Cast) -> Program:
    """A program that may only look, for the aggregator."""
    return Program.of(everybody.reader, everybody.agr)


@pytest.fixture
def watcher(everybody: Cast) -> Program:
    """A program that may only look, for the DSO."""
    return Program.of(everybody.watcher, everybody.dso)


@pytest.fixture
def rival(everybody: Cast) -> Program:
    return Program.of(everybody.stranger, everybody.rival)
