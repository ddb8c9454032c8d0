"""Who may see a page, and what every page is given: the first three steps of each door."""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render as django_render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme

from offers import domain, models
from offers.models import Membership, Right, Role
from offers.services import keys, outbox
from offers.templatetags.addresses import address

from .waiting import waiting

P = ParamSpec("P")
NOT_NOW = (domain.IllegalMove, outbox.NotQueueable, keys.NoKey, keys.MasterKeyWrong)
View = Callable[Concatenate[HttpRequest, Membership, P], HttpResponseBase]
Door = Callable[..., HttpResponseBase]

NAV: dict[str, list[tuple[str, str, str]]] = {
    Role.AGR: [
        ("Desk", "agr-desk", "d"),
        ("Requests", "agr-requests", "r"),
        ("Offers", "agr-offers", "o"),
        ("Orders", "agr-orders", "e"),
        ("Console", "console", "c"),
    ],
    Role.DSO: [
        ("Desk", "dso-desk", "d"),
        ("Requests", "dso-requests", "r"),
        ("Review", "dso-offers", "o"),
        ("Orders", "dso-orders", "e"),
        ("Console", "console", "c"),
    ],
}


def page(needs: Right = Right.VIEW, *roles: Role) -> Callable[[View[P]], Door]:
    """A page of a hosted participant. Its address begins with the role and the domain.

    Anonymous: to the login. Stranger, or a participant of another role: 404, as if there were nothing.
    A member without the right: 403. A move that the table does not have: 409 and its sentence.
    """

    def decorate(view: View[P]) -> Door:
        @functools.wraps(view)
        @login_required
        def door(
            request: HttpRequest, role: str, domain: str, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            membership = member(request, role, domain, roles)
            if not membership.may(needs):
                raise PermissionDenied(
                    f"You may {membership.right} for {membership.participant}, not {needs}."
                )
            return _guarded(view, request, membership, *args, **kwargs)

        return door

    return decorate


def member(request: HttpRequest, role: str, domain_name: str, roles: tuple[Role, ...]) -> Membership:
    """The membership under which the request is made; Http404 for a stranger."""
    membership = models.membership_of(request.user, role, domain_name)
    if membership is None or (roles and membership.participant.role not in roles):
        raise Http404("There is no such page.")
    return membership


def _guarded(
    view: View[P], request: HttpRequest, membership: Membership, *args: P.args, **kwargs: P.kwargs
) -> HttpResponseBase:
    try:
        return view(request, membership, *args, **kwargs)
    except ObjectDoesNotExist as error:
        raise Http404("There is no such page.") from error
    except NOT_NOW as error:
        return conflict(request, membership, str(error))


def conflict(request: HttpRequest, membership: Membership, sentence: str) -> HttpResponse:
    """409: yours to do, but not now."""
    came_from = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, request.is_secure())
    back = {"back_url": came_from, "back_label": "Back"} if is_ours else {"back_url": desk_url(membership)}
    context = {"sentence": sentence, **back}
    return render(request, membership, "409.html", context, status=409)


def desk_url(membership: Membership) -> str:
    return url(membership, f"{membership.participant.role.lower()}-desk")


def url(membership: Membership, name: str, *args: Any) -> str:
    """The address of a page of the same participant."""
    participant = membership.participant
    return address(name, participant.role.lower(), participant.domain, *args)


def render(
    request: HttpRequest,
    membership: Membership,
    template: str,
    context: dict[str, Any] | None = None,
    status: int = 200,
    now: datetime | None = None,
) -> HttpResponse:
    """A page in its frame: participant, navigation, clock."""
    frame = {
        "now": now or timezone.now(),
        "participant": membership.participant,
        "membership": membership,
        "memberships": _memberships(request),  # read by the bar, which a poll does not ask for
        "may_trade": membership.may(Right.TRADE),
        "may_manage": membership.may(Right.MANAGE),
        "nav": SimpleLazyObject(lambda: _nav(request, membership, now or timezone.now())),
        "user_menu": [
            {"label": "API tokens", "url": url(membership, "tokens")},
            {"label": "API", "url": reverse("api-docs")},
        ],
        "ping_url": reverse("live"),
    }
    zone = _zone(membership.participant)
    return django_render(request, template, {**zone, **frame, **(context or {})}, status=status)


def _memberships(request: HttpRequest) -> Any:
    mine = Membership.objects.filter(user_id=request.user.pk or 0, participant__hosted=True)
    return mine.select_related("participant")


def _zone(participant: models.Participant) -> dict[str, Any]:
    """The clock of the participant's first market; a participant without one sees Amsterdam's."""
    point = models.CongestionPoint.objects.of(participant).first()
    if point is None:
        return {"zone": "Europe/Amsterdam", "isp_minutes": 15}
    return {"zone": point.time_zone, "isp_minutes": int(point.isp_duration.total_seconds() // 60)}


def _nav(request: HttpRequest, membership: Membership, now: datetime) -> list[dict[str, Any]]:
    entries = NAV.get(membership.participant.role, NAV[Role.AGR][-1:])
    counts = dict([waiting(membership.participant, now)])
    items = [
        {"label": label, "url": url(membership, name), "key": key, "count": counts.get(key, "")}
        for label, name, key in entries
    ]
    best = max(
        (i for i in items if request.path.startswith(i["url"])), key=lambda i: len(i["url"]), default=None
    )
    if best is items[0] and request.path != best["url"]:
        best = None  # every address begins with that of the desk
    return [{**item, "current": item is best} for item in items]
