"""Our offers: the list with filters, one with its timeline, and revoking one or many."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from offers import formats
from offers.models import FlexOffer, Membership, Participant, Right, Role
from offers.services import trading
from offers.views import lists, live, scope
from offers.views.trades import columns, space, timeline
from offers.views.trades import listing as listing_of
from offers.views.trades.filters import with_text
from offers.views.trades.rows import Chip, OfferRow, delivery_of

from . import queries

MOST_AT_ONCE = 200


@scope.page(Right.VIEW, Role.AGR)
@require_safe
def listing(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    now = timezone.now()
    rows = filtered(membership.participant, request)
    if lists.wants_csv(request):
        return listing_of.csv_of(rows, COLUMNS, "offers.csv")
    cut = lists.slice_of(rows, request, read=queries.as_rows(queries.offers(membership.participant)))
    around = listing_of.around(
        request, cut, "offer", queries.OFFER_FILTERS, queries.points(membership.participant)
    )
    context = {"offers": [OfferRow(row, now) for row in cut.rows], **around}
    return live.answer(request, membership, "agr/offers.html", "agr/_offers.html", context, now)


def filtered(agr: Participant, request: HttpRequest) -> QuerySet[FlexOffer]:
    rows = listing_of.narrowed(queries.offers(agr), queries.OFFER_FILTERS, request)
    return with_text(rows, agr, request)


COLUMNS = columns.of_offers("dso")


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
        except scope.NOT_NOW as error:
            left.append(f"O-{pk} is not revoked: {error}")
    return done, left
