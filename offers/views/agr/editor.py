"""The offer editor: opened, checked while typing, saved, sent now or later, shown as XML, thrown away."""

import json
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

from . import queries, space
from .options import options_of
from .rows import RequestRow, minutes_of

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
    if asked is not None and not RequestRow(asked, now).is_open:
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
        "closes_at": asked.expires_at if asked is not None else None,
        "steps": space.steps(point, offer.period, numbers, now, asked),
        "figure": space.figure(isps, []),
        "contract": f"Contract {offer.contract}" if offer.contract is not None else None,
        "back_url": scope.url(membership, "agr-offer", offer.pk),
        "preview_url": scope.url(membership, "agr-offer-preview", offer.pk),
        "delete_url": scope.url(membership, "agr-offer-delete", offer.pk),
        "zone": point.time_zone,
        "isp_minutes": minutes_of(point),
        "editor_data": editor_data(membership, offer, isps, reasons),
    }
    return scope.render(request, membership, "agr/editor.html", context, status=status, now=now)


def _ends(numbers: Sequence[int]) -> tuple[int, int] | None:
    return (min(numbers), max(numbers)) if numbers else None


def editor_data(
    membership: Membership, offer: FlexOffer, isps: Sequence[Any], reasons: Sequence[uftp.Reason]
) -> dict[str, Any]:
    point = offer.congestion_point
    return {
        "draft": offer.draft,
        "request": {"isps": isps},
        "zone": point.time_zone,
        "isp_minutes": minutes_of(point),
        "currency": offer.currency,
        "counterparty": offer.counterparty.name,
        "findings": findings(reasons),
        "check_url": scope.url(membership, "agr-offer-check", offer.pk),
        "save_url": scope.url(membership, "agr-offer-save", offer.pk),
        "send_url": scope.url(membership, "agr-offer-send", offer.pk),
    }


def findings(reasons: Sequence[uftp.Reason]) -> list[dict[str, str]]:
    return [{"field": reason.field, "text": reason.text, "severity": "error"} for reason in reasons]


# --- what the page asks while somebody types ----------------------------------------------------------


class Unreadable(ValueError):
    """What was posted is no draft; the text says why."""


def read(text: bytes | str) -> dict[str, Any]:
    """The draft in a posted text. Anything that a database could not keep is refused here."""
    try:
        draft = json.loads(text)
        kept = json.dumps(draft, ensure_ascii=False, allow_nan=False)
        kept.encode()
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"This is no draft: {error}.") from error
    if not isinstance(draft, dict) or "\\u0000" in kept:
        raise Unreadable("A draft is a JSON object without NUL characters.")
    return draft


def _refused(sentence: str, status: int) -> JsonResponse:
    return JsonResponse({"sentence": sentence}, status=status)


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def check(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """All reasons why what is typed could not be sent now; nothing is stored."""
    offer = queries.offers(membership.participant).get(pk=pk)
    try:
        draft = read(request.body)
    except Unreadable as error:
        return _refused(str(error), 400)
    return JsonResponse({"findings": findings(trading.check_offer(offer, draft, timezone.now()))})


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def save(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    now = timezone.now()
    try:
        offer = trading.save_offer_draft(
            membership.participant, pk, read(request.body), by=membership.user, now=now
        )
    except Unreadable as error:
        return _refused(str(error), 400)
    except domain.IllegalMove as error:
        return _refused(str(error), 409)
    return JsonResponse({"saved_at": formats.iso(now), "state": offer.state})


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def preview(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The XML as it would go out now; the reasons as text where it cannot be written yet."""
    offer = queries.offers(membership.participant).get(pk=pk)
    try:
        draft = read(request.POST.get("draft") or json.dumps(offer.draft))
        text = trading.preview_offer(offer, draft, timezone.now())
    except (Unreadable, drafts.NotADraft, uftp.BadMessage) as error:
        return _plain(str(error), 422)
    except trading.Refused as error:
        return _plain("\n".join(f"{r.field}: {r.text}" for r in error.reasons), 422)
    return _plain(text, 200)


def _plain(text: str, status: int) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")


# --- sending ----------------------------------------------------------------------------------------


@scope.page(Right.TRADE, Role.AGR)
@require_POST
def send(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Keep what was typed, then send it. Refused: the editor again, with every reason and every cell."""
    now, agr = timezone.now(), membership.participant
    reasons: list[uftp.Reason] = []
    try:
        if "draft" in request.POST:
            trading.save_offer_draft(agr, pk, read(request.POST["draft"]), by=membership.user, now=now)
        trading.send_offer(agr, pk, by=membership.user, now=now)
    except trading.Refused as error:
        reasons = error.reasons
    except (Unreadable, drafts.NotADraft, uftp.BadMessage) as error:
        reasons = [uftp.Reason(field="", text=str(error))]
    if reasons:
        return _not_sent(request, membership, pk, reasons, now)
    messages.success(request, f"O-{pk} is signed and on its way.")
    return redirect(scope.url(membership, "agr-offer", pk))


def _not_sent(
    request: HttpRequest, membership: Membership, pk: int, reasons: Sequence[uftp.Reason], now: datetime
) -> HttpResponse:
    count = "1 reason" if len(reasons) == 1 else f"{len(reasons)} reasons"
    messages.error(request, f"Not sent, for {count}: see Checks. What you typed is kept.")
    offer = queries.offers(membership.participant).get(pk=pk)
    return page(request, membership, offer, now, reasons, status=422)


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
