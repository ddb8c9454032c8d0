"""What could not be processed waits for staff, who have it processed again where nothing was said yet."""

from datetime import timedelta
from typing import Any

import pytest

from offers.models import Event, FlexRequest, Message
from offers.services import inbox, keys, parked, trading
from tests import cast
from tests.cast import NOON, Cast

LATER = NOON + timedelta(minutes=30)


def fail_to_process(minutes: int = 8) -> None:
    for minute in range(1, minutes):
        inbox.process_due(lambda minute=minute: NOON + timedelta(minutes=minute))  # type: ignore[misc]


def unanswered(everybody: Cast) -> Message:
    """A request that came in while our signing key was missing: no answer could be sealed."""
    cast.send_request(everybody)
    known = list(everybody.agr.keys.all())
    everybody.agr.keys.all().delete()
    for row in Message.objects.queued():
        cast.carry(row, NOON)
    fail_to_process()
    for key in known:
        key.save()
    return Message.objects.get(owner=everybody.agr, type="FlexRequest")


def broken(*_: Any) -> Any:
    raise ZeroDivisionError("something of ours")


def answered(everybody: Cast, monkeypatch: pytest.MonkeyPatch) -> Message:
    """A request whose processing breaks: after five times the DSO is told that it is rejected."""
    cast.send_request(everybody)
    for row in Message.objects.queued():
        cast.carry(row, NOON)
    with monkeypatch.context() as patch:
        patch.setitem(inbox.TAKERS, "FlexRequest", broken)
        fail_to_process()
    return Message.objects.get(owner=everybody.agr, type="FlexRequest")


def test_what_was_not_answered_is_processed_as_of_its_receipt(everybody: Cast) -> None:
    row = unanswered(everybody)
    assert row.state == "parked"
    again = parked.process_again(everybody.agr, row.pk, everybody.trader, LATER)
    assert (again.state, again.attempts, again.error, again.received_at) == ("received", 0, "", NOON)
    inbox.process_due(lambda: LATER)
    row.refresh_from_db()
    assert (row.state, row.answer) == ("accepted", "accepted")
    assert FlexRequest.objects.get(owner=everybody.agr).state == "accepted"
    assert row.answered_by.count() == 1


def test_who_had_it_processed_again_stands_at_the_message(everybody: Cast) -> None:
    row = unanswered(everybody)
    why = row.error
    parked.process_again(everybody.agr, row.pk, everybody.trader, LATER)
    line = Event.objects.get(message=row, event=parked.PROCESS_AGAIN)
    assert (line.user, line.at, line.from_state, line.to_state) == (
        everybody.trader,
        LATER,
        "parked",
        "received",
    )
    assert line.text == why


def test_what_the_counterparty_was_told_stands(everybody: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    row = answered(everybody, monkeypatch)
    assert (row.state, row.answer) == ("parked", "rejected")
    with pytest.raises(parked.NotProcessable, match="What the counterparty was told stands"):
        parked.process_again(everybody.agr, row.pk, everybody.trader, LATER)
    inbox.process_due(lambda: LATER)
    row.refresh_from_db()
    assert row.state == "parked"
    assert not FlexRequest.objects.filter(owner=everybody.agr).exists()


def test_an_answer_of_the_other_side_is_noted_late_but_right(
    everybody: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.send_request(everybody)
    with monkeypatch.context() as patch:
        patch.setitem(inbox.NOTERS, "FlexRequestResponse", broken)
        cast.deliver_all(NOON)
        fail_to_process()
    row = Message.objects.get(owner=everybody.dso, type="FlexRequestResponse")
    assert row.state == "parked"
    parked.process_again(everybody.dso, row.pk, everybody.operator, LATER)
    inbox.process_due(lambda: LATER)
    row.refresh_from_db()
    assert row.state == "accepted"
    assert FlexRequest.objects.get(owner=everybody.dso).state == "accepted"


def test_what_fails_again_is_parked_again(everybody: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    row = unanswered(everybody)
    parked.process_again(everybody.agr, row.pk, everybody.trader, LATER)
    monkeypatch.setattr(keys, "signing_key", broken_key)
    for minute in range(31, 40):
        inbox.process_due(lambda minute=minute: NOON + timedelta(minutes=minute))  # type: ignore[misc]
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("parked", inbox.MAX_ATTEMPTS)


def broken_key(*_: Any) -> Any:
    raise keys.NoKey("There is no signing key.")


def test_only_what_is_parked_and_still_has_its_bytes(everybody: Cast) -> None:
    cast.send_request(everybody)
    cast.deliver_all(NOON)
    done = Message.objects.get(owner=everybody.agr, type="FlexRequest")
    with pytest.raises(parked.NotProcessable, match="only a parked message"):
        parked.process_again(everybody.agr, done.pk, everybody.trader, LATER)
    Message.objects.filter(pk=done.pk).update(state="parked", sealed=None)
    Message.objects.filter(answers=done).update(answers=None)
    with pytest.raises(parked.NotProcessable, match="past their retention time"):
        parked.process_again(everybody.agr, done.pk, everybody.trader, LATER)


def test_nobody_processes_for_somebody_else(everybody: Cast) -> None:
    row = unanswered(everybody)
    with pytest.raises(Message.DoesNotExist):
        parked.process_again(everybody.dso, row.pk, everybody.operator, LATER)


def test_a_test_message_that_was_not_heard_is_heard_then(
    everybody: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test message has no Rejected: nothing was said, so it may be processed again, and then is heard."""
    trading.send_test(everybody.dso, everybody.agr, NOON)
    for row in Message.objects.queued():
        cast.carry(row, NOON)
    with monkeypatch.context() as patch:
        patch.setitem(inbox.TAKERS, "TestMessage", broken)
        fail_to_process()
    row = Message.objects.get(owner=everybody.agr, type="TestMessage")
    assert row.state == "parked"
    parked.process_again(everybody.agr, row.pk, everybody.trader, LATER)
    inbox.process_due(lambda: LATER)
    assert [one.type for one in Message.objects.filter(answers=row)] == ["TestMessageResponse"]
