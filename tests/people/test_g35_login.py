"""G35: nobody guesses a password here, however many try at once; and nobody learns which names there are."""

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from bench.people import g35
from tests.cast import PASSWORD, Cast

RESTLESS = re.compile(rb'(name="csrf-token" content|name="csrfmiddlewaretoken" value)="[^"]*"')


def knock(name: str, password: str, address: str = "192.0.2.1", client: Client | None = None) -> HttpResponse:
    form = {"login": name, "password": password}
    answer: Any = (client or Client()).post("/login/", form, REMOTE_ADDR=address)
    return answer


# --- in parallel, on a real web server ------------------------------------------------------------------


@pytest.mark.django_db
def test_g35_no_more_passwords_are_looked_at_than_the_limit_says() -> None:
    verdict = g35.run(tries=100, at_once=16)
    assert verdict.held, verdict
    assert verdict.figures["passwords looked at"] == g35.LIMIT


@pytest.mark.control
@pytest.mark.django_db
def test_g35_control_a_limit_that_reads_and_then_writes_lets_more_through() -> None:
    verdict = g35.run(tries=24, at_once=16, unguarded=True)
    assert verdict.figures["passwords looked at"] > g35.LIMIT, verdict


# --- the limit ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["trader", "nobody of that name"])
def test_g35_after_ten_wrong_passwords_the_page_says_when_to_come_back(everybody: Cast, name: str) -> None:
    assert [knock(name, f"wrong {n}").status_code for n in range(10)] == [200] * 10
    refused = knock(name, PASSWORD)
    assert refused.status_code == 429
    assert "Try again in 15 minutes" in refused.content.decode()
    assert 890 < int(refused["Retry-After"]) <= 900


def test_g35_who_is_locked_out_here_logs_in_elsewhere(everybody: Cast) -> None:
    for n in range(11):
        knock("trader", f"wrong {n}")
    assert knock("trader", PASSWORD, "192.0.2.2").status_code == 302
    assert knock("reader", PASSWORD).status_code == 302


def test_g35_a_quarter_of_an_hour_later_all_is_forgiven(everybody: Cast) -> None:
    with time_machine.travel("2026-03-02T11:00:00Z", tick=False) as clock:
        for n in range(11):
            knock("trader", f"wrong {n}")
        assert knock("trader", PASSWORD).status_code == 429
        clock.shift(timedelta(minutes=15))
        assert knock("trader", PASSWORD).status_code == 302


def test_g35_one_address_does_not_try_all_names(everybody: Cast, settings: Any) -> None:
    settings.LOGIN_TRIES_PER_ADDRESS = 20
    statuses = [knock(f"name {n}", "wrong").status_code for n in range(21)]
    assert statuses == [200] * 20 + [429]
    assert knock("trader", PASSWORD).status_code == 429


def test_g35_all_addresses_of_an_ipv6_network_are_one(everybody: Cast, settings: Any) -> None:
    settings.LOGIN_TRIES_PER_ADDRESS = 20
    statuses = [knock(f"name {n}", "wrong", f"2001:db8::{n + 1:x}").status_code for n in range(21)]
    assert statuses == [200] * 20 + [429]
    assert knock("trader", PASSWORD, "2001:db8:0:1::1").status_code == 302


def test_g35_logging_in_rightly_costs_nothing(everybody: Cast, settings: Any) -> None:
    settings.LOGIN_TRIES = settings.LOGIN_TRIES_PER_ADDRESS = 2
    for _ in range(5):
        assert knock("trader", PASSWORD).status_code == 302


def test_g35_capitals_are_no_new_name(everybody: Cast, settings: Any) -> None:
    settings.LOGIN_TRIES = 2
    assert [knock(name, "wrong").status_code for name in ("trader", "Trader", "TRADER")] == [200, 200, 429]


@pytest.mark.parametrize("page", ["/account/confirm/", "/account/password/"])
def test_g35_no_other_page_takes_more_passwords(everybody: Cast, page: str) -> None:
    client = Client()
    client.force_login(everybody.trader)
    form = {"password": "wrong", "oldpassword": "wrong", "password1": "x" * 20, "password2": "x" * 20}
    assert [client.post(page, form).status_code for _ in range(11)] == [200] * 10 + [429]


def test_g35_the_admin_has_no_door_of_its_own(everybody: Cast) -> None:
    form = {"username": "admin", "password": PASSWORD}
    answer = Client().post("/admin/login/", form)
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=%2Fadmin%2F")
    inside = Client()
    inside.force_login(everybody.admin)
    assert inside.post("/admin/login/", form)["Location"] == "/admin/"
    assert inside.post("/admin/password_change/", {"old_password": "x"})["Location"] == "/account/password/"


# --- known and unknown ----------------------------------------------------------------------------------


def test_g35_a_name_that_there_is_and_one_that_there_is_not_look_the_same(everybody: Cast) -> None:
    User.objects.filter(username="reader").update(is_active=False)
    answers = [knock(name, "wrong") for name in ("trader", "reader", "nosuch")]
    assert {answer.status_code for answer in answers} == {200}
    bodies = {
        RESTLESS.sub(b"", answer.content.replace(name, b""))
        for answer, name in zip(answers, NAMES, strict=True)
    }
    assert len(bodies) == 1
    assert len({tuple(sorted(set(answer.headers) - {"Content-Length"})) for answer in answers}) == 1


NAMES = (b"trader", b"reader", b"nosuch")


@pytest.mark.parametrize("name", ["trader", "nosuch"])
def test_g35_the_same_work_is_done_for_both(
    everybody: Cast, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked = []
    hasher = type(hashers.get_hasher())
    encode = hasher.encode

    def counted(self: Any, password: str, salt: str) -> str:
        worked.append(password)
        return str(encode(self, password, salt))

    monkeypatch.setattr(hasher, "encode", counted)
    knock(name, "wrong")
    assert worked == ["wrong"]


def test_g35_the_log_says_that_somebody_tries_and_not_what_they_typed(
    everybody: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for _ in range(11):
            knock("my secret in the wrong field", "another secret")
    assert "A wrong password from 192.0.2.1" in caplog.text
    assert "Too many wrong logins from 192.0.2.1" in caplog.text
    assert "secret" not in caplog.text
