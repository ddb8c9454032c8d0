"""Offers to review: the list, one offer with its options against the request, and what staff decide."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from offers import formats
from offers.domain import OfferState, OrderState
from offers.models import FlexOffer, FlexOrder, Membership, Message, MessageState, Participant, Right, Role
from offers.services import trading
from offers.uftp.currencies import to_minor_unit
from offers.views import lists, live, scope
from offers.views.trades import columns, space
from offers.views.trades import listing as listing_of
from offers.views.trades.filters import number_of, with_text
from offers.views.trades.options import OptionView
from offers.views.trades.rows import Chip, OfferRow, delivery_of

from . import history, queries, review
from .rows import ordered_per_day

WAITING = Q(state=OfferState.SENT, message__state=MessageState.PENDING)
FILTERS: Mapping[str, tuple[str, Q]] = {
    "": ("All", Q()),
    "waiting": ("Waiting for you", WAITING),
    "accepted": ("Accepted", Q(state=OfferState.ACCEPTED)),
    "ordering": ("Order sent", Q(state=OfferState.ORDERING)),
    "ordered": ("Ordered", Q(state=OfferState.ORDERED)),
    "rejected": ("Rejected", Q(state=OfferState.REJECTED)),
    "revoked": ("Revoked", Q(state=OfferState.REVOKED)),
    "expired": ("Expired", Q(state=OfferState.EXPIRED)),
}
REASONS = (
    "The need has changed; it is no longer wanted.",
    "The price is too high for the need that is left.",
    "The options do not cover the Requested ISPs well enough.",
    "The rebound would overload the congestion point.",
)


def offers_of(dso: Participant) -> QuerySet[FlexOffer]:
    """Offers with all that a page shows, in a fixed number of queries."""
    answers = Message.objects.defer("sealed").order_by("-pk")
    orders = FlexOrder.objects.select_related("option", "message").defer("message__sealed")
    rows: QuerySet[FlexOffer] = FlexOffer.objects.of(dso)
    return (
        rows.select_related(
            "owner", "counterparty", "congestion_point", "message", "revocation", "flex_request", "contract"
        )
        .defer("message__sealed", "revocation__sealed")
        .prefetch_related(
            "options",
            Prefetch("flex_orders", queryset=orders),
            Prefetch("message__answered_by", queryset=answers),
        )
    )


# What a row shows of an offer, and of what hangs on it.
SHOWN = (
    *("congestion_point", "period", "state", "state_at", "expires_at", "currency", "counterparty__name"),
    *("congestion_point__name", "congestion_point__time_zone", "congestion_point__isp_duration"),
    *("message__state", "message__answered_at", "flex_request__isps"),
)


def as_rows(rows: QuerySet[FlexOffer]) -> QuerySet[FlexOffer]:
    """The same offers with no more than a row shows of them: most of the time goes into making rows."""
    parts = ("counterparty", "congestion_point", "message", "flex_request")
    found = rows.select_related(None).select_related(*parts).only(*SHOWN)
    return found.prefetch_related(None).prefetch_related(Prefetch("options", to_attr="read_options"))


class ReviewRow(OfferRow):
    """An offer as the DSO sees it: what it waits for, and how far our answer got."""

    @property
    def waits(self) -> bool:
        message = self.offer.message
        return (
            self.offer.state == OfferState.SENT
            and message is not None
            and message.state == MessageState.PENDING
            and self.offer.is_valid_at(self.now)
        )

    @property
    def orderable(self) -> bool:
        return (self.waits or self.offer.state == OfferState.ACCEPTED) and self.offer.is_valid_at(self.now)

    @property
    def runs(self) -> bool:
        return self.offer.state in ("sent", "accepted", "ordering") and self.offer.expires_at is not None

    @property
    def done(self) -> bool:
        return self.offer.state in ("rejected", "revoked", "expired")

    @cached_property
    def best(self) -> OptionView | None:
        return review.best_of(self.offer, self.options)

    @property
    def answer(self) -> Chip:
        """What we said to the offer, and when."""
        at = self.offer.message.answered_at if self.offer.message is not None else None
        if self.waits:
            return Chip("queued", "Waits for you")
        return Chip(
            self.offer.state, "", at if self.offer.state == OfferState.ACCEPTED else self.offer.state_at
        )

    @property
    def answer_delivery(self) -> Chip | None:
        """How far our answer got."""
        message = self.offer.message
        said = next(iter(message.answered_by.all()), None) if message is not None else None
        return delivery_of(said, self.offer.congestion_point.time_zone)


@scope.page(Right.VIEW, Role.DSO)
@require_safe
def listing(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    now = timezone.now()
    rows = filtered(membership.participant, request)
    if lists.wants_csv(request):
        return listing_of.csv_of(rows, columns.of_offers("agr"), "offers.csv")
    dso = membership.participant
    cut = lists.slice_of(rows, request, read=as_rows(offers_of(dso)))
    context = {
        "offers": [ReviewRow(row, now) for row in cut.rows],
        "agrs": list(Participant.objects.filter(active_at__dso=dso).distinct()),
        **listing_of.around(request, cut, "offer", FILTERS, dso.congestion_points.all()),
    }
    return live.answer(request, membership, "dso/offers.html", "dso/_offers.html", context, now)


def filtered(dso: Participant, request: HttpRequest) -> QuerySet[FlexOffer]:
    rows = with_text(listing_of.narrowed(offers_of(dso), FILTERS, request), dso, request)
    agr = number_of(request, "agr")
    return rows.filter(counterparty=agr) if agr is not None else rows


@scope.page(Right.VIEW, Role.DSO)
@require_safe
def detail(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    now = timezone.now()
    offer = offers_of(membership.participant).get(pk=pk)
    row = ReviewRow(offer, now)
    seen = review.Review(offer, _shown(row), _factor_of(offer), bought_beside(offer))
    may_order = row.orderable and membership.may(Right.TRADE)
    point, day = offer.congestion_point, offer.period
    expiry = [(row.expires_at, "this offer expires")] if row.expires_at is not None else []
    context = {
        "row": row,
        "offer": offer,
        "point": point,
        "heading": space.heading(point, day, row.span, now),
        "under": review.under(seen, scope.url(membership, "dso-offer-order", pk) if may_order else ""),
        "steps": space.steps(point, day, [i["n"] for i in seen.isps], now, offer.flex_request, expiry),
        "timeline": history.of_offer(offer),
        "orders": list(offer.flex_orders.all()),
        "reasons": REASONS,
    }
    return live.answer(request, membership, "dso/offer.html", "dso/_offer.html", context, now)


def bought_beside(offer: FlexOffer) -> dict[int, int]:
    """What all other orders for the point and day of an offer give, in watts per ISP."""
    others = queries.live_orders(offer.owner, [offer.period]).filter(congestion_point=offer.congestion_point)
    found = ordered_per_day(others.exclude(flex_offer=offer))
    return found.get((offer.congestion_point_id, offer.period), {})


def _live_order(offer: FlexOffer) -> FlexOrder | None:
    live_states = (OrderState.SENT, OrderState.ACCEPTED)
    return next((order for order in offer.flex_orders.all() if order.state in live_states), None)


def _shown(row: ReviewRow) -> OptionView | None:
    """The ordered option; before there is one, the best; of an offer that is over, none."""
    order = _live_order(row.offer)
    if order is not None and order.option is not None:
        return row.options[order.option.position]
    return None if row.done else review.best_of(row.offer, row.options)


def _factor_of(offer: FlexOffer) -> Decimal:
    order = _live_order(offer)
    return order.factor if order is not None else Decimal(1)


# --- what staff decide -----------------------------------------------------------------------------------


@scope.page(Right.TRADE, Role.DSO)
@require_POST
def accept(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    trading.accept_offer(membership.participant, pk, by=membership.user, now=timezone.now())
    messages.success(request, f"O-{pk} is accepted. It is not ordered yet.")
    return redirect(scope.url(membership, "dso-offer", pk))


@scope.page(Right.TRADE, Role.DSO)
@require_POST
def reject(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    words = " ".join(
        part.strip() for part in (request.POST.get("standard", ""), request.POST.get("text", ""))
    )
    try:
        trading.reject_offer(membership.participant, pk, words[:900], by=membership.user, now=timezone.now())
    except trading.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"O-{pk} is rejected. The aggregator is told why.")
    return redirect(scope.url(membership, "dso-offer", pk))


@scope.page(Right.TRADE, Role.DSO)
@require_http_methods(["GET", "POST"])
def order(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The page that asks once more, with the money and the power that the order means; then it is placed."""
    now = timezone.now()
    offer = offers_of(membership.participant).get(pk=pk)
    row = ReviewRow(offer, now)
    asked = request.POST if request.method == "POST" else request.GET
    option, typed = _option_of(row, asked.get("option", "")), asked.get("factor", "1.00")
    if option is None:
        return redirect(scope.url(membership, "dso-offer", pk))
    factor = read_factor(typed)
    reasons: list[Any] = []
    if request.method == "POST" and factor is not None:
        try:
            placed = trading.order(
                membership.participant, pk, option.reference, factor, by=membership.user, now=now
            )
        except trading.Refused as error:
            reasons = error.reasons
        else:
            messages.success(request, _on_its_way(placed, option))
            return redirect(scope.url(membership, "dso-order", placed.pk))
    context = _order_context(row, option, factor, typed, now)
    status = 422 if request.method == "POST" else 200
    return scope.render(
        request, membership, "dso/order_form.html", {**context, "reasons": reasons}, status=status, now=now
    )


def _on_its_way(placed: FlexOrder, option: OptionView) -> str:
    price = formats.amount(placed.price, placed.currency)
    what = f"{option.letter} × {formats.grouped(placed.factor, 2)} for {price}"
    return f"Order {placed.order_reference}, {what}, is signed and on its way. Accepted it binds."


def read_factor(text: str) -> Decimal | None:
    """The activation factor as typed; a comma counts as a point. None when it is no such number."""
    try:
        factor = Decimal(text.strip().replace(",", ".")[:12])
    except InvalidOperation:
        return None
    return (
        factor
        if factor.is_finite() and Decimal("0.01") <= factor <= 1 and factor == round(factor, 2)
        else None
    )


def _option_of(row: OfferRow, text: str) -> OptionView | None:
    """The option that the address names by its place, from 1."""
    place = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    return row.options[place - 1] if 1 <= place <= len(row.options) else None


def _price(option: OptionView, factor: Decimal) -> Decimal | None:
    """What is paid at the factor, as the order will say it (D7)."""
    if option.price is None or factor == 1:
        return option.price
    return to_minor_unit(option.price * factor, option.currency)


def _order_context(
    row: ReviewRow, option: OptionView, factor: Decimal | None, typed: str, now: datetime
) -> dict[str, Any]:
    offer = row.offer
    wrong = factor is None or factor < (option.min_factor or Decimal(1))
    shown = Decimal(1) if factor is None or wrong else factor  # an impossible one shows the whole option
    seen = review.Review(offer, option, shown, bought_beside(offer))
    powers = seen.taken
    peak = max(powers.values(), key=abs, default=0)
    return {
        "row": row,
        "offer": offer,
        "option": option,
        "typed": typed,
        "factor": factor,
        "shown_factor": shown,
        "wrong_factor": wrong,
        "price": _price(option, shown),
        "peak": peak,
        "verb": f"use up to {formats.load(abs(peak))} kW {'more' if peak > 0 else 'less'}",
        "heading": space.heading(offer.congestion_point, offer.period, row.span, now),
        "lines": review.per_isp(seen),
        "sums": review.in_all(seen),
        "point": offer.congestion_point,
    }
