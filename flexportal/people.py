"""Logging in: what allauth is told about us, with limits that hold in parallel and codes that work once."""

import logging
from datetime import timedelta
from math import ceil
from typing import Any, ClassVar, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import ChangePasswordForm as StockChangePasswordForm
from allauth.account.forms import LoginForm as StockLoginForm
from allauth.account.forms import ReauthenticateForm as StockConfirmForm
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm as StockCodeForm
from allauth.mfa.base.forms import ReauthenticateForm as StockConfirmByCodeForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm as StockSetUpForm
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import urlencode

from flexportal import sessions
from offers.services import arrivals, keys, rates

log = logging.getLogger(__name__)

WINDOW: Final = timedelta(minutes=15)
CODE_LIVES: Final = timedelta(minutes=5)  # longer than any clock drift that a code survives

SAID: Final = {
    "account/messages/password_changed.txt": "Your password is changed. All other sessions of yours ended.",
    "mfa/messages/totp_activated.txt": "Two-factor login is on. All other sessions of yours ended.",
    "mfa/messages/totp_deactivated.txt": "Two-factor login is off.",
    "mfa/messages/recovery_codes_generated.txt": "These are your recovery codes. They are shown this once.",
}


def _too_many(request: HttpRequest, wait: timedelta) -> ImmediateHttpResponse:
    """429 and when to come back: the same words whether or not there is such a user."""
    minutes = ceil(wait.total_seconds() / 60)
    log.warning("Too many wrong logins from %s", request.META["REMOTE_ADDR"])
    response = render(request, "account/too_many.html", {"minutes": minutes}, status=429)
    response["Retry-After"] = str(ceil(wait.total_seconds()))
    return ImmediateHttpResponse(response)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts are made by admins. Every try at a password is counted before the password is looked at."""

    error_messages: ClassVar[dict[str, Any]] = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "There is no such user, or the password is another one.",
        "incorrect_password": "This is not your password.",
        "enter_current_password": "This is not your password.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return str(request.META["REMOTE_ADDR"])  # flexportal.middleware saw to the proxies

    def is_ajax(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        text = kwargs.get("message") or SAID.get(next(iter(args), kwargs.get("message_template")) or "")
        if text:
            messages.add_message(request, level, text)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        name, address = str(credentials["username"]).lower(), self.get_client_ip(request)
        self.pre_authenticate(request, username=name)
        found = authenticate(request, username=credentials["username"], password=credentials["password"])
        if found is None:
            log.warning("A wrong password from %s", address)
            return None
        rates.forget(_by_name(name, address))
        rates.give_back(_by_address(address), timezone.now())
        assert isinstance(found, User)  # noqa: S101  # for the type checker
        return found

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Per address, and per user name and address: who is locked out here can log in elsewhere."""
        now, address = timezone.now(), self.get_client_ip(request)
        wait = rates.take(_by_address(address), settings.LOGIN_TRIES_PER_ADDRESS, WINDOW, now)
        if wait is None:
            wait = rates.take(_by_name(credentials["username"], address), settings.LOGIN_TRIES, WINDOW, now)
        if wait is not None:
            raise _too_many(request, wait)

    def reauthenticate(self, user: User, password: str) -> bool:
        found = self.authenticate(context.request, username=user.get_username(), password=password)
        return found is not None and found.pk == user.pk

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not for a few minutes after a login."""
        return not sessions.proved_lately(context.request)


def _by_name(name: str, address: str) -> str:
    return f"login {arrivals.origin(address)} {name}"


def _by_address(address: str) -> str:
    return f"login {arrivals.origin(address)}"


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """The secrets of second factors lie under the master key, as the signing keys do."""

    error_messages: ClassVar[dict[str, Any]] = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is wrong, too old, or was used before.",
        "cannot_delete_authenticator": "Your rights need a second factor; it cannot be turned off.",
    }

    def encrypt(self, text: str) -> str:
        return keys.conceal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return keys.reveal(encrypted_text)

    def get_totp_label(self, user: User) -> str:
        return f"{user.get_username()} at {context.request.get_host()}"

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return not sessions.must_have_factor(authenticator.user)


# --- forms ----------------------------------------------------------------------------------------------


class _Plain(forms.Form):
    """No placeholders: a label stays when somebody types."""

    labels: ClassVar[dict[str, str]] = {}
    helps: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            field.help_text = self.helps.get(name, "")


class LoginForm(_Plain, StockLoginForm):  # type: ignore[misc]
    labels: ClassVar = {"login": "User name"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs["autofocus"] = True


class ConfirmForm(_Plain, StockConfirmForm):  # type: ignore[misc]
    labels: ClassVar = {"password": "Your password"}


class ChangePasswordForm(_Plain, StockChangePasswordForm):  # type: ignore[misc]
    labels: ClassVar = {
        "oldpassword": "Password until now",
        "password1": "New password",
        "password2": "The new password once more",
    }
    helps: ClassVar = {"password1": "At least 8 characters; a sentence is easier to keep than a riddle."}

    def clean_oldpassword(self) -> str:
        """Counted like a login: this form is no second door."""
        password = str(self.cleaned_data["oldpassword"])
        adapter = AccountAdapter(context.request)
        if not adapter.reauthenticate(self.user, password):
            raise adapter.validation_error("enter_current_password")
        return password


class _Once(_Plain):
    """A code: tries are counted per user, since who gets here knows the password; a right one works once."""

    labels: ClassVar = {"code": "Code"}
    helps: ClassVar = {"code": "The six digits in your authenticator app, or one of your recovery codes."}
    user: User

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {"inputmode": "numeric", "autofocus": True}

    def clean_code(self) -> str:
        now, tries = timezone.now(), f"code {self.user.pk}"
        wait = rates.take(tries, settings.LOGIN_TRIES, WINDOW, now)
        if wait is not None:
            raise _too_many(context.request, wait)
        code = str(super().clean_code())  # type: ignore[misc]  # the form that this is mixed into
        used = f"used {self.user.pk} {''.join(filter(str.isalnum, code)).lower()}"  # as allauth reads it
        if rates.take(used, 1, CODE_LIVES, now) is not None:
            raise MFAAdapter().validation_error("incorrect_code")
        rates.forget(tries)
        return code


class CodeForm(_Once, StockCodeForm):  # type: ignore[misc]
    pass


class ConfirmByCodeForm(_Once, StockConfirmByCodeForm):  # type: ignore[misc]
    pass


class SetUpForm(_Once, StockSetUpForm):  # type: ignore[misc]
    helps: ClassVar = {"code": "The six digits that the app shows now."}


# --- the admin's own doors lead here --------------------------------------------------------------------


def admin_login(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """The admin has no door of its own, which would know neither limits nor second factors."""
    user: User | AnonymousUser = request.user
    if user.is_authenticated and not user.is_staff:
        raise PermissionDenied("The admin is for staff.")
    if user.is_authenticated:
        return redirect("admin:index")
    wanted = urlencode({"next": request.GET.get("next") or "/admin/"})
    return redirect(f"{settings.LOGIN_URL}?{wanted}")


def admin_password(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    return redirect("account_change_password")
