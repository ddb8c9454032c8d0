"""What the DSO's pages ask of the database about requests, each in a fixed number of queries."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, Prefetch, Q, QuerySet

from offers import domain
from offers.domain import OrderState, RequestState
from offers.models import CongestionPoint, FlexOffer, FlexOrder, FlexRequest, OfferOption, Participant

RECENT = timedelta(hours=24)
AHEAD = timedelta(days=14)
OPTION = ("flex_offer", "position", "option_reference", "price", "min_activation_factor", "isps")
FORECASTS = 10  # the latest of a point, among which one fits the number of ISPs of a day


def requests(dso: Participant) -> QuerySet[FlexRequest]:
    """Requests, one row an AGR, with the offers that came in on them."""
    powers = OfferOption.objects.only(*OPTION).order_by("flex_offer", "position")
    answers = (
        FlexOffer.objects.select_related("counterparty", "congestion_point")
        .only("flex_request", "state", "currency", "counterparty__name", "congestion_point__isp_duration")
        .prefetch_related(Prefetch("options", queryset=powers, to_attr="read_options"))
        .order_by("-pk")
    )
    rows: QuerySet[FlexRequest] = FlexRequest.objects.of(dso)
    return (
        rows.select_related("counterparty", "congestion_point", "message", "contract")
        .defer("message__sealed")
        .prefetch_related(Prefetch("flex_offers", queryset=answers))
    )


def groups(dso: Participant) -> QuerySet[FlexRequest]:
    """One row for each group: its first, which has the key by which a list is cut."""
    earlier = FlexRequest.objects.filter(
        owner=OuterRef("owner"), group=OuterRef("group"), pk__lt=OuterRef("pk")
    )
    rows: QuerySet[FlexRequest] = FlexRequest.objects.of(dso)
    return rows.filter(~Exists(earlier))


def with_state(rows: QuerySet[FlexRequest], dso: Participant, wanted: Q) -> QuerySet[FlexRequest]:
    """Groups in which the request to any AGR is in one of a few states that few requests are in."""
    return rows.filter(group__in=FlexRequest.objects.of(dso).filter(wanted).values("group"))


def with_common_state(rows: QuerySet[FlexRequest], wanted: Q) -> QuerySet[FlexRequest]:
    """The same for states in which most requests end: looked up row by row, from the newest."""
    members = FlexRequest.objects.filter(wanted, owner=OuterRef("owner"), group=OuterRef("group"))
    return rows.filter(Exists(members))


def members(dso: Participant, keys: Iterable[UUID]) -> dict[UUID, list[FlexRequest]]:
    """The rows of groups, in the order of the keys."""
    found: dict[UUID, list[FlexRequest]] = {key: [] for key in keys}
    for row in requests(dso).filter(group__in=list(found)).order_by("counterparty__name", "pk"):
        found[row.group].append(row)
    return found


def desk_groups(dso: Participant, now: datetime, most: int) -> list[UUID]:
    """Groups that can still be answered, the first to close first; then drafts of days that are not over."""
    rows: QuerySet[FlexRequest] = FlexRequest.objects.of(dso)
    running = rows.filter(state__in=domain.OPEN_REQUEST_STATES, expires_at__gt=now)
    drafts = rows.filter(state=RequestState.DRAFT, period__gte=_yesterday(now)).order_by("-group")
    found = [
        *running.order_by("expires_at", "group").distinct().values_list("group", "expires_at")[:most],
        *drafts.distinct().values_list("group", "state")[:most],
    ]
    return list(dict.fromkeys(group for group, _ in found))


def _yesterday(now: datetime) -> date:
    """A day that is over in every zone."""
    return now.date() - timedelta(days=1)


def troubled(dso: Participant, now: datetime) -> QuerySet[FlexRequest]:
    """Requests that run and are not accepted, unless a newer one to the same AGR took their place."""
    states = [RequestState.SENT, RequestState.REJECTED, RequestState.FAILED]
    newer = FlexRequest.objects.filter(
        owner=OuterRef("owner"),
        counterparty=OuterRef("counterparty"),
        congestion_point=OuterRef("congestion_point"),
        period=OuterRef("period"),
        revision__gt=OuterRef("revision"),
    ).exclude(state=RequestState.DRAFT)
    rows: QuerySet[FlexRequest] = FlexRequest.objects.of(dso)
    return (
        rows.filter(~Exists(newer), state__in=states, expires_at__gt=now)
        .select_related("counterparty", "congestion_point", "message")
        .defer("message__sealed")
        .order_by("expires_at", "pk")
    )


def troubled_orders(dso: Participant, now: datetime) -> QuerySet[FlexOrder]:
    """Orders of ours that hang, and those of the last day that came to nothing."""
    lost = Q(state__in=[OrderState.FAILED, OrderState.REJECTED], state_at__gt=now - RECENT)
    bought = FlexOrder.objects.filter(
        flex_offer=OuterRef("flex_offer"), state__in=[OrderState.SENT, OrderState.ACCEPTED]
    )
    rows: QuerySet[FlexOrder] = FlexOrder.objects.of(dso)
    return (
        rows.filter(Q(state=OrderState.SENT) | (lost & ~Exists(bought)), period__gte=_yesterday(now))
        .select_related("counterparty", "congestion_point", "message")
        .defer("message__sealed")
        .order_by("-pk")
    )


def points(dso: Participant) -> QuerySet[CongestionPoint]:
    rows: QuerySet[CongestionPoint] = CongestionPoint.objects.filter(dso=dso)
    return rows.prefetch_related(Prefetch("agrs", queryset=Participant.objects.filter(barred=False)))


def forecasts(dso: Participant, days: Sequence[date], now: datetime) -> list[FlexRequest]:
    """The latest request with a forecast for each point and day; asked at most two weeks ahead."""
    sent = [state for state in RequestState if state != RequestState.DRAFT]
    rows = FlexRequest.objects.of(dso).filter(state__in=sent, expires_at__gt=now - AHEAD, period__in=days)
    latest = rows.exclude(forecast_w={}).order_by().values("congestion_point", "period")
    return list(FlexRequest.objects.filter(pk__in=latest.annotate(latest=Max("pk")).values("latest")))


def running(dso: Participant, point: CongestionPoint, day: date, now: datetime) -> FlexRequest | None:
    """The request that one for the same point and day would take the place of."""
    rows = FlexRequest.objects.of(dso).open_at(now).filter(congestion_point=point, period=day)
    found: FlexRequest | None = rows.order_by("-revision", "pk").first()
    return found


def last_forecast(dso: Participant, point: CongestionPoint, count: int) -> dict[int, int]:
    """The forecast of the point's latest request that has one for a day of `count` ISPs."""
    rows = FlexRequest.objects.of(dso).filter(congestion_point=point).exclude(forecast_w={})
    for known in rows.order_by("-pk").values_list("forecast_w", flat=True)[:FORECASTS]:
        if len(known) == count and max(map(int, known)) == count:
            return {int(n): watts for n, watts in known.items()}
    return {}


def live_orders(dso: Participant, days: Sequence[date]) -> QuerySet[FlexOrder]:
    rows: QuerySet[FlexOrder] = FlexOrder.objects.of(dso)
    live = rows.filter(period__in=days, state__in=[OrderState.SENT, OrderState.ACCEPTED])
    return live.only("congestion_point", "period", "isps").order_by()
