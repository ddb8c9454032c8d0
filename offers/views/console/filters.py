"""What the list of messages shows: read from its address, so that a link finds the same rows again."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, QueryDict

from offers import models, uftp
from offers.models import Direction, Message, MessageState, Participant

Messages = QuerySet[Message]
HEX = re.compile(r"[0-9a-fA-F]{8}[0-9a-fA-F-]{0,28}")
NUMBER = re.compile(r"(?:(O)|R)-([0-9]{1,17})", re.IGNORECASE)
COUNT_TO = 1_000
NEWEST = 10_000  # messages whose words are looked through; all of them would take seconds

_SILENT = Q(
    direction=Direction.OUT, state=MessageState.DELIVERED, answer=models.Answer.NONE, wants_answer=True
)
LOST = [MessageState.FAILED, MessageState.EXPIRED]
TABS: dict[str, tuple[str, Callable[[Messages], Messages]]] = {
    "": ("All", lambda rows: rows),
    "failed": (
        "Failed",
        lambda rows: _found(rows, Q(state__in=LOST)),
    ),
    "queued": ("Queued", lambda rows: rows.filter(state=MessageState.QUEUED)),
    "unanswered": ("Unanswered", lambda rows: rows.filter(_SILENT)),
    "parked": ("Parked", lambda rows: rows.filter(state=MessageState.PARKED)),
}
REFUSED = "refused"
STATES = [(state.value, state.label.capitalize()) for state in MessageState]
DIRECTIONS = [("in", "In"), ("out", "Out")]


@dataclass(frozen=True)
class Filters:
    """The choices that were made, cleaned of what is no choice."""

    query: QueryDict
    tab: str
    direction: str
    type: str
    state: str
    counterparty: int | None
    text: str

    @classmethod
    def of(cls, request: HttpRequest) -> "Filters":
        get = request.GET
        return cls(
            query=get,
            tab=get.get("tab", "") if get.get("tab") in (*TABS, REFUSED) else "",
            direction=get.get("direction", "") if get.get("direction") in Direction.values else "",
            type=get.get("type", "") if get.get("type") in uftp.CATALOGUE else "",
            state=get.get("state", "") if get.get("state") in MessageState.values else "",
            counterparty=whole(get.get("counterparty", "")),
            text=get.get("q", "").replace("\0", "").strip()[:100],  # PostgreSQL has no NUL in texts
        )

    def apply(self, rows: Messages) -> Messages:
        if self.text:
            rows = _about(rows, self.text)
        if self.tab in TABS:
            rows = TABS[self.tab][1](rows)
        chosen: dict[str, Any] = {
            "direction": self.direction,
            "type": self.type,
            "state": self.state,
            "counterparty_id": self.counterparty,
        }
        return rows.filter(**{name: value for name, value in chosen.items() if value not in ("", None)})

    def url(self, path: str, **changes: Any) -> str:
        """The address of `path` with the same choices but for the changes; None takes a choice away."""
        query = self.query.copy()
        for name in ("before", "after", "format", *changes):
            query.pop(name, None)
        for name, value in changes.items():
            if value not in (None, ""):
                query[name] = str(value)
        return f"{path}?{query.urlencode()}" if query else path

    @property
    def chosen(self) -> bool:
        return bool(self.tab or self.direction or self.type or self.state or self.counterparty or self.text)


def whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _found(rows: Messages, *kinds: Q) -> Messages:
    """Find by an index first and put in order afterwards: a database that sees the order first reads all."""
    first, *more = [rows.filter(kind).order_by().values("pk") for kind in kinds]
    return rows.filter(pk__in=first.union(*more) if more else first)


def _about(rows: Messages, text: str) -> Messages:
    """What looks like the beginning of an ID or like the number of an offer or a request is looked up by an
    index; other words are looked for in what the newest messages are about."""
    if number := NUMBER.fullmatch(text):
        return _of_trade(rows, "flex_offer" if number[1] else "flex_request", int(number[2]))
    if not HEX.fullmatch(text):
        oldest = rows.order_by("-pk").values_list("pk", flat=True)[NEWEST : NEWEST + 1].first() or 0
        return rows.filter(pk__gt=oldest, about__icontains=text)
    low = text.lower()
    beyond = low + "g"  # after every ID that begins like this
    of_message = Q(message_id__gte=low, message_id__lt=beyond)
    return _found(rows, of_message, Q(conversation_id__gte=low, conversation_id__lt=beyond))


def _of_trade(rows: Messages, noun: str, number: int) -> Messages:
    """The whole conversation about an offer or a request."""
    asked = rows.filter(**{noun: number}).order_by()
    return rows.filter(conversation_id__in=asked.values("conversation_id"))


def tabs(path: str, filters: Filters, rows: Messages, refused: bool) -> list[dict[str, Any]]:
    """The quick filters; only the small sets are counted, and only so far."""
    found = [
        {
            "label": label,
            "url": filters.url(path, tab=name, state=None),
            "current": filters.tab == name,
            "count": narrow(rows).order_by()[:COUNT_TO].count() if name else None,
        }
        for name, (label, narrow) in TABS.items()
    ]
    if refused:
        current = filters.tab == REFUSED
        found.append({"label": "Refused", "url": f"{path}?tab={REFUSED}", "current": current, "count": None})
    return found


def counterparties_of(participant: Participant) -> QuerySet[Participant]:
    """Those with whom it shares a congestion point or a contract."""
    points = models.CongestionPoint.objects.of(participant)
    if participant.role == models.Role.AGR:
        shared = Q(congestion_points__in=points) | Q(contracts_as_dso__agr=participant)
    else:
        shared = Q(active_at__in=points) | Q(contracts_as_agr__dso=participant)
    return Participant.objects.filter(shared).exclude(pk=participant.pk).distinct().order_by("name", "pk")
