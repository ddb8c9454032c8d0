"""G37: what every answer tells a browser not to allow, and what a production adds."""

import ast
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import registry
from django.http import HttpResponse
from django.test import Client

from flexportal import checks
from offers.services import tokens
from tests.cast import NOON, Cast
from tests.test_settings import PRODUCTION, load
from tests.walk import routes

pytestmark = pytest.mark.django_db

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def every_answer(client: Client, **extra: Any) -> dict[str, HttpResponse]:
    """What each route of the project answers to a GET, right or wrong, and what is no route at all."""
    parts = {"domain": "agr.demo.example", "group": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}
    addresses = [
        route.address(**parts, role="dso" if route.side == "dso" else "agr") for route in routes.all_routes()
    ]
    addresses += ["/nowhere/", "/static/icons.svg", "/static/nothing.js"]
    return {address: client.get(address, **extra) for address in addresses}


def policy_of(answer: HttpResponse) -> dict[str, str]:
    words = [part.strip().partition(" ") for part in answer.headers["Content-Security-Policy"].split(";")]
    return {name: value for name, _, value in words}


@pytest.mark.parametrize("who", ["nobody", "trader", "admin"])
def test_g37_every_answer_says_what_a_browser_may_not_do(everybody: Cast, who: str) -> None:
    client = Client(raise_request_exception=False)
    if who != "nobody":
        client.force_login(getattr(everybody, who))
    answers = every_answer(client)
    assert len(answers) > 150
    for address, answer in answers.items():
        assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS, address
        assert answer.headers.get("X-Frame-Options") == "DENY" or address.startswith("/static/"), address
        policy = policy_of(answer)
        assert {name: policy[name] for name in POLICY} == POLICY, address
        assert "unsafe" not in answer.headers["Content-Security-Policy"], address


def test_g37_what_somebody_saw_stays_in_no_cache(everybody: Cast) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(everybody.trader)
    for address, answer in every_answer(client).items():
        said = answer.headers.get("Cache-Control", "")
        kept = address.startswith(("/static/", "/health/"))
        assert kept or "no-store" in said or "private" in said and "no-cache" in said, (address, said)


def test_g37_what_a_program_saw_stays_in_no_cache(everybody: Cast) -> None:
    membership = everybody.trader.memberships.get()
    secret = tokens.create(membership, "a program", everybody.trader, NOON)[1]
    answer = Client().get("/api/v1/offers/", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200 and "no-store" in answer.headers["Cache-Control"]


def test_g37_a_card_that_follows_the_market_is_still_asked_for_by_its_tag(everybody: Cast) -> None:
    client = Client()
    client.force_login(everybody.trader)
    part = client.get("/agr/agr.demo.example/offers/", headers={"HX-Request": "true"})
    again = {"HX-Request": "true", "If-None-Match": part["ETag"]}
    assert client.get("/agr/agr.demo.example/offers/", headers=again).status_code == 304


def test_g37_production_speaks_https_for_a_year_and_binds_its_cookies(
    everybody: Cast, settings: Any, tmp_path: Path
) -> None:
    wanted = [
        "SECURE_HSTS_SECONDS",
        "SECURE_HSTS_INCLUDE_SUBDOMAINS",
        "SECURE_SSL_REDIRECT",
        "SESSION_COOKIE_NAME",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_NAME",
        "CSRF_COOKIE_SECURE",
        "REQUIRE_MFA",
    ]
    said = load(tmp_path, f"{{n: getattr(s, n) for n in {wanted}}}", **PRODUCTION)
    for name, value in ast.literal_eval(said).items():
        setattr(settings, name, value)
    assert settings.REQUIRE_MFA
    client = Client()
    assert client.get("/login/")["Location"].startswith("https://")
    page = client.get("/login/", secure=True)
    assert page["Strict-Transport-Security"].startswith("max-age=31536000; includeSubDomains")
    client.post("/login/", {"login": "reader", "password": "correct horse battery staple"}, secure=True)
    cookies = {name: cookie for name, cookie in client.cookies.items() if cookie.value}
    assert set(cookies) == {"__Host-flexportal_session", "__Host-flexportal_csrf"}
    for cookie in cookies.values():
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", ""), cookie
        assert cookie["httponly"] and cookie["samesite"] == "Lax", cookie


def test_g37_a_production_that_asks_for_no_second_factor_is_refused(settings: Any) -> None:
    settings.REQUIRE_MFA = True
    assert checks.second_factor(None) == []
    settings.REQUIRE_MFA = False
    assert [error.id for error in checks.second_factor(None)] == ["flexportal.E001"]
    assert checks.second_factor in registry.registry.get_checks(include_deployment_checks=True)
