"""POST and PUT offers/: a draft is kept as it was typed, right or wrong."""

from datetime import timedelta

import pytest

from offers.models import FlexOffer
from tests.cast import NOON, POINT, Cast, answerable_request, offer_draft, send_offer

from .program import Program, fields

DRAFT = offer_draft(NOON + timedelta(hours=1))


def test_on_a_request_everything_else_is_known(everybody: Cast, agr: Program) -> None:
    asked = answerable_request(everybody)
    answer = agr.post("offers/", {"flex_request": asked.pk, **DRAFT})
    assert answer.status_code == 201
    made = answer.json()
    assert (made["state"], made["flex_request"], made["period"]) == ("draft", asked.pk, "2026-03-03")
    assert made["counterparty"]["domain"] == "dso.demo.example"
    assert made["draft"] == DRAFT
    assert FlexOffer.objects.get(pk=made["id"]).drafted_by == everybody.trader


def test_an_unsolicited_one_names_its_point_and_day(everybody: Cast, agr: Program) -> None:
    answer = agr.post("offers/", {"congestion_point": POINT, "period": "2026-03-03"})
    assert answer.status_code == 201
    assert (answer.json()["flex_request"], answer.json()["draft"]) == (None, {})


def test_what_is_wrong_in_it_is_kept(everybody: Cast, agr: Program) -> None:
    typed = {"expires_at": "soon", "options": [{"price": "a lot", "isps": "all"}]}
    answer = agr.post("offers/", {"congestion_point": POINT, "period": "2026-03-03", **typed})
    assert (answer.status_code, answer.json()["draft"]) == (201, typed)


def test_what_it_is_for_must_be_said(everybody: Cast, agr: Program) -> None:
    assert fields(agr.post("offers/", DRAFT)) == ["congestion_point", "period"]


def test_a_misspelt_field_is_named(everybody: Cast, agr: Program) -> None:
    answer = agr.post("offers/", {"congestionpoint": POINT, "period": "soon", "expires": "soon"})
    assert sorted(fields(answer)) == ["congestionpoint", "expires", "period"]


@pytest.mark.parametrize("whose", ["foreign", "absent"])
def test_a_foreign_request_is_as_absent(everybody: Cast, rival: Program, whose: str) -> None:
    asked = answerable_request(everybody).pk if whose == "foreign" else 10**15
    answer = rival.post("offers/", {"flex_request": asked, **DRAFT})
    assert fields(answer) == ["flex_request"]
    assert answer.json()["reasons"][0]["text"] == f"There is no request {asked}."


@pytest.mark.parametrize("point", [POINT, "ea1.2026-01.example.demo:nowhere"])
def test_a_foreign_point_is_as_absent(everybody: Cast, rival: Program, point: str) -> None:
    answer = rival.post("offers/", {"congestion_point": point, "period": "2026-03-03", **DRAFT})
    assert answer.json()["reasons"] == [
        {
            "field": "congestion_point",
            "text": f"There is no congestion point {point} at which you are active.",
        }
    ]


def test_a_draft_is_replaced_as_a_whole(everybody: Cast, agr: Program) -> None:
    made = agr.post("offers/", {"congestion_point": POINT, "period": "2026-03-03", **DRAFT}).json()["id"]
    answer = agr.put(f"offers/{made}/", {"expires_at": "later"})
    assert (answer.status_code, answer.json()["draft"]) == (200, {"expires_at": "later"})
    assert fields(agr.put(f"offers/{made}/", {"period": "2026-03-04"})) == ["period"]


def test_an_offer_that_was_sent_does_not_change(everybody: Cast, agr: Program) -> None:
    sent = send_offer(everybody, answerable_request(everybody))
    answer = agr.put(f"offers/{sent.pk}/", DRAFT)
    assert (answer.status_code, answer.json()) == (
        409,
        {"detail": "FlexOffer is sent: it cannot be changed any more."},
    )


def test_a_viewer_and_a_dso_do_not_draft(everybody: Cast, reader: Program, dso: Program) -> None:
    assert reader.post("offers/", DRAFT).json() == {"detail": "You may view for Demo AGR (AGR), not trade."}
    assert dso.post("offers/", DRAFT).json() == {
        "detail": "Only an AGR does this; you act for Demo DSO (DSO)."
    }
    assert reader.post("offers/", DRAFT).status_code == dso.post("offers/", DRAFT).status_code == 403
