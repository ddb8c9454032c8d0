"""Tokens in the browser: made with the secret shown once, listed without it, revoked."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from offers.models import ApiToken, Membership
from offers.services import tokens
from tests.cast import NOON, Cast

LIST = "/agr/agr.demo.example/tokens/"


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOON)


@pytest.fixture
def reader(everybody: Cast, client: Client) -> Client:
    client.force_login(everybody.reader)
    return client


def test_the_secret_is_shown_once_and_works(reader: Client) -> None:
    answer = reader.post(f"{LIST}new/", {"name": "Optimiser", "lifetime": "30"})
    found = re.search(r"fxp_[\w-]{43}", answer.content.decode())
    assert found is not None and "no-store" in answer["Cache-Control"]
    assert ApiToken.objects.get().expires_at == NOON + timedelta(days=30)
    called = Client().get("/api/v1/", headers={"Authorization": f"Bearer {found.group()}"})
    assert called.json()["right"] == "view"
    page = reader.get(LIST).content.decode()
    assert "Optimiser" in page and found.group() not in page


def test_a_token_without_a_name_is_not_made(reader: Client) -> None:
    answer = reader.post(f"{LIST}new/", {"name": " ", "lifetime": "30"})
    assert "This field is required." in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_a_token_may_have_no_end(reader: Client) -> None:
    reader.post(f"{LIST}new/", {"name": "Optimiser", "lifetime": "never"})
    assert ApiToken.objects.get().expires_at is None


def test_a_revoked_token_stays_in_the_list(reader: Client, everybody: Cast) -> None:
    membership = Membership.objects.get(user=everybody.reader)
    row, _ = tokens.create(membership, "Optimiser", everybody.reader, NOON)
    answer = reader.post(f"{LIST}{row.pk}/revoke/", follow=True)
    assert "Optimiser was revoked" in answer.content.decode()
    assert "Revoked" in reader.get(LIST).content.decode()
    row.refresh_from_db()
    assert row.revoked_at == NOON


def test_revoking_again_changes_nothing(reader: Client, everybody: Cast) -> None:
    membership = Membership.objects.get(user=everybody.reader)
    row, _ = tokens.create(membership, "Optimiser", everybody.reader, NOON)
    tokens.revoke(row, NOON - timedelta(days=1))
    reader.post(f"{LIST}{row.pk}/revoke/")
    row.refresh_from_db()
    assert row.revoked_at == NOON - timedelta(days=1)


def test_a_colleagues_token_is_as_absent(reader: Client, everybody: Cast) -> None:
    membership = Membership.objects.get(user=everybody.trader)
    row, _ = tokens.create(membership, "Theirs", everybody.trader, NOON)
    assert "Theirs" not in reader.get(LIST).content.decode()
    assert reader.post(f"{LIST}{row.pk}/revoke/").status_code == 404
    assert reader.get(f"{LIST}{row.pk}/revoke/").status_code == 405


def test_an_empty_list_says_what_to_do_next(reader: Client) -> None:
    page = reader.get(LIST).content.decode()
    assert "None of your programs has a token." in page and f'href="{LIST}new/"' in page
