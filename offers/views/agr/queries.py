"""What the aggregator's pages ask of the database, each with all its parts in a fixed number of queries."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Prefetch, Q, QuerySet

from offers import figures
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
from offers.views.trades import position

OPEN_OFFERS = (OfferState.SENT, OfferState.ACCEPTED, OfferState.ORDERING)
UNFINISHED = (OfferState.DRAFT, *OPEN_OFFERS)
# What a row shows of an offer, and of what hangs on it.
PARTS = ("congestion_point", "message", "revocation", "flex_request")
POINT = ("name", "time_zone", "isp_duration")
MESSAGE = (
    *("state", "state_at", "created_at", "error", "attempts", "next_attempt_at", "lease_token"),
    *("wants_answer", "answer", "answer_reason", "answered_at"),
)
ORDER = (
    *("congestion_point", "period", "state", "state_at", "created_at", "order_reference", "option_reference"),
    *("activation_factor", "price", "currency", "isps", "option__position", "flex_offer__flex_request__isps"),
    *(f"congestion_point__{name}" for name in POINT),
)
ORDERED = ("flex_offer", "state", "option_reference", "activation_factor", "option__position")
SHOWN = (
    *(
        "congestion_point",
        "period",
        "state",
        "state_at",
        "reason",
        "expires_at",
        "send_at",
        "currency",
        "draft",
    ),
    *(f"congestion_point__{name}" for name in POINT),
    *(f"{part}__{name}" for part in ("message", "revocation") for name in MESSAGE),
    *(f"flex_request__{name}" for name in ("state", "expires_at", "isps")),
)


def offers(participant: Participant) -> QuerySet[FlexOffer]:
    """Offers with message, revocation, request, options and orders: all that a page of one shows."""
    orders = FlexOrder.objects.select_related("option")
    rows: QuerySet[FlexOffer] = FlexOffer.objects.of(participant)
    return (
        rows.select_related(
            "counterparty", "congestion_point", "message", "revocation", "flex_request", "contract"
        )
        .defer("message__sealed", "revocation__sealed")
        .prefetch_related("options", Prefetch("flex_orders", queryset=orders))
    )


def requests(participant: Participant) -> QuerySet[FlexRequest]:
    """Requests with the offers that answer them."""
    needed = ("flex_request", "state", "send_at", "message__state", "message__attempts")
    answers = FlexOffer.objects.select_related("message").only(*needed).order_by()
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


def as_order_rows(rows: QuerySet[FlexOrder]) -> QuerySet[FlexOrder]:
    """The same orders with no more than a row shows of them."""
    parts = ("congestion_point", "flex_offer__flex_request", "option")
    return rows.select_related(None).select_related(*parts).only(*ORDER)


def open_requests(participant: Participant, now: datetime) -> QuerySet[FlexRequest]:
    """Those that can still be answered, the first to close first."""
    found: QuerySet[FlexRequest] = FlexRequest.objects.of(participant).open_at(now)
    rows = as_request_rows(requests(participant))
    return rows.filter(pk__in=found.values("pk")).order_by("expires_at", "pk")


def desk_offers(participant: Participant, since: datetime, most: int) -> QuerySet[FlexOffer]:
    """What is not finished, and what was made since `since`.

    The keys come first, by one index each: asked at once the database would walk through all offers.
    """
    mine = FlexOffer.objects.of(participant).values_list("pk", flat=True)
    unfinished = mine.filter(state__in=UNFINISHED).order_by("expires_at")[:most]
    new = mine.filter(created_at__gte=since).order_by("-created_at", "-pk")[:most]
    keys = sorted({*unfinished, *new}, reverse=True)[:most]
    return as_rows(offers(participant)).filter(pk__in=keys).order_by("-pk")


def as_request_rows(rows: QuerySet[FlexRequest]) -> QuerySet[FlexRequest]:
    """The same requests with no more than a row shows of them."""
    shown = ("congestion_point", "period", "state", "revision", "expires_at", "isps")
    point = (f"congestion_point__{name}" for name in POINT)
    return rows.select_related(None).select_related("congestion_point").only(*shown, *point)


def as_rows(rows: QuerySet[FlexOffer]) -> QuerySet[FlexOffer]:
    """The same offers with no more than a row shows of them: most of the time goes into making rows."""
    orders = FlexOrder.objects.select_related("option").only(*ORDERED)
    found = rows.select_related(None).select_related(*PARTS).only(*SHOWN).prefetch_related(None)
    return found.prefetch_related(
        Prefetch("options", to_attr="read_options"),
        Prefetch("flex_orders", queryset=orders, to_attr="read_orders"),
    )


def live_orders(participant: Participant) -> QuerySet[FlexOrder]:
    return as_order_rows(orders(participant)).filter(state=OrderState.ACCEPTED)


class Promised(NamedTuple):
    """An accepted order: where, when and how much, and what was asked for."""

    congestion_point_id: int
    period: date
    isps: list[dict[str, Any]]
    price: Decimal
    asked: list[dict[str, Any]] | None
    zone: str
    isp_length: timedelta


def promised(participant: Participant, days: Q) -> list[Promised]:
    """Accepted orders with no more than is added up, as plain values: there may be thousands."""
    rows: QuerySet[FlexOrder] = FlexOrder.objects.of(participant).filter(days, state=OrderState.ACCEPTED)
    market = ("congestion_point__time_zone", "congestion_point__isp_duration")
    fields = ("congestion_point_id", "period", "isps", "price", "flex_offer__flex_request__isps", *market)
    return [Promised(*values) for values in rows.order_by().values_list(*fields)]


def standing(participant: Participant, days: Q, most: int) -> list[position.Offered]:
    """Open offers with no more than a position needs of them, the newest first."""
    rows: QuerySet[FlexOffer] = FlexOffer.objects.of(participant).filter(days, state__in=OPEN_OFFERS)
    found = list(rows.order_by("-pk").values_list("pk", "congestion_point_id", "period")[:most])
    powers: dict[int, list[dict[int, int]]] = {pk: [] for pk, _, _ in found}
    options = OfferOption.objects.filter(flex_offer__in=list(powers)).order_by("flex_offer", "position")
    for pk, isps in options.values_list("flex_offer_id", "isps"):
        powers[pk].append(figures.powers_of(isps))
    return [position.Offered(point, day, powers[pk]) for pk, point, day in found]


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
