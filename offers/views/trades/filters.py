"""Filters that stand in the address of a list, the same for requests, offers and orders."""

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest

from offers.models import FlexOffer, OfferOption

Row = TypeVar("Row", bound=Model)


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


def with_text(rows: QuerySet[FlexOffer], request: HttpRequest) -> QuerySet[FlexOffer]:
    """Offers by number (O-12), by the beginning of their MessageID, or by an OptionReference."""
    text = request.GET.get("q", "").strip()[:100]
    if not text or "\0" in text:  # PostgreSQL has no NUL in texts
        return rows
    number = text.removeprefix("O-").removeprefix("o-")
    named = OfferOption.objects.filter(flex_offer=OuterRef("pk"), option_reference__icontains=text)
    wanted = Q(message__message_id__startswith=text.lower()) | Exists(named)
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        return rows.filter(wanted)
    return rows.filter(pk=int(number)) if number != text else rows.filter(Q(pk=int(number)) | wanted)


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
