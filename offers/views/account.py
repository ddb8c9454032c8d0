"""One's own account: password, second factor, and the sessions that are open in one's name."""

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

from offers.models import Membership

from . import scope

# Each calls itself by the names of those after it, too.
BROWSERS = [
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
]
SYSTEMS = [
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
]


@require_safe
@login_required
def show(request: HttpRequest) -> HttpResponse:
    factors = {factor.type: factor for factor in Authenticator.objects.filter(user_id=request.user.pk)}
    codes = factors.get(Authenticator.Type.RECOVERY_CODES)
    context = {
        "factor": factors.get(Authenticator.Type.TOTP),
        "codes_left": len(codes.wrap().get_unused_codes()) if codes is not None else 0,
        "sessions": [(row, browser(row.user_agent)) for row in _sessions(request)],
        "ping_url": reverse("live"),
        "token_pages": _token_pages(request),
    }
    return render(request, "account/account.html", context)


def _sessions(request: HttpRequest) -> list[UserSession]:
    """The sessions that are open, this one first."""
    found: list[UserSession] = UserSession.objects.purge_and_list(request.user)
    return sorted(found, key=lambda row: (not row.is_current(), -row.last_seen_at.timestamp()))


def browser(user_agent: str) -> str:
    """Enough of it to tell one's own browsers apart."""
    program = next((name for mark, name in BROWSERS if mark in user_agent), "another program")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{program} on {system}" if system else program


def _token_pages(request: HttpRequest) -> list[tuple[str, str]]:
    mine = Membership.objects.filter(user_id=request.user.pk or 0, participant__hosted=True)
    rows = mine.select_related("participant")
    return [(str(row.participant), scope.url(row, "tokens")) for row in rows]


@require_POST
@login_required
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(UserSession, pk=pk, user_id=request.user.pk)
    if row.is_current():
        logout(request)
        return redirect(reverse("account_login"))
    row.end()
    messages.success(request, "The session is ended.")
    return redirect("account")


@require_POST
@login_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    others = [row for row in UserSession.objects.filter(user_id=request.user.pk) if not row.is_current()]
    for row in others:
        row.end()
    messages.success(request, f"Sessions ended: {len(others)}. Tokens of your programs go on working.")
    return redirect("account")


urlpatterns = [
    path("account/", show, name="account"),
    path("account/", show, name="mfa_index"),  # where the pages for second factors lead back to
    path("account/sessions/end/", end_other_sessions, name="sessions-end"),
    path("account/sessions/<int:pk>/end/", end_session, name="session-end"),
]
