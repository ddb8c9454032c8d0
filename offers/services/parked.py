"""Parked messages: what could not be processed five times, sent through processing once more by staff."""

from datetime import datetime

from django.contrib.auth.models import User

from offers import models
from offers.models import Answer, MessageState

from . import bell
from .atomic import atomic, locked

PROCESS_AGAIN = "process again"


class NotProcessable(ValueError):
    """This message cannot be processed (again); the text says why."""


def why_not_again(row: models.Message) -> str:
    """Why staff cannot have it processed again; empty when they can.

    What the counterparty was told stands: it has acted on a Rejected, and must never hear Accepted after it.
    """
    if row.state != MessageState.PARKED:
        return f"{row} is {row.state}: only a parked message can be processed again."
    if row.answered_by.exists():
        return (
            f"{row} was answered: {row.answer_reason or row.answer}. What the counterparty was told stands:"
            " ask it to send a new message."
        )
    if row.sealed is None:
        return f"The bytes of {row} are past their retention time and gone."
    return ""


@atomic
def process_again(owner: models.Participant, message_id: int, by: User, now: datetime) -> models.Message:
    """Give a parked message to the workers again; its moment of receipt stays, for that decides (D3)."""
    row = locked(models.Message.objects.filter(pk=message_id, owner=owner)).get()
    why = why_not_again(row)
    if why:
        raise NotProcessable(why)
    models.Event.objects.create(
        owner=owner,
        version=0,
        event=PROCESS_AGAIN,
        from_state=row.state,
        to_state=MessageState.RECEIVED,
        at=now,
        user=by,
        message=row,
        text=row.error,
    )
    models.Message.objects.filter(pk=row.pk).update(
        state=MessageState.RECEIVED,
        state_at=now,
        next_attempt_at=now,
        attempts=0,
        error="",
        answer=Answer.NONE,
        answer_reason="",
        answered_at=None,
    )
    bell.ring_on_commit(bell.PROCESS)
    row.refresh_from_db()
    return row
