"""Messages as rows of the list and as steps of a conversation: chips, notes, attempts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from offers import formats
from offers.domain import Verdict
from offers.models import Answer, Attempt, Message, MessageState
from offers.services import outbox, parked

from .opened import Opened
from .words import line_of, title_of

LABELS = {
    MessageState.WAITING: "Waits",
    MessageState.PENDING: "Waits for staff",
    MessageState.EXPIRED: "Too late",
    MessageState.CANCELLED: "Cancelled",
}
STATES = {
    MessageState.EXPIRED: "failed",
    MessageState.PENDING: "processing",
    MessageState.WAITING: "processing",
}
NOTE_LENGTH = 40
WORD = re.compile(r".[^A-Z]*")


@dataclass(frozen=True)
class Chip:
    """A state as {% chip %} draws it."""

    state: str
    label: str = ""
    at: datetime | str | None = None


@dataclass
class Row:
    """A message in the list."""

    message: Message
    now: datetime

    @property
    def at(self) -> datetime:
        return self.message.received_at or self.message.created_at

    @property
    def type_parts(self) -> list[str]:
        """Flex, Offer, Response: a long name may break between its words."""
        return WORD.findall(self.message.type) or [self.message.type]

    @property
    def chip(self) -> Chip:
        """How far it got; for an answer that came in, what it says."""
        row = self.message
        if row.is_in and row.answers is not None and row.state == MessageState.ACCEPTED:
            return Chip(row.answers.answer or "accepted")
        if row.is_in and row.state == MessageState.REJECTED and row.answer == Answer.NONE:
            return Chip("rejected", "Not used")
        return Chip(STATES.get(MessageState(row.state), row.state), LABELS.get(MessageState(row.state), ""))

    @property
    def note(self) -> str:
        """What the chip does not say, in few words."""
        row = self.message
        if row.state in (MessageState.FAILED, MessageState.EXPIRED, MessageState.PARKED):
            return row.error.partition(":")[0][:NOTE_LENGTH]
        if row.state == MessageState.QUEUED:
            return f"{row.attempts} tries" if row.attempts > 1 else "1 try" if row.attempts else ""
        if not row.is_in and row.answer == Answer.REJECTED:
            return "rejected"
        return "" if row.is_in or row.attempts < 2 else f"{row.attempts} tries"

    @property
    def silent_for(self) -> str:
        """How long its answer has been missing; empty when none is."""
        silence = self.message.no_answer_for(self.now)
        return formats.ago(int(silence.total_seconds())) if silence is not None else ""


@dataclass(frozen=True)
class AttemptRow:
    """One attempt at delivery in words."""

    attempt: Attempt
    last: bool

    @property
    def css(self) -> str:
        return {Verdict.DELIVERED: "good", Verdict.TEMPORARY: "warn", Verdict.PERMANENT: "bad"}.get(
            Verdict(self.attempt.verdict) if self.attempt.verdict else Verdict.TEMPORARY, ""
        )

    @property
    def text(self) -> str:
        if self.attempt.ended_at is None:
            return "under way" if self.last else "broken off: the worker died, it may have arrived"
        return self.attempt.text or self.attempt.verdict

    @property
    def kind(self) -> str:
        return "" if self.attempt.verdict in ("", Verdict.DELIVERED) else self.attempt.verdict

    @property
    def took(self) -> str:
        return lasted(self.attempt.took) if self.attempt.took is not None else ""

    @property
    def following(self) -> str:
        attempt = self.attempt
        if attempt.next_attempt_at is None or attempt.ended_at is None:
            return "done" if attempt.verdict == Verdict.DELIVERED else "no more" if attempt.ended_at else ""
        return f"after {lasted(attempt.next_attempt_at - attempt.ended_at)}"


def lasted(time: timedelta) -> str:
    """84 ms, 1.6 s, 12 min."""
    seconds = time.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else formats.ago(int(seconds))


@dataclass
class Step(Row):
    """A message in its conversation."""

    zone: str
    selected: bool = False
    url: str = ""

    @cached_property
    def opened(self) -> Opened:
        return Opened(self.message)

    @property
    def title(self) -> str:
        return title_of(self.message)

    @cached_property
    def line(self) -> str:
        return line_of(self.message, self.opened.message, self.zone)

    @property
    def attempts(self) -> list[AttemptRow]:
        found = list(self.message.attempt_rows.all())
        under_way = self.message.state == MessageState.QUEUED
        return [AttemptRow(one, under_way and one is found[-1]) for one in found]

    @property
    def shows_attempts(self) -> bool:
        """Always for the selected one; elsewhere only where there is something to tell."""
        return bool(self.attempts) and (self.selected or len(self.attempts) > 1 or self.note != "")

    @property
    def delivery(self) -> str:
        """Delivered in 61 ms."""
        if self.message.state != MessageState.DELIVERED:
            return ""
        done = [one for one in self.attempts if one.attempt.verdict == Verdict.DELIVERED]
        return f"Delivered in {done[-1].took}" if done and done[-1].took else ""

    @property
    def chips(self) -> list[Chip]:
        """Delivered is not accepted: two chips, two times."""
        row = self.message
        if row.is_in:
            return [self._taken]
        first = Chip(self.chip.state, self.chip.label, row.state_at)
        if row.answer != Answer.NONE:
            return [first, Chip(row.answer, "", row.answered_at)]
        return [first, Chip("waiting", "", self.silent_for)] if self.silent_for else [first]

    @property
    def _taken(self) -> Chip:
        row = self.message
        if row.type == "FlexOrder" and row.state == MessageState.ACCEPTED:
            return Chip("ordered", "", row.answered_at)
        at = row.answered_at if row.answer != Answer.NONE else None
        return Chip(self.chip.state, self.chip.label, at)

    @property
    def next_try(self) -> datetime | None:
        return self.message.next_attempt_at if self.message.state == MessageState.QUEUED else None

    @property
    def why_not_again(self) -> str:
        """Why it cannot be sent again; empty when it can."""
        row = self.message
        if row.state == MessageState.QUEUED:
            return "It is under way already."
        if row.state not in outbox.RESENDABLE:
            return "Only what was sent or failed can be sent again."
        if row.sealed is None:
            return "Its bytes are past their retention time and gone."
        if row.expires_at is not None and self.now >= row.expires_at:
            return f"It expired at {formats.clock(row.expires_at, self.zone)}: a new one is needed."
        return ""

    @property
    def is_parked(self) -> bool:
        return self.message.state == MessageState.PARKED

    @property
    def why_not_processed(self) -> str:
        """Why a parked message cannot be processed again; empty when it can."""
        return parked.why_not_again(self.message)

    @property
    def answered_in(self) -> str:
        row = self.message
        if row.answered_at is None:
            return ""
        return lasted(row.answered_at - (row.received_at or row.created_at))


def steps_of(messages: Sequence[Message], selected: Message, zone: str, now: datetime) -> list[Step]:
    return [Step(message, now, zone, message.pk == selected.pk) for message in messages]
