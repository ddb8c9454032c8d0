"""Filters that stand in the address of a list, the same for requests, offers and orders."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from offers.models import FlexOffer, Message, OfferOption, Participant

Row = TypeVar("Row", bound=Model)

ID = re.compile(r"[0-9a-fA-F]{8}[0-9a-fA-F-]{0,28}")  # how a MessageID begins
NEWEST = 10_000  # offers whose words are looked through; all of them would take seconds
MOST = 1_000  # that are found by their words


def by_place(rows: "QuerySet[Row]", request: HttpRequest) -> "QuerySet[Row]":
    """Only those of the congestion point and the day that the address asks for."""
    if (point := number_of(request, "point")) is not None:
        rows = rows.filter(congestion_point=point)
    if (day := day_of(request)) is not None:
        rows = rows.filter(period=day)
    return rows


def number_of(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def day_of(request: HttpRequest) -> date | None:
    """The day that a list is asked for; what is no day asks for none."""
    try:
        return date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return None


def with_text(
    rows: QuerySet[FlexOffer], participant: Participant, request: HttpRequest
) -> QuerySet[FlexOffer]:
    """Offers by number (O-12), by the beginning of their MessageID, or by words of an OptionReference."""
    text = request.GET.get("q", "").strip()[:100]
    if not text or "\0" in text:  # PostgreSQL has no NUL in texts
        return rows
    number = text.removeprefix("O-").removeprefix("o-")
    is_number = number.isascii() and number.isdigit() and len(number) < 18
    if is_number and number != text:
        return rows.filter(pk=int(number))
    mine: QuerySet[FlexOffer] = FlexOffer.objects.of(participant).order_by()
    found = set(_with_words(mine, text).values_list("pk", flat=True))
    if ID.fullmatch(text):
        found |= set(mine.filter(message__in=_beginning(participant, text)).values_list("pk", flat=True))
    return rows.filter(pk__in=found | {int(number)} if is_number else found)


def _with_words(offers: QuerySet[FlexOffer], text: str) -> QuerySet[FlexOffer]:
    """Of the newest only: no index finds words inside of a text."""
    oldest = offers.order_by("-pk").values_list("pk", flat=True)[NEWEST : NEWEST + 1].first() or 0
    named = OfferOption.objects.filter(flex_offer_id__gt=oldest, option_reference__icontains=text)
    found = offers.filter(pk__gt=oldest, pk__in=named.order_by().values("flex_offer_id"))
    return found.order_by("-pk")[:MOST]


def _beginning(participant: Participant, text: str) -> QuerySet[Message]:
    low = text.lower()
    beyond = low + "g"  # after every ID that begins like this
    return Message.objects.of(participant).order_by().filter(message_id__gte=low, message_id__lt=beyond)


def is_filtered(request: HttpRequest) -> bool:
    return any(request.GET.get(name) for name in ("state", "point", "day", "agr", "q", "before", "after"))


def tabs(filters: Mapping[str, tuple[str, Q]], request: HttpRequest) -> list[dict[str, Any]]:
    """States as tabs; the other filters stay as they are."""
    current = request.GET.get("state", "")
    found = []
    for key, (label, _) in filters.items():
        query = request.GET.copy()
        for name in ("before", "after", "format", "state"):
            query.pop(name, None)
        if key:
            query["state"] = key
        found.append(
            {"label": label, "url": f"?{query.urlencode()}", "current": key == current, "count": None}
        )
    return found


def counted(number: int, noun: str) -> str:
    """1 offer, 2 offers."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
