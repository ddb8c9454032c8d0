"""The trader's desk: requests by deadline, offers by state, what needs me now, the position."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from offers import figures, formats
from offers.models import Membership, Participant, Right, Role
from offers.views import live, scope
from offers.views.trades import position
from offers.views.trades.rows import OfferRow, OrderRow, RequestRow

from . import attention, queries

MOST_REQUESTS = 30
MOST_OFFERS = 100
NEWS = timedelta(hours=1)
MOST_NEWS = 2  # banners; more of them would push the requests off the screen


@scope.page(Right.VIEW, Role.AGR)
@require_safe
def desk(request: HttpRequest, membership: Membership) -> HttpResponse:
    now = timezone.now()
    context = context_of(request, membership.participant, now)
    return live.answer(request, membership, "agr/desk.html", "agr/_desk.html", context, now)


def context_of(request: HttpRequest, agr: Participant, now: datetime) -> dict[str, Any]:
    points = list(queries.points(agr))
    midnight = min((_midnight(point.time_zone, now) for point in points), default=now)
    closing = queries.open_requests(agr, now)[: MOST_REQUESTS + 1]
    asked = [RequestRow(row, now) for row in closing]
    more, asked = len(asked) > MOST_REQUESTS, asked[:MOST_REQUESTS]
    offers = [OfferRow(row, now) for row in queries.desk_offers(agr, midnight, MOST_OFFERS)]
    days = [midnight.date(), midnight.date() + timedelta(days=3)]
    orders = queries.promised(agr, Q(period__range=days))
    new = news(agr, days, now)
    standing = [row for row in offers if row.offer.state in queries.OPEN_OFFERS]
    state = request.GET.get("state", "")
    return {
        "points": points,
        "tomorrow": (midnight + timedelta(days=1, hours=12)).date(),
        "requests": asked,
        "more_requests": more,
        "needing": sum(row.needs_you for row in asked),
        "offers": sorted((row for row in offers if not state or tab_of(row) == state), key=urgency),
        "tabs": tabs(offers, state),
        "notices": attention.notices(asked, offers, now),
        "news": new[:MOST_NEWS],
        "more_news": len(new[MOST_NEWS:]),
        "position_keys": position.KEYS,
        "positions": position.positions(points, orders, map(offered, standing), now),
        "totals": totals(orders, standing, now),
        "state": state,
    }


def _midnight(zone: str, now: datetime) -> datetime:
    return formats.isp_start(formats.local_day(now, zone), 1, zone, 15)


def urgency(row: OfferRow) -> tuple[bool, float, int]:
    """What runs, by its expiry; then the rest, the newest first. A draft whose time is over runs no more."""
    runs = row.runs and row.expires_at is not None and row.expires_at > row.now
    expiry = row.expires_at.timestamp() if runs and row.expires_at is not None else 0.0
    return not runs, expiry, -row.offer.pk


def tab_of(row: OfferRow) -> str:
    if row.offer.state != "sent":
        return row.offer.state
    return "queued" if row.delivery.state == "queued" else "unanswered"


def tabs(offers: Sequence[OfferRow], state: str) -> list[dict[str, Any]]:
    """Only states that there are, and the one that is looked at."""
    counts = Counter(tab_of(row) for row in offers)
    found = [{"label": "All", "url": "?", "current": not state, "count": len(offers)}]
    for key, (label, _) in queries.OFFER_FILTERS.items():
        if key and (counts[key] or key == state):
            url = f"?{urlencode({'state': key})}"
            found.append({"label": label, "url": url, "current": key == state, "count": counts[key]})
    return found


def news(agr: Participant, days: Sequence[date], now: datetime) -> list[OrderRow]:
    """Orders of the last hour: money was made, and something must be done at a certain time."""
    new = queries.live_orders(agr).filter(period__range=days, created_at__gt=now - NEWS)
    return [OrderRow(order) for order in new]


def offered(row: OfferRow) -> position.Offered:
    powers = [option.powers for option in row.options]
    return position.Offered(row.offer.congestion_point_id, row.offer.period, powers)


def totals(orders: Sequence[queries.Promised], standing: Sequence[OfferRow], now: datetime) -> dict[str, Any]:
    """What is ordered for today, and what the open offers come to at most."""
    days = {zone: formats.local_day(now, zone) for zone in {order.zone for order in orders}}
    today = [order for order in orders if order.period == days[order.zone]]
    dearest = [row.prices[1] for row in standing if row.prices]
    return {
        "kwh": sum(_kwh(order) for order in today),
        "money": sum((order.price for order in today), Decimal(0)),
        "open": len(standing),
        "most": sum(dearest, Decimal(0)),
        "currency": standing[0].offer.currency if standing else "EUR",
    }


def _kwh(order: queries.Promised) -> float:
    need = figures.need_w(order.asked or [])
    return figures.along_wh(figures.powers_of(order.isps), need, order.isp_length) / 1000
