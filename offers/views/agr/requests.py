"""Requests that DSOs sent us: the list, and one with its power space and our offers on it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from offers import formats
from offers.domain import RequestState
from offers.models import FlexRequest, Membership, Right, Role
from offers.views import lists, live, scope
from offers.views.trades import listing as listing_of
from offers.views.trades import space
from offers.views.trades.filters import number_of
from offers.views.trades.rows import OfferRow, RequestRow

from . import queries

FILTERS: Mapping[str, tuple[str, Q]] = {
    "": ("Open", Q(state__in=["sent", "accepted"])),
    "superseded": ("Superseded", Q(state="superseded")),
    "expired": ("Expired", Q(state="expired")),
    "rejected": ("Rejected", Q(state="rejected")),
    "all": ("All", Q()),
}
OVERLAID = 5
CLOSED, SUPERSEDED = "This request is closed.", "A newer revision has taken its place."


@scope.page(Right.VIEW, Role.AGR)
@require_safe
def listing(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    now = timezone.now()
    rows = listing_of.narrowed(queries.requests(membership.participant), FILTERS, request)
    if lists.wants_csv(request):
        return listing_of.csv_of(rows, COLUMNS, "requests.csv")
    cut = lists.slice_of(queries.as_request_rows(rows), request)
    around = listing_of.around(request, cut, "request", FILTERS, queries.points(membership.participant))
    context = {"requests": [RequestRow(row, now) for row in cut.rows], **around}
    return live.answer(request, membership, "agr/requests.html", "agr/_requests.html", context, now)


COLUMNS: list[tuple[str, Any]] = [
    ("request", str),
    ("message_id", lambda row: row.message.message_id if row.message else ""),
    ("congestion_point", lambda row: row.congestion_point.entity_address),
    ("dso", lambda row: row.counterparty.domain),
    ("day", lambda row: row.period.isoformat()),
    ("revision", lambda row: row.revision),
    ("state", lambda row: row.state),
    ("expires_at", lambda row: formats.iso(row.expires_at) if row.expires_at else ""),
    ("contract_id", lambda row: row.contract.contract_id if row.contract else ""),
    ("first_isp", lambda row: (_span(row) or ("", ""))[0]),
    ("last_isp", lambda row: (_span(row) or ("", ""))[1]),
    ("peak_w", lambda row: RequestRow(row, row.created_at).peak_w),
]


def _span(row: FlexRequest) -> tuple[int, int] | None:
    return RequestRow(row, row.created_at).span


@scope.page(Right.VIEW, Role.AGR)
@require_safe
def detail(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    now = timezone.now()
    found = queries.requests(membership.participant).get(pk=pk)
    mine = queries.offers(membership.participant).filter(flex_request=found).order_by()
    answers = sorted((OfferRow(row, now) for row in mine), key=lambda answer: -answer.offer.pk)
    row = RequestRow(found, now)
    shown = shown_offer(request, answers)
    views = shown.options[:OVERLAID] if shown else []
    point, day = found.congestion_point, found.period
    numbers = space.numbers_of(found, [])
    expiries = space.expiry_steps([a.offer for a in answers if a.runs])
    context = {
        "row": row,
        "flex_request": found,
        "point": point,
        "heading": space.heading(point, day, row.span, now),
        "answers": answers,
        "shown": shown,
        "chart": space.chart(point, day, found, views),
        "steps": space.steps(point, day, numbers, now, found, expiries),
        "newer": newer_revision(found, now),
        "closed": closed_words(found),
    }
    return live.answer(request, membership, "agr/request.html", "agr/_request.html", context, now)


def shown_offer(request: HttpRequest, answers: list[OfferRow]) -> OfferRow | None:
    """The offer over the power space: the one that is asked for, else the one that matters most."""
    wanted = number_of(request, "offer")
    asked = next((row for row in answers if row.offer.pk == wanted), None)
    standing = [row for row in answers if not row.done]
    return asked or next(iter(standing or answers), None)


def closed_words(row: FlexRequest) -> str:
    return SUPERSEDED if row.state == RequestState.SUPERSEDED else CLOSED


def newer_revision(row: FlexRequest | None, now: datetime) -> RequestRow | None:
    """What the DSO asks for now instead; a revision that was refused replaced nothing."""
    if row is None or row.state != RequestState.SUPERSEDED:
        return None
    same = FlexRequest.objects.filter(
        owner=row.owner_id,
        counterparty=row.counterparty_id,
        congestion_point=row.congestion_point_id,
        period=row.period,
        revision__gt=row.revision,
    ).exclude(state=RequestState.REJECTED)
    newest = same.select_related("congestion_point").order_by("-revision").first()
    return RequestRow(newest, now) if newest is not None else None
