"""Answers that come twice or late, tenants without a key, and what must not stop the others."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from offers import domain, models, transport, uftp
from offers.domain import Outcome, Verdict
from offers.models import FlexOffer, FlexOrder, Message
from offers.services import gateway, inbox, mapping, outbox, trading
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db


def say_again(everybody: Cast, answer: Message) -> None:
    """The AGR answers once more, under another MessageID, as the Python library does to a copy."""
    kind = uftp.CATALOGUE[answer.type]
    said = uftp.decode(uftp.seal.payload_of(uftp.decode_envelope(bytes(answer.sealed or b"")).body))
    head = mapping.head(answer.owner, answer.counterparty, NOON, str(uuid4()), answer.conversation_id)
    reference = {str(kind.REFERENCE): said.reference, "result": said.result}  # type: ignore[attr-defined]
    outbox.enqueue(answer.owner, answer.counterparty, kind(**head, **reference), NOON, wants_answer=False)
    cast.deliver_all(NOON)


@pytest.mark.parametrize("kind", ["FlexRequestResponse", "FlexOfferResponse", "FlexOrderResponse"])
def test_the_same_answer_twice_is_taken_once(everybody: Cast, kind: str) -> None:
    _, theirs = cast.accepted_offer(everybody)
    cast.order(everybody, theirs)
    cast.deliver_all(NOON)
    say_again(everybody, Message.objects.get(direction="out", type=kind))
    assert not Message.objects.filter(error__gt="").exists()
    assert not Message.objects.unprocessed().exists()
    assert set(FlexOffer.objects.values_list("state", flat=True)) == {"ordered"}


def test_every_event_fits_its_column(everybody: Cast) -> None:
    """SQLite does not mind a text that is too long; PostgreSQL does."""
    mine, theirs = cast.accepted_offer(everybody)
    trading.revoke(everybody.agr, mine.pk, everybody.trader, NOON)
    placed = cast.order(everybody, theirs)
    cast.deliver_all(NOON)
    late = uftp.FlexOrderResponse(
        **mapping.head(everybody.agr, everybody.dso, NOON, str(uuid4()), placed.message.conversation_id),
        result="Accepted",
        flex_order_message_id=placed.message.message_id,
    )
    Message.objects.filter(pk=placed.message.pk).update(answer="")
    outbox.enqueue(everybody.agr, everybody.dso, late, NOON, wants_answer=False)
    cast.deliver_all(NOON)
    events = models.Event.objects.values_list("event", flat=True)
    assert "late answer" in events
    assert max(map(len, events)) <= 20


def test_an_order_that_was_given_up_binds_when_it_is_accepted_after_all(everybody: Cast) -> None:
    _, theirs = cast.accepted_offer(everybody)
    first = cast.order(everybody, theirs)
    Message.objects.filter(pk=first.message.pk).update(state="failed", error="HTTP 403")
    trading.fail_undelivered(NOON)
    second = cast.order(everybody, theirs, reference="B")
    cast.carry(first.message, NOON)  # it had arrived
    cast.deliver_all(NOON)
    states = dict(FlexOrder.objects.filter(owner=everybody.dso).values_list("pk", "state"))
    assert states == {first.pk: "accepted", second.pk: "rejected"}
    assert set(FlexOffer.objects.values_list("state", flat=True)) == {"ordered"}
    assert not Message.objects.filter(state="parked").exists()


def test_a_late_rejection_of_an_order_that_was_given_up_leaves_the_next_one_alone(everybody: Cast) -> None:
    mine, theirs = cast.accepted_offer(everybody)
    first = cast.order(everybody, theirs)
    Message.objects.filter(pk=first.message.pk).update(state="failed", error="HTTP 403")
    trading.fail_undelivered(NOON)
    second = cast.order(everybody, theirs, reference="B")
    no = uftp.FlexOrderResponse(
        **mapping.head(everybody.agr, everybody.dso, NOON, str(uuid4()), first.message.conversation_id),
        result="Rejected",
        rejection_reason="Too late",
        flex_order_message_id=first.message.message_id,
    )
    outbox.enqueue(everybody.agr, everybody.dso, no, NOON, wants_answer=False)
    for row in Message.objects.queued().filter(type="FlexOrderResponse"):
        cast.carry(row, NOON)
    inbox.process_due(lambda: NOON)
    theirs.refresh_from_db()
    states = dict(FlexOrder.objects.filter(owner=everybody.dso).values_list("pk", "state"))
    assert (theirs.state, states) == ("ordering", {first.pk: "rejected", second.pk: "sent"})
    cast.deliver_all(NOON)
    theirs.refresh_from_db()
    mine.refresh_from_db()
    assert (theirs.state, mine.state) == ("ordered", "ordered")


def test_a_tenant_without_a_key_stops_nobody_else(everybody: Cast) -> None:
    request = cast.answerable_request(everybody)
    cast.send_offer(everybody, request)
    everybody.point.answers_automatically = False
    everybody.point.save()
    cast.deliver_all(NOON)
    draft = cast.offer_draft(NOON + timedelta(minutes=30))
    planned = trading.draft_offer(
        everybody.agr, everybody.point, everybody.dso, cast.TOMORROW, draft, everybody.trader, NOON, request
    )
    trading.schedule_offer(everybody.agr, planned.pk, NOON + timedelta(minutes=5), everybody.trader, NOON)
    models.Key.objects.all().delete()
    gateway.expire(lambda: NOON + timedelta(minutes=10))
    gateway.expire(lambda: NOON + timedelta(hours=3))
    planned.refresh_from_db()
    assert planned.state == "draft" and "no signing key" in planned.reason
    assert set(FlexOffer.objects.exclude(pk=planned.pk).values_list("state", flat=True)) == {"expired"}


def test_a_message_that_cannot_be_answered_is_parked_and_stops_nobody(everybody: Cast) -> None:
    cast.send_request(everybody)
    for row in Message.objects.queued():
        cast.carry(row, NOON)
    everybody.agr.keys.all().delete()
    trading.send_test(everybody.dso, everybody.agr, NOON)
    for minutes in range(1, 8):
        inbox.process_due(lambda minutes=minutes: NOON + timedelta(minutes=minutes))  # type: ignore[misc]
    row = Message.objects.get(owner=everybody.agr, type="FlexRequest")
    assert row.state == "parked" and "no signing key" in row.error


def test_a_copy_of_what_staff_rejected_is_not_judged_again(everybody: Cast) -> None:
    everybody.point.answers_automatically = False
    everybody.point.save()
    mine, theirs = cast.accepted_offer(everybody)
    trading.reject_offer(everybody.dso, theirs.pk, "Too dear", everybody.operator, NOON)
    cast.deliver_all(NOON)
    cast.carry(cast.message_of(mine), NOON)
    cast.deliver_all(NOON)
    assert Message.objects.filter(owner=everybody.dso, type="FlexOfferResponse").count() == 1
    taken = cast.message_of(FlexOffer.objects.get(owner=everybody.dso))
    assert (taken.state, taken.attempts) == ("rejected", 0)


def test_what_was_rejected_is_not_sent_again(everybody: Cast) -> None:
    everybody.point.answers_automatically = False
    everybody.point.save()
    mine, theirs = cast.accepted_offer(everybody)
    trading.reject_offer(everybody.dso, theirs.pk, "Too dear", everybody.operator, NOON)
    cast.deliver_all(NOON)
    with pytest.raises(outbox.NotQueueable, match="first answer counts"):
        trading.send_again(everybody.agr, cast.message_of(mine).pk, everybody.trader, NOON)


def test_an_order_that_a_proxy_may_have_passed_on_is_not_given_up(
    everybody: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = [
        Outcome(Verdict.TEMPORARY, "HTTP 504", status=504, unknown=504 in transport.MAYBE_TAKEN),
        Outcome(Verdict.PERMANENT, "HTTP 403", status=403),
    ]
    monkeypatch.setattr(transport, "post", lambda *args, **options: outcomes.pop(0))
    _, theirs = cast.accepted_offer(everybody)
    placed = cast.order(everybody, theirs)
    for minutes in (0, 1):
        _deliver(NOON + timedelta(minutes=minutes))
    placed.refresh_from_db()
    assert placed.state == "sent"


@pytest.mark.parametrize("status", [400, 403])
def test_an_order_that_arrived_once_is_not_given_up_for_its_copy(
    everybody: Cast, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """The Java library answers a copy with 400; a 403 for a copy says as little about the first one."""
    outcomes = [
        Outcome(Verdict.DELIVERED, "HTTP 200", status=200),
        Outcome(domain.verdict_of_status(status, True), f"HTTP {status}", status=status),
    ]
    _, theirs = cast.accepted_offer(everybody)
    placed = cast.order(everybody, theirs)
    said: list[bool] = []

    def post(*args: object, unknown_before: bool, **options: object) -> Outcome:
        said.append(unknown_before)
        return outcomes.pop(0)

    monkeypatch.setattr(transport, "post", post)
    _deliver(NOON)
    assert placed.message is not None
    trading.send_again(everybody.dso, placed.message.pk, everybody.operator, NOON)
    _deliver(NOON)
    gateway.expire(lambda: NOON)
    placed.refresh_from_db()
    theirs.refresh_from_db()
    assert (said, placed.state, theirs.state) == ([False, True], "sent", "ordering")


def _deliver(now: datetime) -> None:
    clock: Callable[[], datetime] = lambda: now  # noqa: E731
    gateway.deliver(clock, random.Random(1))


def failed(row: models.FlexOffer | models.FlexOrder) -> Message:
    """The message of a trade, given up."""
    assert row.message is not None
    Message.objects.filter(pk=row.message.pk).update(state="failed", error="HTTP 403")
    trading.fail_undelivered(NOON)
    return row.message


def test_an_offer_that_was_revoked_in_the_meantime_is_not_sent_again(everybody: Cast) -> None:
    mine = cast.send_offer(everybody, cast.answerable_request(everybody))
    message = failed(mine)
    trading.revoke(everybody.agr, mine.pk, everybody.trader, NOON)
    with pytest.raises(outbox.NotQueueable, match="nothing left to send"):
        trading.send_again(everybody.agr, message.pk, everybody.trader, NOON)


def test_a_given_up_order_is_not_sent_again_beside_another(everybody: Cast) -> None:
    _, theirs = cast.accepted_offer(everybody)
    message = failed(cast.order(everybody, theirs))
    cast.order(everybody, theirs, reference="B")
    with pytest.raises(domain.IllegalMove):
        trading.send_again(everybody.dso, message.pk, everybody.operator, NOON)
