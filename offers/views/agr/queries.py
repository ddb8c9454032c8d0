"""What the aggregator's pages ask of the database, each with all its parts in a fixed number of queries."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet

from offers.domain import OfferState, OrderState
from offers.models import (
    CongestionPoint,
    FlexOffer,
    FlexOrder,
    FlexRequest,
    MessageState,
    OfferOption,
    Participant,
)

OPEN_OFFERS = (OfferState.SENT, OfferState.ACCEPTED, OfferState.ORDERING)
UNFINISHED = (OfferState.DRAFT, *OPEN_OFFERS)


def offers(participant: Participant) -> QuerySet[FlexOffer]:
    """Offers with message, revocation, request, options and orders."""
    orders = FlexOrder.objects.select_related("option")
    rows: QuerySet[FlexOffer] = FlexOffer.objects.of(participant)
    return (
        rows.select_related(
            "owner", "counterparty", "congestion_point", "message", "revocation", "flex_request", "contract"
        )
        .defer("message__sealed", "revocation__sealed")
        .prefetch_related("options", Prefetch("flex_orders", queryset=orders))
    )


def requests(participant: Participant) -> QuerySet[FlexRequest]:
    """Requests with the offers that answer them."""
    answers = FlexOffer.objects.select_related("message").defer("message__sealed", "draft").order_by()
    rows: QuerySet[FlexRequest] = FlexRequest.objects.of(participant)
    return (
        rows.select_related("counterparty", "congestion_point", "message", "contract")
        .defer("message__sealed")
        .prefetch_related(Prefetch("flex_offers", queryset=answers))
    )


def orders(participant: Participant) -> QuerySet[FlexOrder]:
    rows: QuerySet[FlexOrder] = FlexOrder.objects.of(participant)
    return rows.select_related(
        "counterparty", "congestion_point", "message", "flex_offer", "flex_offer__flex_request", "option"
    ).defer("message__sealed", "flex_offer__draft")


def open_requests(participant: Participant, now: datetime) -> QuerySet[FlexRequest]:
    """Those that can still be answered, the first to close first."""
    found: QuerySet[FlexRequest] = FlexRequest.objects.of(participant).open_at(now)
    return requests(participant).filter(pk__in=found.values("pk")).order_by("expires_at", "pk")


def desk_offers(participant: Participant, since: datetime, most: int) -> QuerySet[FlexOffer]:
    """What is not finished, and what was made since `since`.

    The keys come first, by one index each: asked at once the database would walk through all offers.
    """
    mine = FlexOffer.objects.of(participant).values_list("pk", flat=True)
    unfinished = mine.filter(state__in=UNFINISHED).order_by("expires_at")[:most]
    new = mine.filter(created_at__gte=since).order_by("-created_at", "-pk")[:most]
    keys = sorted({*unfinished, *new}, reverse=True)[:most]
    return offers(participant).filter(pk__in=keys).order_by("-pk")


def live_orders(participant: Participant) -> QuerySet[FlexOrder]:
    return orders(participant).filter(state=OrderState.ACCEPTED)


def promised(participant: Participant) -> QuerySet[FlexOrder]:
    """Accepted orders with no more than a position needs of them."""
    rows: QuerySet[FlexOrder] = FlexOrder.objects.of(participant).filter(state=OrderState.ACCEPTED)
    return rows.only("congestion_point_id", "period", "isps").order_by()


def promised_with_need(participant: Participant) -> QuerySet[FlexOrder]:
    """The same, with the price and what was asked for: enough to add up energy and money."""
    point = ("congestion_point__time_zone", "congestion_point__isp_duration")
    fields = ("period", "isps", "price", "flex_offer__flex_request__isps", *point)
    return promised(participant).select_related("congestion_point", "flex_offer__flex_request").only(*fields)


def standing(participant: Participant) -> QuerySet[FlexOffer]:
    """Open offers with no more than a position needs of them."""
    rows: QuerySet[FlexOffer] = FlexOffer.objects.of(participant).filter(state__in=OPEN_OFFERS)
    powers = OfferOption.objects.only("flex_offer_id", "isps")
    parts = rows.only("congestion_point_id", "period").prefetch_related(Prefetch("options", queryset=powers))
    return parts.order_by("-pk")


def points(participant: Participant) -> QuerySet[CongestionPoint]:
    rows: QuerySet[CongestionPoint] = CongestionPoint.objects.of(participant)
    return rows.select_related("dso")


OFFER_FILTERS: Mapping[str, tuple[str, Q]] = {
    "": ("All", Q()),
    "draft": ("Draft", Q(state=OfferState.DRAFT)),
    "queued": ("Queued", Q(state=OfferState.SENT, message__state=MessageState.QUEUED)),
    "unanswered": ("No answer", Q(state=OfferState.SENT, message__state=MessageState.DELIVERED)),
    "accepted": ("Accepted", Q(state=OfferState.ACCEPTED)),
    "ordered": ("Ordered", Q(state=OfferState.ORDERED)),
    "rejected": ("Rejected", Q(state=OfferState.REJECTED)),
    "failed": ("Failed", Q(state=OfferState.FAILED)),
    "expired": ("Expired", Q(state=OfferState.EXPIRED)),
    "revoked": ("Revoked", Q(state=OfferState.REVOKED)),
}
