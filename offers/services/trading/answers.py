"""Answers to what came in: every message that wants one gets exactly one, sealed and queued."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from offers import models, uftp
from offers.models import Answer, MessageState
from offers.uftp.rules import v8_already_submitted

from .. import mapping, outbox, sql


class Refused(Exception):
    """The rules say no; `reasons` has all of them, each with the field that it concerns."""

    def __init__(self, reasons: Sequence[uftp.Reason]) -> None:
        super().__init__(uftp.joined(reasons))
        self.reasons = list(reasons)


@dataclass(frozen=True)
class Judgement:
    """What became of a message that came in."""

    reasons: tuple[uftp.Reason, ...] = ()
    pending: bool = False  # staff will answer it later
    waits: bool = False  # for a message that it refers to

    @classmethod
    def no(cls, reasons: Sequence[uftp.Reason]) -> "Judgement":
        return cls(reasons=tuple(reasons))


ACCEPTED = Judgement()
PENDING = Judgement(pending=True)
WAITS = Judgement(waits=True)


def reason(field: str, text: str) -> uftp.Reason:
    return uftp.Reason(field=field, text=text)


def name(row: models.Message, about: str) -> None:
    """Say at a message what it is about, for lists and the console; saved with what becomes of it."""
    row.about = about[:200]


def answer(row: models.Message, reasons: Sequence[uftp.Reason], now: datetime) -> models.Message | None:
    """Answer a message: Accepted, or Rejected with the reasons. None where the protocol has no answer."""
    rejected = bool(reasons)
    text = uftp.joined(reasons)
    sql.save(
        row,
        state=MessageState.REJECTED if rejected else MessageState.ACCEPTED,
        answer=Answer.REJECTED if rejected else Answer.ACCEPTED,
        state_at=now,
        answered_at=now,
        answer_reason=text,
        error=text,
        about=row.about,
    )
    kind = uftp.CATALOGUE[row.type].response_type
    if kind is None:
        return None
    message = _response(kind, row, rejected, text, now)
    if message is None:
        return None
    return outbox.enqueue(
        row.owner, row.counterparty, message, now, about=row.about, wants_answer=False, answers=row
    )


def _response(
    kind: type[uftp.PayloadMessage], row: models.Message, rejected: bool, text: str, now: datetime
) -> uftp.PayloadMessage | None:
    """The answer goes to the sender of the envelope (D14), in the version that it was asked in (D1)."""
    head = mapping.head(row.owner, row.counterparty, now, outbox.new_id(), row.conversation_id, row.version)
    if kind is uftp.TestMessageResponse:
        return None if rejected else uftp.TestMessageResponse(**head)  # it has no Result that could say no
    content: dict[str, Any] = {
        "result": "Rejected" if rejected else "Accepted",
        "rejection_reason": text or None,
        str(kind.REFERENCE): row.message_id,
    }
    return kind(**head, **content)


def accepted(message: uftp.ResponseMessage) -> bool:
    """Whether a response says yes: "Already Submitted" counts as taken in (protocol.md §3.6)."""
    return message.result == "Accepted" or v8_already_submitted(message.rejection_reason)
