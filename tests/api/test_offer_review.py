"""POST offers/ID/accept/ and reject/: staff of a DSO answer an offer that waits for them."""

import pytest

from offers.models import FlexOffer
from tests.cast import NOON, Cast, answerable_request, deliver_all, send_offer

from .program import Program, fields


@pytest.fixture
def waiting(everybody: Cast) -> FlexOffer:
    everybody.point.answers_automatically = False
    everybody.point.save()
    send_offer(everybody, answerable_request(everybody))
    deliver_all(NOON)
    return FlexOffer.objects.get(owner=everybody.dso)


def test_an_accepted_offer_is_answered(waiting: FlexOffer, dso: Program, agr: Program) -> None:
    assert agr.get("offers/").json()["results"][0]["state"] == "sent"
    answer = dso.post(f"offers/{waiting.pk}/accept/")
    assert (answer.status_code, answer.json()["state"]) == (200, "accepted")
    deliver_all(NOON)
    assert agr.get("offers/").json()["results"][0]["state"] == "accepted"
    assert dso.post(f"offers/{waiting.pk}/accept/").status_code == 409


def test_the_reason_of_a_rejection_goes_to_the_aggregator(
    waiting: FlexOffer, dso: Program, agr: Program
) -> None:
    answer = dso.post(f"offers/{waiting.pk}/reject/", {"reason": "Too dear."})
    assert (answer.status_code, answer.json()["state"]) == (200, "rejected")
    deliver_all(NOON)
    assert agr.get("offers/").json()["results"][0]["reason"] == "Too dear."


def test_a_rejection_needs_a_reason(waiting: FlexOffer, dso: Program) -> None:
    answer = dso.post(f"offers/{waiting.pk}/reject/", {"reason": " "})
    assert fields(answer) == ["RejectionReason"]
    assert fields(dso.post(f"offers/{waiting.pk}/reject/")) == ["reason"]
    assert fields(dso.post(f"offers/{waiting.pk}/reject/", {"reason": "x" * 1001})) == ["reason"]


@pytest.mark.parametrize("verb", ["accept", "reject"])
def test_nobody_else_answers(
    waiting: FlexOffer, agr: Program, watcher: Program, rival: Program, verb: str
) -> None:
    mine = agr.get("offers/").json()["results"][0]["id"]
    said = {"reason": "No."} if verb == "reject" else None
    assert agr.post(f"offers/{mine}/{verb}/", said).status_code == 403
    assert watcher.post(f"offers/{waiting.pk}/{verb}/", said).status_code == 403
    assert rival.post(f"offers/{waiting.pk}/{verb}/", said).status_code == 403
    waiting.refresh_from_db()
    assert waiting.state == "sent"
