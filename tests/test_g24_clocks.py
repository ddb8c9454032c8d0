"""G24: wrong clocks, ours set back in the middle of work, theirs ahead or behind; nothing is lost."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from offers import transport, uftp
from offers.domain import Outcome, Verdict
from offers.models import FlexOffer, FlexOrder, FlexRequest, Message
from offers.services import gateway, heartbeat, inbox, outbox, queues, trading
from offers.transport import MESSAGE_PATH
from tests import cast, wire
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
LEASE = timedelta(seconds=settings.LEASE_SECONDS)


@pytest.fixture
def delivered(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    sent: list[bytes] = []

    def post(endpoint: str, envelope: bytes, **options: Any) -> Outcome:
        sent.append(envelope)
        return Outcome(Verdict.DELIVERED, "HTTP 200 OK", status=200)

    monkeypatch.setattr(transport, "post", post)
    return sent


def sweep(now: datetime) -> None:
    gateway.expire(lambda: now)
    gateway.process(lambda: now)
    gateway.deliver(lambda: now, random.Random(1))


def a_test(everybody: Cast) -> Message:
    return trading.send_test(everybody.agr, everybody.dso, NOON)


def test_g24_a_lease_of_a_clock_that_ran_ahead_counts_for_nothing(everybody: Cast) -> None:
    row = a_test(everybody)
    assert outbox.claim(NOON + HOUR) == row  # and its worker dies
    assert outbox.claim(NOON) == row


def test_g24_control_a_lease_that_is_only_compared_holds_for_an_hour(
    everybody: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WANTING", "LANES", "OLDEST", "LEASE"):
        compared = getattr(queues, name).replace(queues.LEASED, "message.lease_until > %(now)s")
        monkeypatch.setattr(queues, name, compared)
    row = a_test(everybody)
    assert outbox.claim(NOON + HOUR) == row
    assert outbox.claim(NOON) is None
    assert outbox.claim(NOON + HOUR - SECOND) is None


def test_g24_a_lease_holds_as_long_as_it_should(everybody: Cast) -> None:
    row = a_test(everybody)
    assert outbox.claim(NOON) == row
    assert outbox.claim(NOON + LEASE - SECOND) is None
    assert outbox.claim(NOON + LEASE) == row


def test_g24_a_worker_that_waited_for_the_lock_takes_nothing_twice(everybody: Cast) -> None:
    """It read the clock first and came second: the lease of the other one begins in its future."""
    row = a_test(everybody)
    assert outbox.claim(NOON + SECOND) == row
    assert outbox.claim(NOON) is None


def test_g24_what_was_queued_before_the_step_goes_out_at_once(
    everybody: Cast, delivered: list[bytes]
) -> None:
    for name in heartbeat.SWEEPS:
        heartbeat.beat(name, NOON)
    row = a_test(everybody)
    sweep(NOON - HOUR)
    row.refresh_from_db()
    assert (len(delivered), row.state) == (1, "delivered")


def test_g24_what_came_in_before_the_step_is_processed_at_once(everybody: Cast) -> None:
    sweep(NOON)
    row = trading.send_test(everybody.dso, everybody.agr, NOON)
    cast.carry(row, NOON)
    sweep(NOON - HOUR)
    assert Message.objects.get(direction="in").state == "accepted"


def test_g24_control_without_noticing_the_step_it_waits(
    everybody: Cast, delivered: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SKEW", timedelta(days=1))
    sweep(NOON)
    a_test(everybody)
    sweep(NOON - HOUR)
    assert delivered == []


def test_g24_two_machines_a_second_apart_are_no_step(everybody: Cast) -> None:
    assert heartbeat.beat("expire", NOON) is False
    assert heartbeat.beat("expire", NOON - SECOND) is False
    assert heartbeat.beat("expire", NOON - HOUR) is True
    assert heartbeat.beat("expire", NOON - HOUR + SECOND) is False


@pytest.mark.parametrize("step_at", range(5))
def test_g24_a_trade_in_whose_middle_the_clock_is_set_back_ends_well(everybody: Cast, step_at: int) -> None:
    """Request, answer, offer, order, answer; the step comes before each of them in turn."""
    times = [NOON + timedelta(minutes=n) - (HOUR if n >= step_at else 0 * HOUR) for n in range(5)]
    cast.send_request(everybody, times[0])
    deliver(times[1])
    request = FlexRequest.objects.get(owner=everybody.agr)
    mine = cast.send_offer(everybody, request, times[2])
    deliver(times[3])
    theirs = FlexOffer.objects.get(owner=everybody.dso)
    cast.order(everybody, theirs, times[4])
    deliver(times[4] + SECOND)
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.state, theirs.state) == ("ordered", "ordered")
    assert set(FlexOrder.objects.values_list("state", flat=True)) == {"accepted"}
    assert not Message.objects.queued().exists() and not Message.objects.unprocessed().exists()


def deliver(now: datetime) -> None:
    """Carry what is queued, whatever the clock said when it was; then process as the sweeps do."""
    gateway.expire(lambda: now)
    while queued := list(Message.objects.queued().order_by("pk")):
        for row in queued:
            cast.carry(row, now)
        inbox.process_due(lambda: now)


@pytest.mark.parametrize(
    "skew", [timedelta(minutes=10), -timedelta(minutes=10), timedelta(days=1), -timedelta(days=1)], ids=str
)
def test_g24_a_counterparty_whose_clock_is_wrong_is_understood(
    everybody: Cast, client: Client, skew: timedelta
) -> None:
    """D3: what decides is when a message came in, never what its TimeStamp says."""
    message = wire.flex_request(everybody, time_stamp=datetime.now(UTC) + skew)
    body = wire.sealed(everybody, uftp.encode(message))
    assert client.post(MESSAGE_PATH, body, content_type="text/xml; charset=utf-8").status_code == 200
    inbox.process_due(lambda: datetime.now(UTC) + SECOND)
    assert Message.objects.get(direction="in").state == "accepted"
