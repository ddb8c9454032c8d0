"""G36: a session ends by itself, by its person and with its right; and its id is new at each step."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.test import Client

from offers.models import Membership, Right
from tests.cast import PASSWORD, Cast
from tests.people.factor import is_in, log_in

DESK = "/agr/agr.demo.example/"
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel("2026-03-02T11:00:00Z", tick=False) as traveller:
        yield traveller


def key_of(client: Client) -> str:
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


def with_key(key: str) -> Client:
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = key
    return thief


# --- ids ------------------------------------------------------------------------------------------------


def test_g36_a_login_has_a_session_id_that_nobody_knew_before(everybody: Cast) -> None:
    client = Client()
    client.get("/login/")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = before = session.session_key
    log_in(everybody.trader, client=client)
    assert key_of(client) != before
    assert is_in(client) and not is_in(with_key(before))


def test_g36_a_fresh_proof_has_a_session_id_that_nobody_knew_before(everybody: Cast) -> None:
    client = log_in(everybody.trader)
    before = key_of(client)
    client.post("/account/confirm/?next=/account/", {"password": PASSWORD})
    assert key_of(client) != before
    assert is_in(client) and not is_in(with_key(before))
    assert UserSession.objects.get(user=everybody.trader).session_key == key_of(client)


# --- time -----------------------------------------------------------------------------------------------


def test_g36_half_an_hour_without_a_hand_ends_it(everybody: Cast, clock: Any) -> None:
    client = log_in(everybody.trader)
    for _ in range(3):
        clock.shift(29 * MINUTE)
        assert is_in(client)
    clock.shift(30 * MINUTE)
    answer = client.get(DESK)
    assert answer["Location"] == f"/login/?next={DESK}"
    assert "nothing was done for 30 minutes" in client.get(answer["Location"]).content.decode()


def test_g36_what_a_page_asks_for_by_itself_is_no_hand(everybody: Cast, clock: Any) -> None:
    client = log_in(everybody.trader)
    for _ in range(29):
        clock.shift(MINUTE)
        assert client.get(DESK, headers={"HX-Request": "true", "Poll": "1"}).status_code == 200
    clock.shift(MINUTE)
    assert client.get(DESK, headers={"HX-Request": "true", "Poll": "1"}).status_code == 302


def test_g36_after_twelve_hours_it_ends_in_any_case(everybody: Cast, clock: Any) -> None:
    client = log_in(everybody.trader)
    for _ in range(12 * 60 // 20 - 1):
        clock.shift(20 * MINUTE)
        assert is_in(client)
    clock.shift(20 * MINUTE)
    assert not is_in(client)


def test_g36_the_idle_time_is_a_setting(everybody: Cast, clock: Any, settings: Any) -> None:
    settings.SESSION_IDLE_MINUTES = 60
    client = log_in(everybody.trader)
    clock.shift(59 * MINUTE)
    assert is_in(client)


# --- who ends it ----------------------------------------------------------------------------------------


def test_g36_a_logout_ends_the_session_and_not_only_the_cookie(everybody: Cast) -> None:
    client = log_in(everybody.trader)
    stolen = with_key(key_of(client))
    assert is_in(stolen)
    client.post("/logout/")
    assert not is_in(client) and not is_in(stolen)


def test_g36_a_new_password_ends_the_other_sessions(everybody: Cast) -> None:
    here, there = log_in(everybody.trader), log_in(everybody.trader)
    new = "another long sentence"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert here.post("/account/password/", form).status_code == 302
    assert is_in(here) and not is_in(there)


def test_g36_a_password_that_an_admin_sets_ends_them_all(everybody: Cast) -> None:
    trader, chief = log_in(everybody.trader), log_in(everybody.admin)
    new = "another long sentence"
    form = {"password1": new, "password2": new, "usable_password": "true"}
    chief.post(f"/admin/auth/user/{everybody.trader.pk}/password/", form)
    assert not is_in(trader) and is_in(chief)


def test_g36_one_ends_a_session_of_ones_own_and_nobody_elses(everybody: Cast) -> None:
    here, there, other = log_in(everybody.trader), log_in(everybody.trader), log_in(everybody.reader)
    rows = {row.session_key: row.pk for row in UserSession.objects.all()}
    foreign = here.post(f"/account/sessions/{rows[key_of(other)]}/end/")
    absent = here.post("/account/sessions/987654321/end/")
    assert foreign.status_code == absent.status_code == 404 and is_in(other)
    here.post(f"/account/sessions/{rows[key_of(there)]}/end/")
    assert is_in(here) and not is_in(there)


def test_g36_one_ends_all_others_at_once(everybody: Cast) -> None:
    here, *others = (log_in(everybody.trader) for _ in range(3))
    here.post("/account/sessions/end/")
    assert is_in(here) and not any(is_in(other) for other in others)


# --- what it stood on -----------------------------------------------------------------------------------


def test_g36_a_right_that_is_taken_is_gone_at_the_next_request(everybody: Cast) -> None:
    client = log_in(everybody.trader)
    mine = Membership.objects.filter(user=everybody.trader)
    address = f"{DESK}offers/1/revoke/"
    assert client.post(address).status_code == 404
    mine.update(right=Right.VIEW)
    assert client.post(address).status_code == 403
    assert client.get(DESK).status_code == 200
    mine.delete()
    assert client.get(DESK).status_code == 404


def test_g36_who_is_no_staff_any_more_is_out_of_the_admin(everybody: Cast) -> None:
    chief = log_in(everybody.admin)
    assert chief.get("/admin/").status_code == 200
    type(everybody.admin).objects.filter(pk=everybody.admin.pk).update(is_staff=False, is_superuser=False)
    assert chief.get("/admin/").status_code == 302


def test_g36_who_is_disabled_is_out(everybody: Cast) -> None:
    client = log_in(everybody.trader)
    type(everybody.trader).objects.filter(pk=everybody.trader.pk).update(is_active=False)
    assert not is_in(client)
    assert client.get("/api/v1/").status_code == 401
