"""The DSO's desk: congestion points against their capacity, open requests, offers to review, news."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from offers import formats
from offers.models import Membership, Right, Role
from offers.services.points import set_answers_automatically
from offers.views import live, scope
from offers.views.trades.notices import SOON

from . import attention, points, queries, rows
from .offers import WAITING, ReviewRow, as_rows, offers_of

MOST_REQUESTS = 30
MOST_OFFERS = 50
MOST_TROUBLES = 50


@scope.page(Right.VIEW, Role.DSO)
@require_safe
def desk(request: HttpRequest, membership: Membership) -> HttpResponse:
    now = timezone.now()
    return live.answer(
        request, membership, "dso/desk.html", "dso/_desk.html", context_of(membership, now), now
    )


def context_of(membership: Membership, now: datetime) -> dict[str, Any]:
    dso = membership.participant
    keys = queries.desk_groups(dso, now, MOST_REQUESTS)
    asked = rows.group_rows(queries.members(dso, keys).values(), now)
    offers = as_rows(offers_of(dso))
    waiting = offers.filter(WAITING, expires_at__gt=now).order_by("expires_at", "pk")
    to_review = [ReviewRow(row, now) for row in waiting[:MOST_OFFERS]]
    soon = offers.filter(state="accepted", expires_at__gt=now, expires_at__lte=now + SOON)
    unordered = [ReviewRow(row, now) for row in soon.order_by("expires_at", "pk")[:MOST_OFFERS]]
    found = attention.notices(
        [*to_review, *unordered],
        queries.troubled(dso, now)[:MOST_TROUBLES],
        queries.troubled_orders(dso, now)[:MOST_TROUBLES],
        now,
    )
    places = point_rows(membership, now)
    return {
        "points": places,
        "requests": sorted(asked, key=lambda row: (row.is_draft, row.closes_at or now)),
        "offers": to_review,
        "notices": found,
        "load_keys": ["capacity", "forecast", "after", "over"] if any(p.forecast for p in places) else [],
    }


def point_rows(membership: Membership, now: datetime) -> list[points.PointRow]:
    dso = membership.participant
    places = list(queries.points(dso))
    today = min((formats.local_day(now, point.time_zone) for point in places), default=now.date())
    days = [today, today + timedelta(days=1)]
    known, orders = queries.forecasts(dso, days, now), queries.live_orders(dso, days)
    return points.point_rows(places, known, orders, membership, now)


@scope.page(Right.MANAGE, Role.DSO)
@require_POST
def point_answers(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Let a congestion point answer offers by itself, or leave them to staff."""
    automatic = request.POST.get("automatic") == "yes"
    point = set_answers_automatically(membership.participant, pk, automatic)
    words = "are accepted at once" if automatic else "wait for staff"
    messages.success(request, f"Offers at {point} that pass the rules {words} from now on.")
    return redirect(scope.url(membership, "dso-desk"))
