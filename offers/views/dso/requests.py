"""Requests that we sent: the list, one line a need, and one with its recipients and the offers on it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from offers import formats
from offers.domain import OPEN_REQUEST_STATES, RequestState
from offers.models import FlexRequest, Membership, Participant, Right, Role
from offers.views import lists, live, scope
from offers.views.trades import listing as listing_of
from offers.views.trades import space, timeline
from offers.views.trades.filters import by_place
from offers.views.trades.options import OptionView

from . import points, queries, rows
from .offers import ReviewRow, offers_of
from .rows import GroupRow

FILTERS: Mapping[str, tuple[str, Q]] = {
    "": ("Open", Q(state__in=["sent", "accepted"])),
    "draft": ("Draft", Q(state="draft")),
    "superseded": ("Superseded", Q(state="superseded")),
    "expired": ("Expired", Q(state="expired")),
    "rejected": ("Rejected", Q(state="rejected")),
    "failed": ("Failed", Q(state="failed")),
    "all": ("All", Q()),
}
COMMON = ("superseded", "expired")  # in which most requests end
CSV_CHUNK = 200


@scope.page(Right.VIEW, Role.DSO)
@require_safe
def listing(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    now, dso = timezone.now(), membership.participant
    found = filtered(dso, request)
    if lists.wants_csv(request):
        return lists.csv_of(_all(dso, found), COLUMNS, "requests.csv")
    cut = lists.slice_of(found, request)
    shown = rows.group_rows(queries.members(dso, [row.group for row in cut.rows]).values(), now)
    context = {
        "requests": shown,
        **listing_of.around(request, cut, "request", FILTERS, queries.points(dso)),
    }
    return live.answer(request, membership, "dso/requests.html", "dso/_requests.html", context, now)


def filtered(dso: Participant, request: HttpRequest) -> QuerySet[FlexRequest]:
    state, rows = request.GET.get("state", ""), by_place(queries.groups(dso), request)
    wanted = FILTERS.get(state, FILTERS[""])[1]
    if state == "all":
        return rows
    if state in COMMON:
        return queries.with_common_state(rows, wanted)
    return queries.with_state(rows, dso, wanted)


def _all(dso: Participant, found: QuerySet[FlexRequest]) -> Iterator[Any]:
    """Every group of a list, some hundred at a time."""
    now = timezone.now()
    keys = list(found.order_by("-pk").values_list("group", flat=True)[: lists.CSV_LIMIT])
    for start in range(0, len(keys), CSV_CHUNK):
        part = queries.members(dso, keys[start : start + CSV_CHUNK])
        yield from rows.group_rows(part.values(), now)


COLUMNS: list[tuple[str, Any]] = [
    ("request", lambda row: row.name),
    ("group", lambda row: str(row.key)),
    ("congestion_point", lambda row: row.point.entity_address),
    ("day", lambda row: row.first.period.isoformat()),
    ("revision", lambda row: row.first.revision),
    ("state", lambda row: row.state),
    ("expires_at", lambda row: formats.iso(row.closes_at) if row.closes_at else ""),
    ("first_isp", lambda row: row.span[0] if row.span else ""),
    ("last_isp", lambda row: row.span[1] if row.span else ""),
    ("peak_w", lambda row: row.peak_w),
    ("energy_kwh", lambda row: row.kwh),
    ("asked", lambda row: row.asked),
    ("accepted", lambda row: row.accepted),
    ("offered", lambda row: row.offered),
    ("best_coverage", lambda row: f"{row.best.option.coverage or 0:.4f}" if row.best else ""),
]


# --- one request ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answered:
    """An option of an offer on this request, as a line."""

    row: ReviewRow
    option: OptionView
    first: bool  # of its offer


@scope.page(Right.VIEW, Role.DSO)
@require_safe
def detail(request: HttpRequest, membership: Membership, group: UUID) -> HttpResponseBase:
    now, dso = timezone.now(), membership.participant
    found = queries.members(dso, [group])[group]
    if not found:
        raise FlexRequest.DoesNotExist
    row = GroupRow(found, now)
    if row.is_draft and membership.may(Right.TRADE):
        return redirect(scope.url(membership, "dso-request-edit", group))
    context = context_of(dso, row)
    return live.answer(request, membership, "dso/request.html", "dso/_request.html", context, now)


def context_of(dso: Participant, row: GroupRow) -> dict[str, Any]:
    point, day, now, first = row.point, row.first.period, row.now, row.first
    drawn = FlexRequest(congestion_point=point, period=day, isps=row.isps, expires_at=row.closes_at)
    came_in = [ReviewRow(offer, now) for offer in offers_of(dso).filter(flex_request__in=row.rows)]
    expiries = space.expiry_steps([each.offer for each in came_in if each.runs])
    return {
        "row": row,
        "first": first,
        "point": point,
        "heading": space.heading(point, day, row.span, now),
        "answers": list(_answers(came_in)),
        "offers": came_in,
        "space_keys": space.KEYS,
        "chart": space.chart(point, day, drawn, []),
        "load": load_chart(dso, row),
        "steps": space.steps(point, day, list(row.need) or space.numbers_of(drawn, []), now, drawn, expiries),
        "timeline": timeline.of_requests(row.rows),
        "newer": newer(dso, row),
    }


def _answers(came_in: list[ReviewRow]) -> Iterator[Answered]:
    """Option by option: offers that stand first, what covers most first."""
    best = {each.offer.pk: each.best for each in came_in}
    covers = {pk: (option.coverage or 0 if option is not None else 0) for pk, option in best.items()}
    for each in sorted(came_in, key=lambda found: (found.done, -covers[found.offer.pk])):
        for option in each.options:
            yield Answered(each, option, option.index == 0)


def load_chart(dso: Participant, row: GroupRow) -> dict[str, Any] | None:
    """Forecast against capacity, and what is ordered for that day; None when no forecast is known."""
    if not row.forecast:
        return None
    day = row.first.period
    orders = queries.live_orders(dso, [day]).filter(congestion_point=row.point)
    ordered = rows.ordered_per_day(orders).get((row.point.pk, day), {})
    return {
        "figure": points.load_figure(row.point, day, row.forecast, ordered),
        "heads": points.LOAD_HEADS,
        "rows": points.load_table(row.point, day, row.forecast, ordered),
        "keys": ["capacity", "forecast", *(["after"] if any(ordered.values()) else []), "over"],
    }


@dataclass(frozen=True)
class Newer:
    """A later revision for the same point and day, and for whom it stands in the place of this one."""

    revision: int
    group: UUID
    taken: list[str]  # names of AGRs of this request that accepted it
    under_way: list[str]  # and of those that have not answered it
    left: list[str]  # and of those for whom this one still stands

    @property
    def words(self) -> str:
        said = []
        if self.taken:
            whom = "" if not (self.under_way or self.left) else f" for {_names(self.taken)}"
            said.append(f"Revision {self.revision} for the same day takes the place of this one{whom}.")
        if self.under_way:
            said.append(
                f"Revision {self.revision} is on its way to {_names(self.under_way)},"
                " and takes the place of this one once it is accepted."
            )
        if self.left:
            said.append(f"It still stands for {_names(self.left)}.")
        return " ".join(said)


def _names(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


TAKEN = (RequestState.ACCEPTED, RequestState.SUPERSEDED, RequestState.EXPIRED)


def newer(dso: Participant, row: GroupRow) -> Newer | None:
    """The latest revision that any of its AGRs took or may still take; what they rejected changes nothing."""
    if row.is_draft:
        return None
    asked = {each.counterparty_id: each for each in row.rows}
    later = FlexRequest.objects.of(dso).filter(
        congestion_point=row.point,
        period=row.first.period,
        revision__gt=row.first.revision,
        counterparty__in=asked,
        state__in=[RequestState.SENT, *TAKEN],
    )
    latest = {each.counterparty_id: each for each in later.order_by("revision", "pk")}
    if not latest:
        return None
    shown = max(latest.values(), key=lambda each: each.revision)
    taken = [asked[pk].counterparty.name for pk, each in latest.items() if each.state in TAKEN]
    under_way = [asked[pk].counterparty.name for pk, each in latest.items() if each.state not in TAKEN]
    left = [
        each.counterparty.name
        for pk, each in asked.items()
        if pk not in latest and each.state in OPEN_REQUEST_STATES and row.is_open
    ]
    return Newer(shown.revision, shown.group, sorted(taken), sorted(under_way), sorted(left))
