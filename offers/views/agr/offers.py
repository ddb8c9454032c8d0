"""Our offers: the list with filters, one with its timeline, and revoking one or many."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from offers import domain, formats
from offers.models import FlexOffer, Membership, Right, Role
from offers.services import trading
from offers.views import lists, live, scope
from offers.views.trades import space, timeline
from offers.views.trades.filters import by_place, counted, is_filtered, tabs
from offers.views.trades.rows import Chip, OfferRow, delivery_of

from . import queries

MOST_AT_ONCE = 200


@scope.page(Right.VIEW, Role.AGR)
@require_safe
def listing(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    now = timezone.now()
    rows = filtered(queries.offers(membership.participant), request)
    if lists.wants_csv(request):
        wanted = rows.order_by("-pk")[: lists.CSV_LIMIT]
        return lists.csv_of(wanted.iterator(chunk_size=500), COLUMNS, "offers.csv")
    cut = lists.slice_of(rows, request)
    context = {
        "offers": [OfferRow(row, now) for row in cut.rows],
        "slice": cut,
        "shown": counted(len(cut.rows), "offer"),
        "tabs": tabs(queries.OFFER_FILTERS, request),
        "points": list(queries.points(membership.participant)),
        "csv_url": lists.csv_url(request),
        "filters": request.GET,
        "is_filtered": is_filtered(request),
    }
    return live.answer(request, membership, "agr/offers.html", "agr/_offers.html", context, now)


def filtered(rows: QuerySet[FlexOffer], request: HttpRequest) -> QuerySet[FlexOffer]:
    state = queries.OFFER_FILTERS.get(request.GET.get("state", ""), queries.OFFER_FILTERS[""])
    rows = by_place(rows.filter(state[1]), request)
    text = request.GET.get("q", "").strip()[:100]
    return queries.with_text(rows, text) if text and "\0" not in text else rows


def _row(offer: FlexOffer) -> OfferRow:
    return OfferRow(offer, offer.created_at)


COLUMNS: list[tuple[str, Any]] = [
    ("offer", str),
    ("message_id", lambda row: row.message.message_id if row.message else ""),
    ("request", lambda row: str(row.flex_request) if row.flex_request else ""),
    ("congestion_point", lambda row: row.congestion_point.entity_address),
    ("dso", lambda row: row.counterparty.domain),
    ("day", lambda row: row.period.isoformat()),
    ("state", lambda row: row.state),
    ("delivery", lambda row: row.message.state if row.message else ""),
    ("expires_at", lambda row: formats.iso(row.expires_at) if row.expires_at else ""),
    ("options", lambda row: _row(row).letters),
    ("peak_w", lambda row: _row(row).peak_w),
    ("least_price", lambda row: (_row(row).prices or ("", ""))[0]),
    ("greatest_price", lambda row: (_row(row).prices or ("", ""))[1]),
    ("currency", lambda row: row.currency),
    ("reason", lambda row: row.reason),
]


@scope.page(Right.VIEW, Role.AGR)
@require_safe
def detail(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    now = timezone.now()
    offer = queries.offers(membership.participant).get(pk=pk)
    row = OfferRow(offer, now)
    asked, point, day = offer.flex_request, offer.congestion_point, offer.period
    numbers = space.numbers_of(asked, row.options)
    expiry = [(row.expires_at, "this offer expires")] if row.expires_at is not None else []
    context = {
        "row": row,
        "offer": offer,
        "point": point,
        "heading": space.heading(point, day, row.span, now),
        "chart": space.chart(point, day, asked, row.options),
        "steps": space.steps(point, day, numbers, now, asked, expiry),
        "revocation": revocation_chips(offer),
        "timeline": timeline.of_offer(offer),
        "orders": list(offer.flex_orders.all()),
        "planned": planned_text(offer),
    }
    return live.answer(request, membership, "agr/offer.html", "agr/_offer.html", context, now)


def planned_text(offer: FlexOffer) -> str:
    """The planned time as a datetime-local field holds it."""
    if offer.send_at is None:
        return ""
    zone = formats.zone_info(offer.congestion_point.time_zone)
    return offer.send_at.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def revocation_chips(offer: FlexOffer) -> list[Chip]:
    """How far the revocation got and what was said to it: two chips, as for the offer itself."""
    message = offer.revocation
    delivery = delivery_of(message, offer.congestion_point.time_zone)
    if message is None or delivery is None:
        return []
    answer = [Chip(message.answer, "", message.answered_at)] if message.answer else []
    return [delivery, *answer]


# --- revoking --------------------------------------------------------------------------------------


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def revoke(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    trading.revoke(membership.participant, pk, by=membership.user, now=timezone.now())
    messages.success(request, f"O-{pk} is revoked. An order for it is refused from now on.")
    return redirect(scope.url(membership, "agr-offer", pk))


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def revoke_many(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Each for itself: one that is ordered in the meantime does not keep the others."""
    wanted = [int(text) for text in request.POST.getlist("offer")[:MOST_AT_ONCE] if _is_key(text)]
    done, left = _revoke_all(membership, wanted, timezone.now())
    if done:
        messages.success(request, f"{_count(done)} revoked: {', '.join(f'O-{pk}' for pk in done)}.")
    for sentence in left:
        messages.error(request, sentence)
    if not wanted:
        messages.warning(request, "Nothing was revoked: tick the offers first.")
    return redirect(f"{scope.url(membership, 'agr-offers')}?{request.POST.get('back', '')[:500]}")


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 18


def _count(keys: Iterable[int]) -> str:
    n = len(list(keys))
    return "1 offer is" if n == 1 else f"{n} offers are"


def _revoke_all(membership: Membership, keys: Iterable[int], now: datetime) -> tuple[list[int], list[str]]:
    done, left = [], []
    for pk in keys:
        try:
            trading.revoke(membership.participant, pk, by=membership.user, now=now)
            done.append(pk)
        except FlexOffer.DoesNotExist:
            left.append(f"O-{pk} does not exist.")
        except domain.IllegalMove as error:
            left.append(f"O-{pk} is not revoked: {error}")
    return done, left
