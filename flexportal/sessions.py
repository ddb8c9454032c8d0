"""How long a session lasts, what it has proved, and what it may not see before it has."""

from datetime import timedelta
from typing import Any, Final

from allauth.account.signals import authentication_step_completed
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from flexportal.middleware import Handler
from offers.models import Membership, Right

BEGAN: Final = "began"  # when somebody logged in
SEEN: Final = "seen"  # when a person last did something
PROVED: Final = "proved"  # when they last proved who they are
FACTOR: Final = "second_factor"  # whose second factor was shown

SEEN_EVERY = 60  # seconds; a write for every request would stop SQLite's other writers
LATELY = timedelta(minutes=5)
POLL: Final = "Poll"  # the header of a request that no person made
MACHINES = ("/health/", "/shapeshifter/")

# What a person may see who has yet to set up a second factor.
BEFORE = {
    "account",
    "account_change_password",
    "account_login",
    "account_logout",
    "account_reauthenticate",
    "live",
    "message",
    "mfa_activate_totp",
    "mfa_authenticate",
    "mfa_index",
    "mfa_reauthenticate",
    "ready",
    "session-end",
    "sessions-end",
}


def _instant() -> float:
    return timezone.now().timestamp()


# --- what is noted --------------------------------------------------------------------------------------


@receiver(user_logged_in)
def begin(request: HttpRequest, **kwargs: Any) -> None:
    now = _instant()
    request.session.update({BEGAN: now, SEEN: now, PROVED: now})


@receiver(authentication_step_completed)
def step(request: HttpRequest, method: str, user: User, **kwargs: Any) -> None:
    """A password or a code was right. Who steps up gets a new session id, as who logs in does."""
    request.session[PROVED] = _instant()
    if method == "mfa":
        request.session[FACTOR] = user.pk
    if kwargs.get("reauthenticated"):
        before = request.session.session_key
        request.session.cycle_key()
        UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


@receiver(authenticator_added)
def end_others(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """A session that was opened without the second factor does not outlive its coming."""
    request.session[FACTOR] = user.pk
    here = request.session.session_key
    for other in UserSession.objects.filter(user=user).exclude(session_key=here):
        other.end()


def proved_lately(request: HttpRequest) -> bool:
    proved = request.session.get(PROVED, 0)
    return bool(_instant() - proved < LATELY.total_seconds())


# --- the end of a session -------------------------------------------------------------------------------


def lifetime(get_response: Handler) -> Handler:
    """A session ends when nobody did anything for a while, and in any case after a working day."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and not request.path.startswith(MACHINES):
            _end_or_note(request)
        return get_response(request)

    return middleware


def _end_or_note(request: HttpRequest) -> None:
    if not request.user.is_authenticated:
        return
    now, by_hand = _instant(), POLL not in request.headers
    why = _over(request, now)
    if why:
        logout(request)
        if by_hand:
            messages.info(request, why)
    elif by_hand and now - request.session[SEEN] >= SEEN_EVERY:
        request.session[SEEN] = now
        here = UserSession.objects.filter(session_key=request.session.session_key)
        here.update(last_seen_at=timezone.now(), ip=request.META["REMOTE_ADDR"])


def _over(request: HttpRequest, now: float) -> str:
    """Why the session is over, or nothing. One from before this was counted begins now."""
    began = request.session.setdefault(BEGAN, now)
    seen = request.session.setdefault(SEEN, now)
    if now - seen >= settings.SESSION_IDLE_MINUTES * 60:
        return f"You were logged out: nothing was done for {settings.SESSION_IDLE_MINUTES} minutes."
    if now - began >= settings.SESSION_COOKIE_AGE:
        return f"You were logged out after {settings.SESSION_COOKIE_AGE // 3600} hours."
    return ""


# --- the second factor ----------------------------------------------------------------------------------


def must_have_factor(user: User | AnonymousUser) -> bool:
    """Whether this installation asks `user` for a second factor: all who may do more than look."""
    if not settings.REQUIRE_MFA or not user.is_authenticated:
        return False
    return user.is_staff or user.is_superuser or _trades(user)


def _trades(user: User) -> bool:
    return Membership.objects.filter(user_id=user.pk).exclude(right=Right.VIEW).exists()


class SecondFactor:
    """Nothing of the market and nothing of the admin before the second factor was shown."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        match = request.resolver_match
        if not settings.REQUIRE_MFA or match is None or match.view_name in BEFORE:
            return None
        user = request.user
        has = user.is_authenticated and Authenticator.objects.filter(user_id=user.pk, type="totp").exists()
        if has and request.session.get(FACTOR) == user.pk:
            return None
        if not must_have_factor(user):
            return None
        if not has:
            return _refused(request, "mfa_activate_totp", "Set up your second factor first.")
        logout(request)
        return _refused(request, "account_login", "Log in with your second factor.")


def _refused(request: HttpRequest, page: str, sentence: str) -> HttpResponse:
    if request.path.startswith("/api/v1/"):
        return JsonResponse({"detail": sentence}, status=403)
    return redirect(page)
