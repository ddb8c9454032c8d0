"""What was ordered from us: the list, one order per ISP, and the schedule as CSV."""

from collections.abc import Mapping

from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from offers.models import Membership, Participant, Right, Role
from offers.views import lists, live, scope
from offers.views.trades import columns, position, space, timeline
from offers.views.trades import listing as listing_of
from offers.views.trades.filters import day_of, number_of
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
    rows = listing_of.narrowed(queries.orders(membership.participant), FILTERS, request)
    if lists.wants_csv(request):
        return listing_of.csv_of(rows, columns.of_orders("dso", "received_at"), "orders.csv")
    if request.GET.get("format") == "schedule":
        promised = rows.filter(state="accepted").order_by("period", "pk")[:MOST_IN_SCHEDULE]
        return schedule_csv(promised.iterator(chunk_size=500), "schedule.csv")
    cut = lists.slice_of(queries.as_order_rows(rows), request)
    context = {
        "orders": [OrderRow(row) for row in cut.rows],
        **listing_of.around(request, cut, "order", FILTERS, queries.points(membership.participant)),
        "schedule_url": lists.csv_url(request).replace("format=csv", "format=schedule"),
        "position_keys": position.KEYS,
        "positions": promised_on(membership.participant, request),
    }
    return live.answer(request, membership, "agr/orders.html", "agr/_orders.html", context, now)


def promised_on(agr: Participant, request: HttpRequest) -> list[position.Position]:
    """What is promised and offered per point, on the day that is asked for or today and tomorrow."""
    now = timezone.now()
    points = list(queries.points(agr))
    wanted = number_of(request, "point")
    points = [point for point in points if wanted in (None, point.pk)]
    days = [asked] if (asked := day_of(request)) is not None else None
    seen = days or sorted({day for point in points for day in position.days_from(point, now)})
    orders = queries.promised(agr, Q(period__in=seen))
    offers = queries.standing(agr, Q(period__in=seen), MOST_IN_SCHEDULE)
    return position.positions(points, orders, offers, now, days)


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
