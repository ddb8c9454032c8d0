"""One message that the database cannot take, or not now, holds up no other one."""

import random
import sqlite3
from datetime import datetime, timedelta
from typing import Any

import psycopg.errors
import pytest
from django.db import DatabaseError, InterfaceError, OperationalError

from offers import uftp
from offers.models import FlexOffer, Message
from offers.services import atomic, inbox
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
CAUSES: dict[str, tuple[BaseException | None, bool]] = {
    "the connection broke": (psycopg.OperationalError("server closed the connection"), True),
    "PostgreSQL stops": (psycopg.errors.AdminShutdown("terminating"), True),
    "a deadlock": (psycopg.errors.DeadlockDetected("deadlock detected"), True),
    "the disk is full": (psycopg.errors.DiskFull("no space"), True),
    "only reading": (psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT"), True),
    "an index row too long": (psycopg.errors.ProgramLimitExceeded("index row size 4024 exceeds"), False),
    "a statement too long": (psycopg.errors.StatementTooComplex("stack depth"), False),
    "a value that is none": (psycopg.errors.NumericValueOutOfRange("out of range"), False),
    "after another error": (psycopg.errors.InFailedSqlTransaction("current transaction is aborted"), False),
}


def raised(cause: BaseException | None) -> OperationalError:
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("something")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize("name", CAUSES)
def test_what_is_away_is_told_from_what_is_at_fault(name: str) -> None:
    cause, away = CAUSES[name]
    assert atomic.is_away(raised(cause)) == away


def test_sqlite_is_away_when_it_is_busy_and_not_when_it_is_asked_nonsense() -> None:
    busy, nonsense = sqlite3.SQLITE_BUSY | 2 << 8, sqlite3.SQLITE_ERROR  # the first is SQLITE_BUSY_SNAPSHOT
    assert [atomic.is_away(raised(sqlite_error(code))) for code in (busy, nonsense)] == [True, False]
    assert atomic.is_away(InterfaceError("connection already closed"))


def two_received(everybody: Cast) -> list[Message]:
    for _ in range(2):
        cast.send_request(everybody)
    for row in Message.objects.queued():
        cast.carry(row, NOON)
    return list(Message.objects.filter(owner=everybody.agr).order_by("pk"))


def failing_for(row: Message, error: DatabaseError) -> Any:
    take = inbox.TAKERS["FlexRequest"]

    def taker(message: Message, *args: Any) -> Any:
        if message.pk == row.pk:
            raise error
        return take(message, *args)

    return taker


def process(now: datetime) -> None:
    inbox.process_due(lambda: now)


@pytest.mark.parametrize("name", ["an index row too long", "the connection broke"])
def test_the_one_behind_it_is_processed(everybody: Cast, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    first, second = two_received(everybody)
    monkeypatch.setitem(inbox.TAKERS, "FlexRequest", failing_for(first, raised(CAUSES[name][0])))
    process(NOON)
    second.refresh_from_db()
    assert second.state == "accepted"


def test_who_is_at_fault_is_parked_and_answered(everybody: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = two_received(everybody)
    error = raised(CAUSES["an index row too long"][0])
    monkeypatch.setitem(inbox.TAKERS, "FlexRequest", failing_for(first, error))
    for minutes in range(8):
        process(NOON + timedelta(minutes=minutes))
    first.refresh_from_db()
    assert (first.state, first.answer, first.attempts) == ("parked", "rejected", inbox.MAX_ATTEMPTS)


def test_who_waits_for_the_database_is_neither_parked_nor_forgotten(
    everybody: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = two_received(everybody)
    with monkeypatch.context() as patch:
        error = raised(CAUSES["the connection broke"][0])
        patch.setitem(inbox.TAKERS, "FlexRequest", failing_for(first, error))
        for seconds in range(0, 60, 6):
            process(NOON + seconds * SECOND)
    first.refresh_from_db()
    assert (first.state, first.attempts) == ("received", 0)
    process(NOON + 66 * SECOND)
    first.refresh_from_db()
    assert first.state == "accepted"


def test_a_database_that_is_away_for_everybody_is_an_error_of_the_sweep(
    everybody: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = two_received(everybody)
    error = raised(CAUSES["the connection broke"][0])

    def away(*args: Any) -> None:
        raise error

    monkeypatch.setitem(inbox.TAKERS, "FlexRequest", failing_for(first, error))
    monkeypatch.setattr(inbox, "_put_off", away)
    with pytest.raises(OperationalError):
        process(NOON)


def unpressed(length: int) -> str:
    """Text of which no index can make less: so many characters of four bytes each."""
    chance = random.Random(1)
    return "".join(chr(chance.randrange(0x20000, 0x2A6D0)) for _ in range(length))


@pytest.mark.parametrize(("length", "answer"), [(255, "accepted"), (256, "rejected"), (1000, "rejected")])
def test_the_longest_names_of_options_fit_into_the_index(everybody: Cast, length: int, answer: str) -> None:
    request = cast.answerable_request(everybody)
    offer = cast.send_offer(everybody, request)
    sent = cast.message_of(offer)
    payload = uftp.seal.payload_of(uftp.decode_envelope(bytes(sent.sealed or b"")).body)
    name = f'OptionReference="{offer.options.all()[0].option_reference}"'
    sealed = cast.sealed_by(everybody.agr, payload.replace(name.encode(), _named(length)))
    row = inbox.receive(sealed, "192.0.2.1", NOON)
    process(NOON)
    row.refresh_from_db()
    assert row.answer == answer, row.error
    assert (answer == "accepted") == FlexOffer.objects.filter(message=row).exists()
    assert answer == "accepted" or f"{length:,} characters, at most 255" in row.answer_reason


def _named(length: int) -> bytes:
    return f'OptionReference="{unpressed(length)}"'.encode()
