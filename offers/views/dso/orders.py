"""What we ordered: the list, and one order with its delivery, its answer and its power per ISP."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from offers import formats
from offers.domain import OrderState
from offers.models import FlexOrder, Membership, MessageState, Participant, Right, Role
from offers.views import lists, live, scope
from offers.views.trades import columns, space
from offers.views.trades import listing as listing_of
from offers.views.trades.promised import as_option, lines_of, schedule_csv
from offers.views.trades.rows import Chip, OrderRow, delivery_of

from . import history

FILTERS: Mapping[str, tuple[str, Q]] = {
    "": ("All", Q()),
    "sent": ("No answer", Q(state=OrderState.SENT)),
    "accepted": ("Accepted", Q(state=OrderState.ACCEPTED)),
    "rejected": ("Rejected", Q(state=OrderState.REJECTED)),
    "failed": ("Failed", Q(state=OrderState.FAILED)),
}


def orders_of(dso: Participant) -> QuerySet[FlexOrder]:
    rows: QuerySet[FlexOrder] = FlexOrder.objects.of(dso)
    return rows.select_related(
        "counterparty", "congestion_point", "message", "flex_offer", "flex_offer__flex_request", "option"
    ).defer("message__sealed", "flex_offer__draft")


class PlacedRow(OrderRow):
    """An order of ours: how far it got, and what the aggregator said."""

    def __init__(self, order: FlexOrder, now: datetime) -> None:
        super().__init__(order)
        self.now = now

    @property
    def delivery(self) -> Chip | None:
        return delivery_of(self.order.message, self.order.congestion_point.time_zone)

    @property
    def answer(self) -> Chip | None:
        if self.order.state == OrderState.ACCEPTED:
            return Chip("ordered", "Accepted, binding", self.order.message.answered_at)
        if self.order.state != OrderState.SENT:
            return Chip(self.order.state, "", self.order.state_at)
        if self.order.message.state != MessageState.DELIVERED:
            return None
        silent = int((self.now - self.order.message.state_at).total_seconds())
        return Chip("sent", "", formats.ago(silent))

    @property
    def next_step(self) -> str:
        """What happens next, in words."""
        return {
            OrderState.SENT: "The aggregator will answer. Until then a revocation of the offer wins.",
            OrderState.ACCEPTED: "It is binding on both sides. There is no message that takes an order back.",
            OrderState.REJECTED: "Nothing was bought. The offer can be ordered again while it is valid.",
            OrderState.FAILED: "It never arrived, so nothing was bought. Send it again or order another.",
        }[OrderState(self.order.state)]


@scope.page(Right.VIEW, Role.DSO)
@require_safe
def listing(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    now = timezone.now()
    rows = listing_of.narrowed(orders_of(membership.participant), FILTERS, request)
    if lists.wants_csv(request):
        return listing_of.csv_of(rows, columns.of_orders("agr", "placed_at"), "orders.csv")
    cut = lists.slice_of(rows, request)
    points = membership.participant.congestion_points.all()
    context = {
        "orders": [PlacedRow(row, now) for row in cut.rows],
        **listing_of.around(request, cut, "order", FILTERS, points),
    }
    return live.answer(request, membership, "dso/orders.html", "dso/_orders.html", context, now)


@scope.page(Right.VIEW, Role.DSO)
@require_safe
def detail(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    now = timezone.now()
    order = orders_of(membership.participant).get(pk=pk)
    if request.GET.get("format") == "csv":
        return schedule_csv([order], f"order-{order.pk}.csv")
    row = PlacedRow(order, now)
    point, day = order.congestion_point, order.period
    asked = order.flex_offer.flex_request if order.flex_offer is not None else None
    context = {
        "row": row,
        "order": order,
        "point": point,
        "heading": space.heading(point, day, row.span, now),
        "space_keys": space.KEYS,
        "chart": space.chart(point, day, asked, [as_option(row)]),
        "lines": lines_of(row, day),
        "places": max((formats.places_of(power) for power in row.powers.values()), default=0),
        "steps": space.steps(point, day, sorted(row.powers), now, None),
        "timeline": history.of_order(order),
        "may_send_again": order.message.state in (MessageState.FAILED, MessageState.EXPIRED),
    }
    return live.answer(request, membership, "dso/order.html", "dso/_order.html", context, now)
