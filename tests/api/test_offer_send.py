"""POST offers/ID/send/: signed and queued, or all reasons why not."""

from datetime import timedelta

import pytest

from offers.models import FlexOffer, Message
from tests.cast import NOON, Cast, answerable_request, deliver_all, offer_draft, option

from .program import Program, fields


def drafted(agr: Program, everybody: Cast, **changes: object) -> int:
    draft = {**offer_draft(NOON + timedelta(hours=1)), **changes}
    asked = answerable_request(everybody).pk
    return int(agr.post("offers/", {"flex_request": asked, **draft}).json()["id"])


def test_it_is_queued_and_arrives(everybody: Cast, agr: Program, dso: Program) -> None:
    made = drafted(agr, everybody)
    answer = agr.post(f"offers/{made}/send/")
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["message"]["state"]) == ("sent", "queued")
    assert [o["option_reference"] for o in answer.json()["options"]] == ["A", "B", "C"]
    assert answer.json()["events"][-1]["user"] == "trader"
    deliver_all(NOON)
    assert agr.get(f"offers/{made}/").json()["state"] == "accepted"
    assert len(dso.get("offers/?state=accepted").json()["results"]) == 1


@pytest.mark.parametrize("body", [{"at": "2026-03-02T20:00:00Z"}, {"dry_run": True}])
def test_who_says_more_than_send_meant_something_else(
    everybody: Cast, agr: Program, body: dict[str, object]
) -> None:
    made = drafted(agr, everybody)
    assert agr.post(f"offers/{made}/send/", body).status_code == 422
    assert agr.get(f"offers/{made}/").json()["state"] == "draft"
    assert agr.post(f"offers/{made}/send/", {}).status_code == 200


def test_a_wrong_one_is_refused_with_all_reasons_and_stays(everybody: Cast, agr: Program) -> None:
    made = drafted(agr, everybody, options=[option("A", "ten", -200_000), option("A", "1.00", 9)])
    before = Message.objects.count()
    answer = agr.post(f"offers/{made}/send/")
    assert answer.json()["detail"] == "This cannot be done as it stands."
    assert fields(answer) == ["OfferOption[1].Price"]
    assert (FlexOffer.objects.get(pk=made).state, Message.objects.count()) == ("draft", before)


def test_what_is_no_draft_is_refused(everybody: Cast, agr: Program) -> None:
    made = drafted(agr, everybody, options="all")
    assert fields(agr.post(f"offers/{made}/send/")) == ["OfferOption"]


def test_it_is_sent_once(everybody: Cast, agr: Program) -> None:
    made = drafted(agr, everybody)
    agr.post(f"offers/{made}/send/")
    answer = agr.post(f"offers/{made}/send/")
    assert (answer.status_code, answer.json()) == (
        409,
        {"detail": "FlexOffer is sent: it cannot be sent any more."},
    )


def test_without_a_signing_key_it_stays_a_draft(everybody: Cast, agr: Program) -> None:
    made = drafted(agr, everybody)
    everybody.agr.keys.all().delete()
    answer = agr.post(f"offers/{made}/send/")
    assert answer.status_code == 409 and "has no signing key" in answer.json()["detail"]
    assert FlexOffer.objects.get(pk=made).state == "draft"


def test_a_viewer_and_a_rival_do_not_send(
    everybody: Cast, agr: Program, reader: Program, rival: Program
) -> None:
    made = drafted(agr, everybody)
    assert reader.post(f"offers/{made}/send/").status_code == 403
    assert reader.post(f"offers/{10**15}/send/").status_code == 403
    assert rival.post(f"offers/{made}/send/").status_code == 404
    assert FlexOffer.objects.get(pk=made).state == "draft"
