"""The way out: sealed once, claimed by one, ordered within a conversation, retried with the same bytes."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.conf import settings

from offers import transport, uftp
from offers.domain import Outcome, Verdict
from offers.models import Attempt, FlexOffer, FlexOrder, Message
from offers.services import gateway, inbox, outbox, trading
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db

DELIVERED = Outcome(Verdict.DELIVERED, "HTTP 200 OK", status=200)
BUSY = Outcome(Verdict.TEMPORARY, "HTTP 503 Service Unavailable", status=503)
SILENT = Outcome(Verdict.TEMPORARY, "no answer in time; it may have arrived", unknown=True)
NO_CONTACT = Outcome(Verdict.PERMANENT, "The endpoint resolves to 10.0.0.1, which is no public address.")
REFUSED = Outcome(Verdict.PERMANENT, "HTTP 403 Forbidden", status=403)


class Post:
    """Stands where the network is: gives the outcomes in turn, the last one for ever; keeps what was sent."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[bytes] = []

    def __call__(self, endpoint: str, envelope: bytes, **options: bool) -> Outcome:
        self.sent.append(envelope)
        self.options = options
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Post]:
    def install(*outcomes: Outcome) -> Post:
        double = Post(*outcomes)
        monkeypatch.setattr(transport, "post", double)
        return double

    return install


def deliver(now: datetime) -> None:
    gateway.deliver(lambda: now, random.Random(1))


def a_test(everybody: Cast) -> Message:
    return trading.send_test(everybody.agr, everybody.dso, NOON)


def test_a_message_is_sealed_once_and_every_attempt_sends_the_same_bytes(
    everybody: Cast, post: Callable[..., Post]
) -> None:
    double = post(BUSY, BUSY, DELIVERED)
    row = a_test(everybody)
    for minutes in (0, 1, 2):
        deliver(NOON + timedelta(minutes=minutes))
    row.refresh_from_db()
    assert row.state == "delivered" and row.attempts == 3
    assert double.sent == [bytes(row.sealed or b"")] * 3
    assert [a.status for a in Attempt.objects.filter(message=row)] == [503, 503, 200]


def test_it_is_not_tried_again_before_it_is_due(everybody: Cast, post: Callable[..., Post]) -> None:
    double = post(BUSY)
    row = a_test(everybody)
    deliver(NOON)
    deliver(NOON + timedelta(seconds=4))
    assert len(double.sent) == 1
    row.refresh_from_db()
    assert NOON + timedelta(seconds=5) <= row.next_attempt_at <= NOON + timedelta(seconds=6)


def test_it_is_retried_for_more_than_an_hour(everybody: Cast, post: Callable[..., Post]) -> None:
    double = post(BUSY)
    row = a_test(everybody)
    while row.state == "queued":
        deliver(row.next_attempt_at)
        row.refresh_from_db()
    assert row.state == "failed" and "not delivered within a day" in row.error
    attempts = Attempt.objects.filter(message=row, status=503)
    assert attempts.filter(started_at__gt=NOON + timedelta(hours=1)).exists()
    assert len(double.sent) < 50


def test_a_permanent_refusal_ends_it_and_the_trade_is_told(
    everybody: Cast, post: Callable[..., Post]
) -> None:
    request = cast.answerable_request(everybody)
    post(REFUSED)
    mine = cast.send_offer(everybody, request)
    deliver(NOON)
    mine.refresh_from_db()
    assert mine.state == "failed" and mine.reason == "HTTP 403 Forbidden"


def test_nothing_is_sent_after_its_expiry(everybody: Cast, post: Callable[..., Post]) -> None:
    request = cast.answerable_request(everybody)
    mine = cast.send_offer(everybody, request)
    double = post(DELIVERED)
    deliver(NOON + timedelta(hours=1))
    assert double.sent == []
    assert cast.message_of(FlexOffer.objects.get(pk=mine.pk)).state == "expired"


def test_a_revocation_cannot_overtake_its_offer(everybody: Cast, post: Callable[..., Post]) -> None:
    request = cast.answerable_request(everybody)
    mine = cast.send_offer(everybody, request)
    trading.revoke(everybody.agr, mine.pk, everybody.trader, NOON)
    double = post(BUSY, DELIVERED)
    deliver(NOON)
    assert len(double.sent) == 1  # the offer; the revocation waits behind it
    deliver(NOON + timedelta(seconds=10))
    kinds = [type(uftp.decode(uftp.seal.payload_of(uftp.decode_envelope(b).body))) for b in double.sent]
    assert kinds == [uftp.FlexOffer, uftp.FlexOffer, uftp.FlexOfferRevocation]


def test_another_conversation_does_not_wait(everybody: Cast, post: Callable[..., Post]) -> None:
    first, second = a_test(everybody), a_test(everybody)
    post(BUSY, DELIVERED)
    deliver(NOON)
    assert {first.pk: "queued", second.pk: "delivered"} == dict(Message.objects.values_list("pk", "state"))


def test_two_workers_cannot_claim_the_same_message(everybody: Cast) -> None:
    row = a_test(everybody)
    assert outbox.claim(NOON) == row
    assert outbox.claim(NOON) is None


def test_a_worker_that_lost_its_lease_changes_nothing(everybody: Cast, post: Callable[..., Post]) -> None:
    row = a_test(everybody)
    frozen = outbox.claim(NOON)
    assert frozen is not None
    later = NOON + timedelta(seconds=settings.LEASE_SECONDS)
    post(DELIVERED)
    deliver(later)
    post(REFUSED)
    outbox._deliver(frozen, lambda: later, random.Random(1))
    row.refresh_from_db()
    assert row.state == "delivered" and row.unknown_outcome


def test_a_400_after_a_silent_attempt_counts_as_delivered(everybody: Cast, post: Callable[..., Post]) -> None:
    a_test(everybody)
    double = post(SILENT, DELIVERED)
    deliver(NOON)
    assert double.options["unknown_before"] is False
    deliver(NOON + timedelta(minutes=1))
    assert double.options["unknown_before"] is True


def test_an_order_that_may_have_arrived_is_never_given_up_by_us(
    everybody: Cast, post: Callable[..., Post]
) -> None:
    _, theirs = cast.accepted_offer(everybody)
    placed = cast.order(everybody, theirs)
    post(SILENT, REFUSED)
    deliver(NOON)
    deliver(NOON + timedelta(minutes=1))
    placed.refresh_from_db()
    theirs.refresh_from_db()
    assert (placed.state, theirs.state) == ("sent", "ordering")


def test_an_order_that_never_arrived_frees_its_offer(everybody: Cast, post: Callable[..., Post]) -> None:
    _, theirs = cast.accepted_offer(everybody)
    placed = cast.order(everybody, theirs)
    post(REFUSED)
    deliver(NOON)
    placed.refresh_from_db()
    theirs.refresh_from_db()
    assert (placed.state, theirs.state) == ("failed", "accepted")
    cast.order(everybody, theirs, reference="B")
    assert FlexOrder.objects.filter(owner=everybody.dso).count() == 2


def test_what_failed_can_be_sent_again_with_the_same_bytes(
    everybody: Cast, post: Callable[..., Post]
) -> None:
    request = cast.answerable_request(everybody)
    mine = cast.send_offer(everybody, request)
    double = post(REFUSED, DELIVERED)
    deliver(NOON)
    mine.refresh_from_db()
    trading.send_again(everybody.agr, cast.message_of(mine).pk, everybody.trader, NOON)
    deliver(NOON)
    mine.refresh_from_db()
    assert mine.state == "sent" and double.sent[0] == double.sent[1]


def test_an_answer_proves_delivery_even_if_every_attempt_seemed_to_fail(
    everybody: Cast, post: Callable[..., Post]
) -> None:
    request = cast.answerable_request(everybody)
    mine = cast.send_offer(everybody, request)
    post(SILENT)
    deliver(NOON)
    cast.carry(cast.message_of(mine), NOON)  # it had arrived
    Message.objects.filter(pk=cast.message_of(mine).pk).update(state="queued")
    for row in Message.objects.filter(owner=everybody.dso, state="received"):
        inbox.process_one(row.pk, NOON)
    answer = Message.objects.get(owner=everybody.dso, type="FlexOfferResponse")
    cast.carry(answer, NOON)
    inbox.process_due(lambda: NOON)
    mine.refresh_from_db()
    assert mine.state == "accepted"
    assert cast.message_of(mine).state == "delivered"


@pytest.mark.parametrize(("outcome", "is_contact"), [(NO_CONTACT, False), (REFUSED, True), (DELIVERED, True)])
def test_only_a_contact_ends_the_failing_of_a_counterparty(
    everybody: Cast, post: Callable[..., Post], outcome: Outcome, is_contact: bool
) -> None:
    a_test(everybody)
    post(SILENT, outcome)
    deliver(NOON)
    deliver(NOON + timedelta(minutes=1))
    everybody.dso.refresh_from_db()
    assert everybody.dso.failing_since == (None if is_contact else NOON)


def test_what_comes_too_late_is_no_contact(everybody: Cast, post: Callable[..., Post]) -> None:
    a_test(everybody)
    post(SILENT)
    deliver(NOON)
    deliver(NOON + timedelta(days=2))
    everybody.dso.refresh_from_db()
    assert everybody.dso.failing_since == NOON
