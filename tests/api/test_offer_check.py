"""POST offers/ID/check/ and preview/: all reasons, or the XML, without sending."""

from datetime import timedelta
from typing import Any

import pytest

from offers.models import Message
from tests.cast import NOON, Cast, answerable_request, offer_draft, option

from .program import Program, fields


@pytest.fixture
def asked(everybody: Cast) -> int:
    return answerable_request(everybody).pk


def drafted(agr: Program, asked: int, **changes: Any) -> int:
    draft = {**offer_draft(NOON + timedelta(hours=1)), **changes}
    return int(agr.post("offers/", {"flex_request": asked, **draft}).json()["id"])


def test_a_right_one_has_no_reasons(agr: Program, asked: int) -> None:
    answer = agr.post(f"offers/{drafted(agr, asked)}/check/")
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "reasons": []})


def test_all_wrong_cells_are_named_at_once(agr: Program, asked: int) -> None:
    wrong = option("A", "much", -200_000) | {"min_activation_factor": "2"}
    wrong["isps"][0]["power"] = "x"
    verdict = agr.post(f"offers/{drafted(agr, asked, options=[wrong], expires_at='')}/check/").json()
    assert not verdict["ok"]
    assert [reason["field"] for reason in verdict["reasons"]] == [
        "ExpirationDateTime",
        "OfferOption[1].Price",
        "OfferOption[1].MinActivationFactor",
        "OfferOption[1].ISP[69].Power",
    ]


def test_all_broken_rules_are_named_with_their_limit(agr: Program, asked: int) -> None:
    late = (NOON - timedelta(minutes=1)).isoformat()
    elsewhere = option("A", "10.00", -1) | {"isps": [{"start": 200, "duration": 1, "power": -1}]}
    made = drafted(agr, asked, options=[elsewhere], expires_at=late)
    verdict = agr.post(f"offers/{made}/check/").json()
    named = {reason["field"] for reason in verdict["reasons"]}
    assert named == {"ExpirationDateTime", "OfferOption", "OfferOption[1].ISP[200].Start"}
    assert any("2026-03-02" in reason["text"] for reason in verdict["reasons"])


@pytest.mark.parametrize("options", ["all", [1], {"a": 1}, [{"isps": 3}]])
def test_what_is_no_draft_at_all_is_said(agr: Program, asked: int, options: Any) -> None:
    verdict = agr.post(f"offers/{drafted(agr, asked, options=options)}/check/").json()
    assert not verdict["ok"] and "must be a list of objects" in verdict["reasons"][0]["text"]


def test_a_preview_shows_the_xml_and_sends_nothing(agr: Program, asked: int) -> None:
    made, before = drafted(agr, asked), Message.objects.count()
    answer = agr.post(f"offers/{made}/preview/")
    assert answer.status_code == 200
    assert answer.json()["xml"].startswith("<FlexOffer ") and 'Price="101.40"' in answer.json()["xml"]
    assert Message.objects.count() == before


def test_what_cannot_be_read_has_no_preview(agr: Program, asked: int) -> None:
    assert "ExpirationDateTime" in fields(agr.post(f"offers/{drafted(agr, asked, expires_at='')}/preview/"))
    assert agr.post(f"offers/{drafted(agr, asked, options='all')}/preview/").status_code == 422


def test_only_a_draft_is_checked(agr: Program, asked: int) -> None:
    made = drafted(agr, asked)
    agr.post(f"offers/{made}/send/")
    assert agr.post(f"offers/{made}/check/").status_code == 409
    assert agr.post(f"offers/{made}/preview/").status_code == 409
