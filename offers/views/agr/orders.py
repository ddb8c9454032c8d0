"""What was ordered from us: the list, one order per ISP, and the schedule as CSV."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from offers import formats
from offers.models import FlexOrder, Membership, Participant, Right, Role
from offers.views import lists, live, scope
from offers.views.trades import position, space, timeline
from offers.views.trades.filters import by_place, counted, day_of, is_filtered, number_of, tabs
from offers.views.trades.promised import as_option, lines_of, schedule_csv
from offers.views.trades.rows import OrderRow

from . import queries

FILTERS: Mapping[str, tuple[str, Q]] = {
    "": ("All", Q()),
    "accepted": ("Accepted", Q(state="accepted")),
    "rejected": ("Rejected", Q(state="rejected")),
    "failed": ("Failed", Q(state="failed")),
}
MOST_IN_SCHEDULE = 5_000


@scope.page(Right.VIEW, Role.AGR)
@require_safe
def listing(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    now = timezone.now()
    rows = filtered(queries.orders(membership.participant), request)
    if lists.wants_csv(request):
        wanted = rows.order_by("-pk")[: lists.CSV_LIMIT]
        return lists.csv_of(wanted.iterator(chunk_size=500), COLUMNS, "orders.csv")
    if request.GET.get("format") == "schedule":
        promised = rows.filter(state="accepted").order_by("period", "pk")[:MOST_IN_SCHEDULE]
        return schedule_csv(promised.iterator(chunk_size=500), "schedule.csv")
    cut = lists.slice_of(rows, request)
    context = {
        "orders": [OrderRow(row) for row in cut.rows],
        "slice": cut,
        "shown": counted(len(cut.rows), "order"),
        "tabs": tabs(FILTERS, request),
        "points": list(queries.points(membership.participant)),
        "csv_url": lists.csv_url(request),
        "schedule_url": lists.csv_url(request).replace("format=csv", "format=schedule"),
        "filters": request.GET,
        "is_filtered": is_filtered(request),
        "position_keys": position.KEYS,
        "positions": promised_on(membership.participant, request),
    }
    return live.answer(request, membership, "agr/orders.html", "agr/_orders.html", context, now)


def filtered(rows: QuerySet[FlexOrder], request: HttpRequest) -> QuerySet[FlexOrder]:
    state = FILTERS.get(request.GET.get("state", ""), FILTERS[""])
    return by_place(rows.filter(state[1]), request)


def promised_on(agr: Participant, request: HttpRequest) -> list[position.Position]:
    """What is promised and offered per point, on the day that is asked for or today and tomorrow."""
    now = timezone.now()
    points = list(queries.points(agr))
    wanted = number_of(request, "point")
    points = [point for point in points if wanted in (None, point.pk)]
    days = [asked] if (asked := day_of(request)) is not None else None
    seen = days or sorted({day for point in points for day in position.days_from(point, now)})
    orders = queries.live_orders(agr).filter(period__in=seen)
    offers = queries.offers(agr).filter(period__in=seen, state__in=queries.OPEN_OFFERS)
    found = position.positions(points, orders, offers[:MOST_IN_SCHEDULE], now, days)
    return [place for place in found if not place.is_empty]


COLUMNS: list[tuple[str, Any]] = [
    ("order", lambda row: row.order_reference),
    ("message_id", lambda row: row.message.message_id),
    ("offer", lambda row: str(row.flex_offer) if row.flex_offer else ""),
    ("option", lambda row: row.option_reference),
    ("congestion_point", lambda row: row.congestion_point.entity_address),
    ("dso", lambda row: row.counterparty.domain),
    ("day", lambda row: row.period.isoformat()),
    ("state", lambda row: row.state),
    ("received_at", lambda row: formats.iso(row.created_at)),
    ("activation_factor", lambda row: row.factor),
    ("price", lambda row: row.price),
    ("currency", lambda row: row.currency),
    ("energy_wh", lambda row: row.energy_wh),
    ("peak_w", lambda row: OrderRow(row).peak_w),
]


@scope.page(Right.VIEW, Role.AGR)
@require_safe
def detail(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    now = timezone.now()
    order = queries.orders(membership.participant).get(pk=pk)
    if request.GET.get("format") == "csv":
        return schedule_csv([order], f"schedule-{order.pk}.csv")
    row = OrderRow(order)
    point, day = order.congestion_point, order.period
    asked = order.flex_offer.flex_request if order.flex_offer is not None else None
    promised = as_option(row)
    context = {
        "row": row,
        "order": order,
        "point": point,
        "heading": space.heading(point, day, row.span, now),
        "chart": space.chart(point, day, asked, [promised]),
        "lines": lines_of(row, day),
        "steps": space.steps(point, day, sorted(row.powers), now, None),
        "timeline": timeline.of_order(order),
    }
    return live.answer(request, membership, "agr/order.html", "agr/_order.html", context, now)
