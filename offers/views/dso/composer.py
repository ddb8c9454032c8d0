"""The request composer: started, checked while typing, saved, sent to all, shown as XML, thrown away."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from offers import charts, domain, formats, uftp
from offers.models import CongestionPoint, Contract, FlexRequest, Membership, Right, Role
from offers.services import drafts, trading
from offers.services.trading.requests import next_revision
from offers.uftp import isp
from offers.views import scope
from offers.views.trades import drafting, space
from offers.views.trades.rows import minutes_of, typed_expiry

from . import queries, starting
from .rows import GroupRow
from .typed import typed_isps

Rows = Sequence[FlexRequest]


# --- starting ---------------------------------------------------------------------------------------


@scope.page(Right.TRADE, Role.DSO)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """First where and for which day; the draft has then that day's ISPs."""
    now = timezone.now()
    points = list(queries.points(membership.participant))
    if request.method == "POST":
        try:
            rows = _start(membership, points, request.POST.get("point", ""), request.POST.get("day", ""), now)
        except drafts.NotADraft as error:
            messages.error(request, str(error))
        except trading.Refused as error:
            messages.error(request, str(error))
        else:
            return redirect(scope.url(membership, "dso-request-edit", rows[0].group))
    tomorrow = formats.local_day(now, points[0].time_zone) + timedelta(days=1) if points else now.date()
    asked = request.POST if request.method == "POST" else request.GET
    context = {
        "points": points,
        "point": asked.get("point", ""),
        "day": asked.get("day") or tomorrow.isoformat(),
        "today": (tomorrow - timedelta(days=1)).isoformat(),
    }
    status = 422 if request.method == "POST" else 200
    return scope.render(request, membership, "dso/request_new.html", context, status=status, now=now)


def _start(
    membership: Membership, points: Sequence[CongestionPoint], wanted: str, typed: str, now: datetime
) -> Rows:
    point = next((point for point in points if str(point.pk) == wanted), None)
    if point is None:
        raise CongestionPoint.DoesNotExist
    day = drafts.read_period(typed)
    dso = membership.participant
    agrs = [agr.pk for agr in trading.recipients_of(point)]
    draft = starting.initial(dso, point, day, agrs, now)
    return trading.draft_requests(dso, point, day, draft, by=membership.user, now=now)


# --- the page ---------------------------------------------------------------------------------------


def rows_of(membership: Membership, group: UUID) -> list[FlexRequest]:
    rows = trading.group_of(membership.participant, group)
    if not rows:
        raise FlexRequest.DoesNotExist
    return rows


@scope.page(Right.TRADE, Role.DSO)
@require_safe
def edit(request: HttpRequest, membership: Membership, group: UUID) -> HttpResponseBase:
    now = timezone.now()
    rows = rows_of(membership, group)
    if rows[0].state != domain.RequestState.DRAFT:
        return redirect(scope.url(membership, "dso-request", group))
    return page(request, membership, rows, now, trading.check_requests(rows, rows[0].draft, now))


def page(
    request: HttpRequest,
    membership: Membership,
    rows: Rows,
    now: datetime,
    reasons: Sequence[uftp.Reason],
    status: int = 200,
) -> HttpResponse:
    first, row = rows[0], GroupRow(rows, now)
    point, day = first.congestion_point, first.period
    closes = typed_expiry(first.draft)
    expiries = [(closes, "request closes")] if closes is not None else []
    context = {
        "heading": space.heading(point, day, row.span if row.need else None, now),
        "point": point.name,
        "steps": space.steps(point, day, list(row.need), now, None, expiries),
        "contracts": contracts_of(membership, point, day),
        "recipients": [
            {"id": agr.pk, "name": agr.name, "domain": agr.domain} for agr in trading.recipients_of(point)
        ],
        "back_url": scope.url(membership, "dso-requests"),
        "preview_url": scope.url(membership, "dso-request-preview", first.group),
        "delete_url": scope.url(membership, "dso-request-delete", first.group),
        "zone": point.time_zone,
        "isp_minutes": minutes_of(point),
        "composer_data": composer_data(membership, rows, reasons, now),
    }
    return scope.render(request, membership, "dso/composer.html", context, status=status, now=now)


def contracts_of(membership: Membership, point: CongestionPoint, day: date) -> list[dict[str, str]]:
    """A contract is with one AGR: its name stands beside it."""
    rows = Contract.objects.filter(dso=membership.participant, congestion_point=point).on(day)
    return [
        {"id": row.contract_id, "label": f"{row.contract_id}, {row.agr.name}"}
        for row in rows.select_related("agr")
    ]


def composer_data(
    membership: Membership, rows: Rows, reasons: Sequence[uftp.Reason], now: datetime
) -> dict[str, Any]:
    first = rows[0]
    point, day = first.congestion_point, first.period
    last = isp.count(day, formats.zone_info(point.time_zone), point.isp_duration)
    asked = [row.counterparty_id for row in rows]
    return {
        "draft": {"recipients": asked, **first.draft, "period": day.isoformat()},
        "isps": charts.axis(day, range(1, last + 1), point.time_zone, minutes_of(point)),
        "zone": point.time_zone,
        "isp_minutes": minutes_of(point),
        "capacity_w": point.capacity_w,
        "findings": [*drafting.findings(reasons), *warnings(first, now)],
        "check_url": scope.url(membership, "dso-request-check", first.group),
        "save_url": scope.url(membership, "dso-request-save", first.group),
        "send_url": scope.url(membership, "dso-request-send", first.group),
    }


# --- what the page asks while somebody types ----------------------------------------------------------


@scope.page(Right.TRADE, Role.DSO)
@require_POST
def check(request: HttpRequest, membership: Membership, group: UUID) -> HttpResponseBase:
    """All reasons why what is typed could not be sent now, and what it looks like; nothing is stored."""
    rows = rows_of(membership, group)
    now = timezone.now()

    def judge(draft: drafting.Draft) -> dict[str, Any]:
        reasons = trading.check_requests(rows, draft, now)
        said = [*drafting.findings(reasons), *warnings(rows[0], now)]
        return {"findings": said, "figures": figures(rows[0], draft)}

    return drafting.answered(request.body, judge)


def warnings(first: FlexRequest, now: datetime) -> list[dict[str, str]]:
    """What stops nothing, but should be known before it is sent."""
    older = queries.running(first.owner, first.congestion_point, first.period, now)
    if older is None or older.expires_at is None:
        return []
    closes = formats.clock(older.expires_at, first.congestion_point.time_zone)
    text = (
        f"{older} for this day runs until {closes}. This one becomes revision {next_revision(first)} and"
        " takes its place; offers that came in stay as they are."
    )
    return [{"field": "", "text": text, "severity": "warning"}]


def figures(first: FlexRequest, draft: Mapping[str, Any]) -> dict[str, charts.Figure]:
    """The forecast against the capacity, and the power space as an AGR will see it."""
    point, day = first.congestion_point, first.period
    last = isp.count(day, formats.zone_info(point.time_zone), point.isp_duration)
    found = {}
    forecast = {n: w for n, w in _forecast(draft).items() if n <= last}
    if forecast:
        axis = space.axis_of(point, day, list(forecast))
        found["load"] = charts.request_chart(axis, forecast, _capacity(draft, point))
    segments = [s for s in typed_isps(draft) if s["start"] + s["duration"] - 1 <= last]
    if segments:
        drawn = FlexRequest(congestion_point=point, period=day, isps=segments)
        found["space"] = space.figure(space.isps_of(point, day, drawn), [])
    return found


def _forecast(draft: Mapping[str, Any]) -> dict[int, int]:
    return {int(n): watts for n, watts in drafts.read_forecast(draft.get("forecast_w")).items()}


def _capacity(draft: Mapping[str, Any], point: CongestionPoint) -> int | None:
    return drafts.Reading().watts(draft.get("capacity_w"), "") or point.capacity_w


@scope.page(Right.TRADE, Role.DSO)
@require_POST
def save(request: HttpRequest, membership: Membership, group: UUID) -> HttpResponseBase:
    now = timezone.now()

    def keep(draft: drafting.Draft) -> dict[str, Any]:
        trading.save_request_draft(membership.participant, group, draft, by=membership.user, now=now)
        return {"saved_at": formats.iso(now)}

    return drafting.answered(request.body, keep)


@scope.page(Right.TRADE, Role.DSO)
@require_POST
def preview(request: HttpRequest, membership: Membership, group: UUID) -> HttpResponseBase:
    """The XML as the first AGR would get it now."""
    rows, now = rows_of(membership, group), timezone.now()
    posted = request.POST.get("draft")
    return drafting.previewed(posted, rows[0].draft, lambda draft: trading.preview_requests(rows, draft, now))


# --- sending ----------------------------------------------------------------------------------------


@scope.page(Right.TRADE, Role.DSO)
@require_POST
def send(request: HttpRequest, membership: Membership, group: UUID) -> HttpResponseBase:
    """Keep what was typed, then send it to all. Refused: the composer again, nothing lost."""
    now, dso, user = timezone.now(), membership.participant, membership.user
    sent: list[FlexRequest] = []

    def keep_and_send() -> None:
        if "draft" in request.POST:
            trading.save_request_draft(dso, group, drafting.read(request.POST["draft"]), by=user, now=now)
        sent.extend(trading.send_requests(dso, group, by=user, now=now))

    reasons = drafting.reasons_against(keep_and_send)
    if reasons:
        messages.error(request, drafting.not_sent(reasons))
        return page(request, membership, rows_of(membership, group), now, reasons, status=422)
    whom = "1 aggregator" if len(sent) == 1 else f"{len(sent)} aggregators"
    messages.success(request, f"The request is signed and on its way to {whom}.")
    return redirect(scope.url(membership, "dso-request", group))


@scope.page(Right.TRADE, Role.DSO)
@require_POST
def delete(request: HttpRequest, membership: Membership, group: UUID) -> HttpResponseBase:
    trading.delete_request_draft(membership.participant, group)
    messages.success(request, "The draft is deleted.")
    return redirect(scope.url(membership, "dso-requests"))
