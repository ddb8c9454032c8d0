"""People who are signed in act for the participant that they choose; a foreign site cannot make them act."""

import pytest
from django.test import Client

from offers.models import Membership, Right
from tests.cast import Cast


def test_with_one_membership_there_is_nothing_to_choose(everybody: Cast, client: Client) -> None:
    client.force_login(everybody.trader)
    answer = client.get("/api/v1/").json()
    assert (answer["participant"]["domain"], answer["token"]) == ("agr.demo.example", None)


def test_with_several_one_must_be_chosen(everybody: Cast, client: Client) -> None:
    Membership.objects.create(user=everybody.trader, participant=everybody.dso, right=Right.VIEW)
    client.force_login(everybody.trader)
    answer = client.get("/api/v1/")
    assert answer.status_code == 422
    assert "You act for several participants" in answer.json()["reasons"][0]["text"]
    assert client.get("/api/v1/?as=dso.demo.example/DSO").json()["right"] == "view"
    chosen = client.get("/api/v1/", headers={"Participant": "agr.demo.example/AGR"})
    assert chosen.json()["right"] == "trade"


@pytest.mark.parametrize("other", ["dso.demo.example/DSO", "no.such.example/AGR", "x", "/", "%00/AGR"])
def test_a_foreign_participant_is_as_absent(everybody: Cast, client: Client, other: str) -> None:
    client.force_login(everybody.trader)
    answer = client.get(f"/api/v1/offers/?as={other}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "There is no such thing here."})


def test_who_acts_for_nobody_is_told_so(everybody: Cast, client: Client) -> None:
    client.force_login(everybody.admin)
    answer = client.get("/api/v1/offers/")
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("You act for no participant.")


def test_acting_in_a_session_needs_the_csrf_token(everybody: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(everybody.trader)
    body = {"recipient": "dso.demo.example/DSO"}
    answer = client.post("/api/v1/messages/test/", body, content_type="application/json")
    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]
