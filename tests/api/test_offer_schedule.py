"""POST offers/ID/schedule/: a draft is sent by itself later, or not any more."""

from datetime import timedelta

import pytest

from offers.models import FlexOffer
from offers.services import trading
from tests.cast import NOON, Cast, answerable_request, offer_draft

from .program import Program, fields


@pytest.fixture
def made(everybody: Cast, agr: Program) -> int:
    draft = offer_draft(NOON + timedelta(hours=1))
    asked = answerable_request(everybody).pk
    return int(agr.post("offers/", {"flex_request": asked, **draft}).json()["id"])


def test_it_is_sent_when_its_time_has_come(agr: Program, made: int) -> None:
    answer = agr.post(f"offers/{made}/schedule/", {"at": "2026-03-02T12:30:00+01:00"})
    assert (answer.status_code, answer.json()["send_at"]) == (200, "2026-03-02T11:30:00Z")
    trading.send_planned(NOON + timedelta(minutes=30))
    assert FlexOffer.objects.get(pk=made).state == "sent"


def test_null_takes_it_back(agr: Program, made: int) -> None:
    agr.post(f"offers/{made}/schedule/", {"at": "2026-03-02T11:30:00Z"})
    assert agr.post(f"offers/{made}/schedule/", {"at": None}).json()["send_at"] is None
    trading.send_planned(NOON + timedelta(minutes=30))
    assert FlexOffer.objects.get(pk=made).state == "draft"


@pytest.mark.parametrize("at", ["2026-03-02T10:59:00Z", "2026-03-02T11:30:00", "soon", 7, ""])
def test_a_time_that_is_past_or_unclear_is_refused(agr: Program, made: int, at: object) -> None:
    assert fields(agr.post(f"offers/{made}/schedule/", {"at": at})) in (["at"], ["send_at"])
    assert FlexOffer.objects.get(pk=made).send_at is None


def test_the_time_must_be_given(agr: Program, made: int) -> None:
    assert fields(agr.post(f"offers/{made}/schedule/")) == ["at"]


def test_a_viewer_does_not_plan(reader: Program, made: int) -> None:
    assert reader.post(f"offers/{made}/schedule/", {"at": None}).status_code == 403
