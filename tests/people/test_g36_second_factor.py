"""G36: who may do more than look has a second factor, its codes work once, and keys ask for a fresh proof."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.test import Client
from django.utils import timezone

from flexportal import sessions
from offers.models import Membership, Right
from offers.services import tokens
from tests.cast import PASSWORD, Cast
from tests.people import factor
from tests.walk import routes

DESK = "/agr/agr.demo.example/"
SET_UP = "/account/second-factor/"
SOON = 6 * 60  # seconds; longer than a proof of who somebody is lasts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def required(settings: Any) -> None:
    settings.REQUIRE_MFA = True


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel("2026-03-02T11:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test runs in a transaction that never commits; what waits for that is done at once."""
    monkeypatch.setattr(transaction, "on_commit", lambda done, **options: done())


def guarded() -> list[str]:
    """The address of every route of the project, but of those that somebody without a factor may see."""
    parts = {"role": "agr", "domain": "agr.demo.example", "group": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}
    mine = [route for route in routes.all_routes() if route.name not in sessions.BEFORE]
    return [route.address(**{**parts, **({"role": "dso"} if route.side == "dso" else {})}) for route in mine]


@pytest.mark.parametrize("who", ["trader", "manager", "admin"])
def test_g36_nothing_is_seen_before_the_second_factor_is_set_up(everybody: Cast, who: str) -> None:
    client = factor.log_in(getattr(everybody, who))
    seen = {address: client.get(address) for address in guarded()}
    assert len(seen) > 100
    for address, answer in seen.items():
        if address.startswith("/api/v1/"):
            assert (answer.status_code, answer.json()["detail"][:6]) == (403, "Set up"), address
        else:
            assert (answer.status_code, answer.headers.get("Location")) == (302, SET_UP), address
    assert client.post(f"{DESK}offers/1/revoke/")["Location"] == SET_UP


def test_g36_control_without_the_requirement_a_password_is_enough(everybody: Cast, settings: Any) -> None:
    settings.REQUIRE_MFA = False
    assert factor.log_in(everybody.trader).get(DESK).status_code == 200


def test_g36_who_may_only_look_needs_none(everybody: Cast) -> None:
    assert factor.log_in(everybody.reader).get(DESK).status_code == 200
    Membership.objects.filter(user=everybody.reader).update(right=Right.TRADE)
    assert factor.log_in(everybody.reader).get(DESK)["Location"] == SET_UP


def test_g36_a_trader_sets_it_up_and_goes_on(everybody: Cast, committed: None) -> None:
    client = factor.log_in(everybody.trader)
    page = client.get(SET_UP).content.decode()
    found = re.search(r'<code class="secret"[^>]*>([A-Z2-7]+)', page)
    assert found is not None
    assert client.post(SET_UP, {"code": "000000"}).status_code == 200
    done = client.post(SET_UP, {"code": factor.code(found[1])})
    assert done["Location"] == "/account/recovery-codes/"
    assert len(re.findall(r"^(?:.*>)?\d{8}$", client.get(done["Location"]).content.decode(), re.M)) == 10
    assert "not shown again" in client.get(done["Location"]).content.decode()
    assert client.get(DESK).status_code == 200


def test_g36_a_password_alone_is_half_a_login(everybody: Cast) -> None:
    factor.enrol(everybody.trader)
    client = Client()
    client.post("/login/", {"login": "trader", "password": PASSWORD})
    assert client.get(DESK)["Location"].startswith("/login/?next=")
    assert client.get("/api/v1/").status_code == 401
    assert client.get("/account/").status_code == 302


def test_g36_a_session_without_the_factor_does_not_outlive_its_coming(
    everybody: Cast, committed: None
) -> None:
    elsewhere = factor.log_in(everybody.trader)
    client = factor.log_in(everybody.trader)
    secret = client.get(SET_UP).context["form"].secret
    client.post(SET_UP, {"code": factor.code(secret)})
    assert factor.is_in(client) and not factor.is_in(elsewhere)


def test_g36_a_session_that_never_showed_the_factor_shows_nothing(everybody: Cast) -> None:
    client = Client()
    client.force_login(everybody.trader)  # as if it had been opened before there was a factor
    factor.enrol(everybody.trader)
    assert client.get(DESK)["Location"] == "/login/"
    assert not factor.is_in(client)


def test_g36_who_needs_it_cannot_turn_it_off(everybody: Cast) -> None:
    client = factor.log_in(everybody.trader, factor.enrol(everybody.trader))
    assert "cannot be turned off" in client.post(f"{SET_UP}off/").content.decode()
    assert factor.has_factor(everybody.trader)


def test_g36_who_does_not_need_it_may_turn_it_on_and_off(everybody: Cast) -> None:
    client = factor.log_in(everybody.reader, factor.enrol(everybody.reader))
    client.post(f"{SET_UP}off/")
    assert not factor.has_factor(everybody.reader)


def test_g36_an_admin_takes_it_away_from_who_lost_it(everybody: Cast) -> None:
    trader = factor.log_in(everybody.trader, factor.enrol(everybody.trader))
    chief = factor.log_in(everybody.admin, factor.enrol(everybody.admin))
    action = {"action": "take_second_factor", "_selected_action": [everybody.trader.pk]}
    chief.post("/admin/auth/user/", action)
    assert not factor.has_factor(everybody.trader) and not factor.is_in(trader)
    assert factor.has_factor(everybody.admin)


# --- codes ----------------------------------------------------------------------------------------------


def test_g36_a_code_works_once(everybody: Cast, clock: Any) -> None:
    secret = factor.enrol(everybody.trader)
    factor.log_in(everybody.trader, secret)
    again = Client()
    again.post("/login/", {"login": "trader", "password": PASSWORD})
    assert "used before" in again.post("/login/code/", {"code": factor.code(secret)}).content.decode()
    clock.shift(31)
    assert again.post("/login/code/", {"code": factor.code(secret)}).status_code == 302


@pytest.mark.parametrize("between", ["", " ", "-", "."])
def test_g36_a_code_is_used_up_in_every_process_and_spelling(
    everybody: Cast, clock: Any, between: str
) -> None:
    """The library notes it in a cache, which without Redis is one per process."""
    from django.core.cache import cache

    secret = factor.enrol(everybody.trader)
    factor.log_in(everybody.trader, secret)
    cache.clear()
    again = Client()
    again.post("/login/", {"login": "trader", "password": PASSWORD})
    code = factor.code(secret)
    assert again.post("/login/code/", {"code": code[:3] + between + code[3:]}).status_code == 200


def test_g36_a_token_from_before_the_right_does_not_trade_without_the_factor(everybody: Cast) -> None:
    membership = Membership.objects.get(user=everybody.trader)
    membership.right = Right.VIEW
    membership.save()
    _, secret = tokens.create(membership, "a program", everybody.trader, timezone.now())
    program = {"headers": {"Authorization": f"Bearer {secret}"}}
    assert Client().get("/api/v1/offers/", **program).status_code == 200  # type: ignore[arg-type]
    Membership.objects.filter(pk=membership.pk).update(right=Right.TRADE)
    answer = Client().get("/api/v1/offers/", **program)  # type: ignore[arg-type]
    assert answer.status_code == 403 and "second factor" in answer.json()["detail"]
    factor.enrol(everybody.trader)
    assert Client().get("/api/v1/offers/", **program).status_code == 200  # type: ignore[arg-type]


def test_g36_a_recovery_code_works_once(everybody: Cast) -> None:
    factor.enrol(everybody.trader)
    first = factor.recovery_codes(everybody.trader)[0]
    statuses = []
    for _ in range(2):
        client = Client()
        client.post("/login/", {"login": "trader", "password": PASSWORD})
        statuses.append(client.post("/login/code/", {"code": first}).status_code)
    assert statuses == [302, 200]


def test_g36_no_secret_lies_in_the_database_as_it_is(everybody: Cast) -> None:
    secret, codes = factor.enrol(everybody.trader), factor.recovery_codes(everybody.trader)
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored and not any(code in stored for code in codes)
    assert str(Authenticator.objects.get(type="recovery_codes").wrap().instance.data["seed"]) in stored


def test_g36_codes_are_not_guessed(everybody: Cast) -> None:
    secret = factor.enrol(everybody.trader)
    client = Client()
    client.post("/login/", {"login": "trader", "password": PASSWORD})
    statuses = [client.post("/login/code/", {"code": f"{n:06}"}).status_code for n in range(11)]
    assert statuses == [200] * 10 + [429]
    assert client.post("/login/code/", {"code": factor.code(secret)}).status_code == 429


# --- is it still you? -----------------------------------------------------------------------------------


# What asks for a fresh proof: who does it, where, with what.
STEPS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "make a signing key": ("admin", "{participant}keys/new/", {}),
    "trust a public key": ("admin", "{participant}keys/add/", {"public_key": "cs1.x"}),
    "retire a key": ("admin", "{participant}keys/{key}/retire/", {}),
    "make signing keys from the list": (
        "admin",
        "/admin/offers/participant/",
        {"action": "make_signing_keys"},
    ),
    "change a participant": ("admin", "{participant}change/", {"name": "x"}),
    "set a password": ("admin", "/admin/auth/user/{user}/password/", {}),
    "take a factor away": ("admin", "/admin/auth/user/", {"action": "take_second_factor"}),
    "make a token": ("trader", f"{DESK}tokens/new/", {"name": "x", "lifetime": "30"}),
    "turn the factor off": ("trader", f"{SET_UP}off/", {}),
    "new recovery codes": ("trader", "/account/recovery-codes/new/", {}),
}


@pytest.mark.parametrize("what", STEPS)
def test_g36_it_asks_once_more_who_it_is(everybody: Cast, clock: Any, what: str) -> None:
    name, address, form = STEPS[what]
    who, key = getattr(everybody, name), everybody.agr.keys.get()
    client = factor.log_in(who, factor.enrol(who))
    clock.shift(SOON)
    participant = f"/admin/offers/participant/{everybody.agr.pk}/"
    address = address.format(participant=participant, key=key.pk, user=everybody.trader.pk)
    chosen = {"_selected_action": [everybody.trader.pk if "user" in address else everybody.agr.pk]}
    answer = client.post(address, {**form, **chosen})
    assert answer.status_code == 302 and answer["Location"].startswith("/account/confirm/?next=")
    assert everybody.agr.keys.get().valid_to == key.valid_to
    assert factor.has_factor(who)


@pytest.mark.parametrize("by", ["password", "code"])
def test_g36_after_the_proof_it_is_done(everybody: Cast, clock: Any, by: str) -> None:
    secret = factor.enrol(everybody.admin)
    chief = factor.log_in(everybody.admin, secret)
    clock.shift(SOON)
    page = chief.post(f"/admin/offers/participant/{everybody.agr.pk}/keys/new/")["Location"]
    if by == "code":
        page = page.replace("confirm/", "confirm/code/")
    proof = {"password": PASSWORD} if by == "password" else {"code": factor.code(secret)}
    chief.post(page, proof)
    assert everybody.agr.keys.count() == 2
    chief.post(f"/admin/offers/participant/{everybody.agr.pk}/keys/new/")
    assert everybody.agr.keys.count() == 3  # for five minutes it is known


def test_g36_a_wrong_proof_does_nothing(everybody: Cast, clock: Any) -> None:
    chief = factor.log_in(everybody.admin, factor.enrol(everybody.admin))
    clock.shift(SOON)
    page = chief.post(f"/admin/offers/participant/{everybody.agr.pk}/keys/new/")["Location"]
    assert "not your password" in chief.post(page, {"password": "wrong"}).content.decode()
    assert everybody.agr.keys.count() == 1
