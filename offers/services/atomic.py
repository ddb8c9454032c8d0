"""Transactions that are run again when the database ended them for the sake of another one (G17).

Whoever needs several rows locks them in this order, so that two transactions wait for, but never on, each
other: the message that is processed, the message that it answers, congestion point, requests, offers,
orders; within a kind by ascending id. A message that carried a trade is changed under the lock of the trade.
Locks are `FOR NO KEY UPDATE`: a row that merely refers to a locked one need not wait.
"""

import functools
import logging
import random
import sqlite3
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection, models, transaction

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound=models.Model)

SERIALIZATION_FAILURE, DEADLOCK = "40001", "40P01"
TRIES = 5
LONGEST_PAUSE = 0.05  # seconds; the other one was ahead of us and is soon done


def collided(error: OperationalError) -> bool:
    """Whether the database ended a transaction that would go through if it were alone."""
    return getattr(error.__cause__, "sqlstate", None) in (SERIALIZATION_FAILURE, DEADLOCK)


# What is no fault of the statement: connection, read-only, collision, resources, locks, operator, system.
AWAY_STATES = ("08", "25006", "40", "53", "55", "57", "58")
AWAY_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)


def is_away(error: DatabaseError | InterfaceError) -> bool:
    """Whether the database is away or busy; otherwise the statement is at fault, and would fail each time."""
    if (code := getattr(error.__cause__, "sqlite_errorcode", None)) is not None:
        return code & 0xFF in AWAY_CODES  # the rest of it says more about the same
    state = getattr(error.__cause__, "sqlstate", None)  # none: the connection broke
    return state is None or state.startswith(AWAY_STATES)


def atomic(verb: Callable[P, R]) -> Callable[P, R]:
    """`verb` in one transaction, run again if it collides; inside another one it is a part of that."""

    @functools.wraps(verb)
    def whole(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(TRIES - 1):
            try:
                with transaction.atomic():
                    return verb(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or not collided(error):
                    raise
                log.warning("%s collided with another transaction and runs again", verb.__qualname__)
                time.sleep(random.uniform(0, LONGEST_PAUSE))  # noqa: S311 - so that both do not try at once
        with transaction.atomic():
            return verb(*args, **kwargs)

    return whole


def locked(rows: models.QuerySet[M], skip_locked: bool = False) -> models.QuerySet[M]:
    """`rows`, locked until the transaction ends; SQLite's transactions exclude each other anyway."""
    return rows.select_for_update(of=("self",), no_key=True, skip_locked=skip_locked)
