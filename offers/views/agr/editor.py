"""The offer editor: opened, checked while typing, saved, sent now or later, shown as XML, thrown away."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from offers import domain, formats, uftp
from offers.models import CongestionPoint, FlexOffer, FlexRequest, Membership, Right, Role
from offers.services import drafts, trading
from offers.views import scope
from offers.views.trades import drafting, space
from offers.views.trades.options import options_of
from offers.views.trades.rows import RequestRow, minutes_of

from . import queries
from .requests import closed_words, newer_revision

TOO_LATE = "This FlexRequest is closed: an offer on it would be rejected."


# --- starting ---------------------------------------------------------------------------------------


def initial(request: FlexRequest) -> dict[str, Any]:
    """Valid as long as the request is."""
    contract = request.contract.contract_id if request.contract is not None else ""
    return empty_draft(request.expires_at, contract)


def empty_draft(expires_at: datetime | None, contract_id: str = "") -> dict[str, Any]:
    """One option without power: the grid shows the ISPs anyway."""
    return {
        "expires_at": formats.iso(expires_at) if expires_at is not None else None,
        "contract_id": contract_id,
        "baseline_reference": "",
        "options": [{"option_reference": "A", "price": "", "min_activation_factor": "1.00", "isps": []}],
    }


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def new(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    asked = queries.requests(membership.participant).get(pk=pk)
    return _start(membership, asked, initial(asked), timezone.now())


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def unsolicited(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """An offer that nobody asked for: a congestion point and a day are enough to begin."""
    now, agr = timezone.now(), membership.participant
    try:
        point = queries.points(agr).get(pk=int(request.POST.get("point", "")))
        day = drafts.read_period(request.POST.get("day"))
        draft = empty_draft(first_moment(point, day, now))
        offer = trading.draft_offer(agr, point, point.dso, day, draft, by=membership.user, now=now)
    except (ValueError, OverflowError, CongestionPoint.DoesNotExist):
        messages.error(request, "Nothing was drafted: choose a congestion point and a day.")
    except trading.Refused as error:
        messages.error(request, f"Nothing was drafted: {error}")
    else:
        return redirect(scope.url(membership, "agr-offer-edit", offer.pk))
    return redirect(scope.desk_url(membership))


def first_moment(point: CongestionPoint, day: date, now: datetime) -> datetime:
    """The beginning of a day that is still to come; of today, an hour from now."""
    start = formats.isp_start(day, 1, point.time_zone, minutes_of(point))
    return max(start, now.replace(second=0, microsecond=0) + timedelta(hours=1))


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def copy(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """A new draft with the options of an offer, to mend or to repeat it."""
    offer = queries.offers(membership.participant).get(pk=pk)
    return _start(membership, offer.flex_request, copied(offer), timezone.now(), offer)


def copied(offer: FlexOffer) -> dict[str, Any]:
    if offer.message_id is None:
        return dict(offer.draft)
    options = [
        {
            "option_reference": option.option_reference,
            "price": f"{option.price:.4f}".rstrip("0").ljust(len(f"{option.price:.2f}"), "0"),
            "min_activation_factor": str(option.min_factor),
            "isps": option.isps,
        }
        for option in offer.options.all()
    ]
    expires_at = formats.iso(offer.expires_at) if offer.expires_at is not None else None
    return {
        "expires_at": expires_at,
        "contract_id": offer.contract.contract_id if offer.contract is not None else "",
        "baseline_reference": offer.baseline_reference,
        "options": options,
    }


def _start(
    membership: Membership,
    asked: FlexRequest | None,
    draft: Mapping[str, Any],
    now: datetime,
    source: FlexOffer | None = None,
) -> HttpResponseBase:
    if asked is not None and not is_open(asked, now):
        raise domain.IllegalMove(TOO_LATE)
    row = asked or source
    if row is None:
        raise domain.IllegalMove(TOO_LATE)
    offer = trading.draft_offer(
        membership.participant,
        row.congestion_point,
        row.counterparty,
        row.period,
        draft,
        by=membership.user,
        now=now,
        request=asked,
    )
    return redirect(scope.url(membership, "agr-offer-edit", offer.pk))


# --- the page ---------------------------------------------------------------------------------------


@scope.page(Right.TRADE, Role.AGR)
@require_safe
def edit(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    now = timezone.now()
    offer = queries.offers(membership.participant).get(pk=pk)
    if offer.state != domain.OfferState.DRAFT:
        return redirect(scope.url(membership, "agr-offer", pk))
    return page(request, membership, offer, now, trading.check_offer(offer, offer.draft, now))


def page(
    request: HttpRequest,
    membership: Membership,
    offer: FlexOffer,
    now: datetime,
    reasons: Sequence[uftp.Reason],
    status: int = 200,
    conflict: Mapping[str, Any] | None = None,
) -> HttpResponse:
    point, asked = offer.congestion_point, offer.flex_request
    views = options_of(offer)
    drawn = [n for view in views for n in view.powers] if asked is not None else []
    isps = space.isps_of(point, offer.period, asked, drawn)  # without a request the whole day
    numbers = space.numbers_of(asked, views)
    requested = [entry["n"] for entry in isps if entry.get("disposition") == "Requested"]
    context = {
        "heading": space.heading(point, offer.period, _ends(requested or numbers), now),
        "counterparty": offer.counterparty.name,
        "offer_name": str(offer),
        "newer": newer_revision(asked, now),
        "closes_at": asked.expires_at if asked is not None and is_open(asked, now) else None,
        "closed": "" if asked is None or is_open(asked, now) else closed_words(asked),
        "steps": space.steps(point, offer.period, numbers, now, asked),
        "figure": space.figure(isps, []),
        "contract": f"Contract {offer.contract}" if offer.contract is not None else None,
        "back_url": scope.url(membership, "agr-offer", offer.pk),
        "preview_url": scope.url(membership, "agr-offer-preview", offer.pk),
        "schedule_url": scope.url(membership, "agr-offer-schedule", offer.pk),
        "delete_url": scope.url(membership, "agr-offer-delete", offer.pk),
        "zone": point.time_zone,
        "isp_minutes": minutes_of(point),
        "editor_data": {**editor_data(membership, offer, isps, reasons), "conflict": conflict},
    }
    return scope.render(request, membership, "agr/editor.html", context, status=status, now=now)


def is_open(asked: FlexRequest, now: datetime) -> bool:
    return RequestRow(asked, now).is_open


def _ends(numbers: Sequence[int]) -> tuple[int, int] | None:
    return (min(numbers), max(numbers)) if numbers else None


def editor_data(
    membership: Membership, offer: FlexOffer, isps: Sequence[Any], reasons: Sequence[uftp.Reason]
) -> dict[str, Any]:
    point = offer.congestion_point
    return {
        "draft": offer.draft,
        "token": trading.token_of(offer.draft),
        "request": {"isps": isps},
        "zone": point.time_zone,
        "isp_minutes": minutes_of(point),
        "currency": offer.currency,
        "counterparty": offer.counterparty.name,
        "findings": drafting.findings(reasons),
        "check_url": scope.url(membership, "agr-offer-check", offer.pk),
        "save_url": scope.url(membership, "agr-offer-save", offer.pk),
        "send_url": scope.url(membership, "agr-offer-send", offer.pk),
    }


# --- what the page asks while somebody types ----------------------------------------------------------


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def check(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """All reasons why what is typed could not be sent now; nothing is stored."""
    offer, now = queries.offers(membership.participant).get(pk=pk), timezone.now()
    return drafting.answered(
        request.body, lambda draft: {"findings": drafting.findings(trading.check_offer(offer, draft, now))}
    )


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def save(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    now = timezone.now()

    def keep(draft: drafting.Draft) -> dict[str, Any]:
        seen = request.headers.get("If-Match", "").strip('"')
        offer = trading.keep_offer_draft(membership.participant, pk, draft, membership.user, now, seen)
        return {"saved_at": formats.iso(now), "state": offer.state, "token": trading.token_of(offer.draft)}

    try:
        return drafting.answered(request.body, keep)
    except trading.StaleDraft as stale:
        return JsonResponse(conflict_of(stale, membership), status=409)


def conflict_of(stale: trading.StaleDraft, membership: Membership) -> dict[str, Any]:
    """The version that stands there now, and whose it is: the page asks which of the two is to stay."""
    row = stale.row
    at = formats.clock(row.state_at, row.congestion_point.time_zone, seconds=True)
    mine = row.drafted_by is None or row.drafted_by == membership.user
    who = "another window" if mine else str(row.drafted_by)
    sentence = f"Another version of {row} was saved at {at}, by {who}. What you typed is still here."
    return {
        "sentence": f"{sentence} Which is to stay?",
        "theirs": row.draft,
        "token": trading.token_of(row.draft),
    }


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def preview(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    offer, now = queries.offers(membership.participant).get(pk=pk), timezone.now()
    posted = request.POST.get("draft")
    return drafting.previewed(posted, offer.draft, lambda draft: trading.preview_offer(offer, draft, now))


# --- sending ----------------------------------------------------------------------------------------


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def send(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Keep what was typed, then send it. Refused: the editor again, with every reason and every cell."""
    now, agr, user = timezone.now(), membership.participant, membership.user

    def keep_and_send() -> None:
        if "draft" in request.POST:
            seen = request.POST.get("token")
            trading.keep_offer_draft(agr, pk, drafting.read(request.POST["draft"]), user, now, seen)
        trading.send_offer(agr, pk, by=user, now=now)

    try:
        reasons = drafting.reasons_against(keep_and_send)
    except trading.StaleDraft as stale:
        return undecided(request, membership, stale, now)
    if reasons:
        messages.error(request, drafting.not_sent(reasons))
        offer = queries.offers(agr).get(pk=pk)
        return page(request, membership, offer, now, reasons, status=422)
    messages.success(request, f"O-{pk} is signed and on its way.")
    return redirect(scope.url(membership, "agr-offer", pk))


def undecided(
    request: HttpRequest, membership: Membership, stale: trading.StaleDraft, now: datetime
) -> HttpResponse:
    """Nothing was sent: the editor again with what was typed, and the question which version is to stay."""
    offer = queries.offers(membership.participant).get(pk=stale.row.pk)
    offer.draft = drafting.read(request.POST["draft"])
    reasons = trading.check_offer(offer, offer.draft, now)
    return page(request, membership, offer, now, reasons, 409, conflict_of(stale, membership))


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def schedule(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Send a draft by itself at a local time; an empty time takes the plan back."""
    offer = queries.offers(membership.participant).get(pk=pk)
    zone = formats.zone_info(offer.congestion_point.time_zone)
    typed = request.POST.get("at", "").strip()
    try:
        at = datetime.fromisoformat(typed) if typed else None
        at = at.replace(tzinfo=zone) if at is not None and at.tzinfo is None else at
        trading.schedule_offer(membership.participant, pk, at, by=membership.user, now=timezone.now())
    except ValueError as error:
        if isinstance(error, domain.IllegalMove):
            raise
        messages.error(request, f"“{typed}” is no time: give a day and a time, such as 2026-03-01 14:00.")
    except trading.Refused as error:
        messages.error(request, f"Not planned: {error}")
    else:
        words = f"planned for {formats.day_name(at.date())} {at:%H:%M}" if at else "not planned any more"
        messages.success(request, f"{offer} is {words}.")
    return redirect(scope.url(membership, "agr-offer", pk))


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def delete(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    trading.delete_offer_draft(membership.participant, pk)
    messages.success(request, f"The draft O-{pk} is deleted.")
    return redirect(scope.url(membership, "agr-offers"))
