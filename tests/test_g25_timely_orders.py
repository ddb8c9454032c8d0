"""G25: an order that was received in time is accepted, however late it is processed."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from offers.models import FlexOffer, FlexOrder, Message
from offers.services import gateway, inbox, trading
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db

SEED, RUNS = 25, int(os.environ.get("G25_RUNS", 100))
EXPIRY = NOON + timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)


class Undo(Exception):
    """Ends a run; the next one begins with the same rows."""


@contextmanager
def a_run() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
            raise Undo
    except Undo:
        pass


@pytest.fixture
def sealed(everybody: Cast) -> bytes:
    """An order of the DSO that is on its way."""
    _, theirs = cast.accepted_offer(everybody)
    placed = cast.order(everybody, theirs)
    return bytes(Message.objects.get(pk=placed.message_id).sealed or b"")


def between(chance: random.Random, first: datetime, last: datetime) -> datetime:
    return first + (last - first) * chance.random()


def received_and_processed(
    everybody: Cast, sealed: bytes, received: datetime, processed: datetime, sweeps: list[datetime]
) -> tuple[str, str]:
    """What became of the AGR's offer and of the order."""
    row = inbox.receive(sealed, "127.0.0.1", received)
    for at in sweeps:
        gateway.expire(lambda at=at: at)
    inbox.process_one(row.pk, processed)
    row.refresh_from_db()
    return FlexOffer.objects.get(owner=everybody.agr).state, row.state


def lost_of(everybody: Cast, sealed: bytes) -> int:
    """How many of so many timely orders are not accepted, each after another delay."""
    chance, lost = random.Random(SEED), 0
    for _ in range(RUNS):
        received = between(chance, NOON, EXPIRY - MICROSECOND)
        processed = between(chance, received, EXPIRY + timedelta(days=2))
        sweeps = [between(chance, received, processed) for _ in range(chance.randrange(2))]
        with a_run():
            found = received_and_processed(everybody, sealed, received, processed, sweeps)
            lost += found != ("ordered", "accepted")
    print(f"seed {SEED}: {RUNS} delays, lost {lost}")
    return lost


def test_g25_a_timely_order_is_accepted_after_any_delay(everybody: Cast, sealed: bytes) -> None:
    assert lost_of(everybody, sealed) == 0


@pytest.mark.parametrize("late", [timedelta(0), MICROSECOND, timedelta(hours=1)])
def test_g25_an_order_that_comes_at_the_expiry_or_later_is_not(
    everybody: Cast, sealed: bytes, late: timedelta
) -> None:
    at = EXPIRY + late
    state, order = received_and_processed(everybody, sealed, at, at, [])
    assert (state, order) == ("accepted", "rejected")


def test_g25_control_judged_when_they_are_processed_most_are_lost(
    everybody: Cast, sealed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = inbox.TAKERS["FlexOrder"]

    def judged_now(row: Message, message: Any, now: datetime) -> trading.Judgement:
        row.received_at = now
        return take(row, message, now)

    monkeypatch.setitem(inbox.TAKERS, "FlexOrder", judged_now)
    assert lost_of(everybody, sealed) > RUNS / 2


def test_g25_the_sweep_waits_for_what_is_not_processed_yet(everybody: Cast, sealed: bytes) -> None:
    row = inbox.receive(sealed, "127.0.0.1", EXPIRY - MICROSECOND)
    gateway.expire(lambda: EXPIRY + timedelta(hours=1))
    assert FlexOffer.objects.get(owner=everybody.agr).state == "accepted"
    inbox.process_one(row.pk, EXPIRY + timedelta(hours=1))
    assert FlexOrder.objects.get(owner=everybody.agr).state == "accepted"


def test_g25_and_for_nothing_else(everybody: Cast, sealed: bytes) -> None:
    """What came in too late holds no offer open."""
    inbox.receive(sealed, "127.0.0.1", EXPIRY)
    gateway.expire(lambda: EXPIRY + timedelta(seconds=1))
    assert FlexOffer.objects.get(owner=everybody.agr).state == "expired"
