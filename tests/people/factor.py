"""A person with an authenticator app, and a browser of theirs."""

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.auth.models import User
from django.test import Client

from tests.cast import PASSWORD


def code(secret: str) -> str:
    """What the app shows now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def enrol(user: User) -> str:
    """Give somebody a second factor; the secret in their app."""
    secret: str = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def recovery_codes(user: User) -> list[str]:
    found: list[str] = RecoveryCodes.activate(user).generate_codes()
    return found


def log_in(user: User, secret: str = "", client: Client | None = None) -> Client:
    """By the login page: name and password, and the code if there is a second factor."""
    client = client or Client()
    answer: Any = client.post("/login/", {"login": user.username, "password": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()
    if secret:
        assert answer["Location"] == "/login/code/"
        answer = client.post("/login/code/", {"code": code(secret)})
        assert answer.status_code == 302, answer.content.decode()
    return client


def has_factor(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type="totp").exists())


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200
