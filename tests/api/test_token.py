"""A token acts for one membership, never with more than it has, until its end."""

from datetime import timedelta

import pytest
from django.utils import timezone

from offers.models import ApiToken, Membership, Right
from offers.services import tokens, trading
from tests.cast import NOON, Cast

from .program import Program


def test_who_comes_without_a_token_is_told_to_bring_one(everybody: Cast) -> None:
    answer = Program("").client.get("/api/v1/offers/")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("secret", ["fxp_unknown", "", "x" * 300, "ü"])
def test_an_unknown_token_is_nobody(everybody: Cast, secret: str) -> None:
    answer = Program(secret).get("offers/")
    assert answer.status_code == 401
    assert answer.json() == {"detail": "This token is unknown, expired or revoked."}


def test_a_token_says_whom_it_acts_for(agr: Program) -> None:
    assert agr.get("").json() == {
        "user": "trader",
        "participant": {"domain": "agr.demo.example", "role": "AGR", "name": "Demo AGR"},
        "right": "trade",
        "token": "a program",
    }


def test_only_the_hash_is_kept(agr: Program) -> None:
    row = ApiToken.objects.get()
    assert agr.secret not in [str(value) for value in vars(row).values()]
    assert row.digest == ApiToken.digest_of(agr.secret)
    assert agr.secret.startswith(row.prefix)


def test_a_revoked_token_is_nobody(agr: Program) -> None:
    tokens.revoke(ApiToken.objects.get(), NOON)
    assert agr.get("").status_code == 401


def test_a_token_ends_at_its_end(everybody: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    membership = Membership.objects.get(user=everybody.trader)
    _, secret = tokens.create(membership, "short", everybody.trader, NOON, NOON + timedelta(hours=1))
    assert Program(secret).get("").status_code == 200
    monkeypatch.setattr(timezone, "now", lambda: NOON + timedelta(hours=1))
    assert Program(secret).get("").status_code == 401


def test_a_token_loses_its_right_with_its_membership(agr: Program, everybody: Cast) -> None:
    membership = Membership.objects.filter(user=everybody.trader)
    membership.update(right=Right.VIEW)
    assert agr.post("messages/test/", {"recipient": "dso.demo.example/DSO"}).status_code == 403
    membership.delete()
    assert agr.get("").status_code == 401


def test_a_token_of_a_user_who_left_is_nobody(agr: Program, everybody: Cast) -> None:
    everybody.trader.is_active = False
    everybody.trader.save()
    assert agr.get("").status_code == 401


def test_a_token_does_not_act_for_another_participant(agr: Program) -> None:
    assert agr.get("?as=agr.demo.example/AGR").status_code == 200
    assert agr.get("?as=dso.demo.example/DSO").status_code == 404
    assert agr.get("", Participant="agr.rival.example/AGR").status_code == 404


def test_its_last_use_is_noted_every_five_minutes_only(agr: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = []
    for minutes in (0, 4, 5, 9, 10):
        moment = NOON + timedelta(minutes=minutes)
        monkeypatch.setattr(timezone, "now", lambda moment=moment: moment)
        agr.get("")
        noted.append(ApiToken.objects.get().last_used_at)
    minutes = [(at - NOON) / timedelta(minutes=1) for at in noted if at is not None]
    assert minutes == [0, 0, 5, 5, 10]


def test_a_token_needs_a_name_and_an_end_that_is_to_come(everybody: Cast) -> None:
    membership = Membership.objects.get(user=everybody.trader)
    with pytest.raises(trading.Refused) as refused:
        tokens.create(membership, " ", everybody.trader, NOON, NOON)
    assert [reason.field for reason in refused.value.reasons] == ["name", "expires_at"]


def test_nobody_makes_a_token_for_somebody_else(everybody: Cast) -> None:
    membership = Membership.objects.get(user=everybody.trader)
    with pytest.raises(trading.Refused, match="one's own"):
        tokens.create(membership, "borrowed", everybody.reader, NOON)
