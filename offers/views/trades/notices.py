"""What needs somebody now, on both desks: derived from the state of things, and gone when that is solved."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from offers import formats
from offers.models import Message, MessageState

SOON = timedelta(hours=1)
SILENT_TOO_LONG = timedelta(minutes=5)
TRIES_TOO_MANY = 2
URGENCY = {"bad": 0, "warn": 1}


@dataclass(frozen=True)
class Notice:
    """One thing to do: what, why, until when, and where."""

    level: str  # bad, warn, or nothing
    icon: str
    title: str
    text: str
    verb: str
    page: str  # name of a URL that takes `key`
    key: int | UUID
    by: datetime | None = None
    since: str = ""
    post: bool = False

    @property
    def order(self) -> tuple[int, float]:
        return URGENCY.get(self.level, 2), self.by.timestamp() if self.by else float("inf")


def by_urgency(found: Iterable[Notice]) -> list[Notice]:
    """The most pressing first."""
    return sorted(found, key=lambda notice: notice.order)


@dataclass(frozen=True)
class Hanging:
    """A message of ours that is not there after some tries, or there without an answer."""

    icon: str
    done: str  # goes on after the name of what it carries
    text: str
    since: str


def hanging(message: Message, zone: str, now: datetime) -> Hanging | None:
    """None while all is well: nobody needs to look yet."""
    if message.state == MessageState.QUEUED and message.attempts >= TRIES_TOO_MANY:
        text = f"{message.attempts} tries, the last: {message.error or 'no answer'}."
        again = formats.clock(message.next_attempt_at, zone, seconds=True)
        return Hanging("queued", "is not delivered yet", text, f"next {again}")
    silent = message.no_answer_for(now)
    if silent is not None and silent > SILENT_TOO_LONG:
        text = f"Delivered {formats.clock(message.state_at, zone, seconds=True)}, no answer since."
        return Hanging("waiting", "is unanswered", text, formats.ago(int(silent.total_seconds())))
    return None
