"""POST offers/ID/revoke/ and DELETE offers/ID/: what was sent is revoked, what was not is thrown away."""

from datetime import timedelta

import pytest
from django.utils import timezone

from offers.models import FlexOffer
from tests.cast import NOON, POINT, Cast, accepted_offer, deliver_all

from .program import Program


def test_a_revoked_offer_is_revoked_on_both_sides(everybody: Cast, agr: Program) -> None:
    mine, theirs = accepted_offer(everybody)
    answer = agr.post(f"offers/{mine.pk}/revoke/")
    assert (answer.status_code, answer.json()["state"]) == (200, "revoked")
    assert answer.json()["revocation"]["state"] == "queued"
    deliver_all(NOON)
    theirs.refresh_from_db()
    assert theirs.state == "revoked"


def test_it_is_revoked_once(everybody: Cast, agr: Program) -> None:
    mine, _ = accepted_offer(everybody)
    agr.post(f"offers/{mine.pk}/revoke/")
    answer = agr.post(f"offers/{mine.pk}/revoke/")
    assert answer.status_code == 409
    assert answer.json()["detail"] == "FlexOffer is revoked: it cannot be revoked any more."


def test_an_expired_one_is_not_revoked(
    everybody: Cast, agr: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, _ = accepted_offer(everybody)
    monkeypatch.setattr(timezone, "now", lambda: NOON + timedelta(hours=1))
    answer = agr.post(f"offers/{mine.pk}/revoke/")
    assert answer.status_code == 409 and "expired" in answer.json()["detail"]


def test_only_its_own_trader_revokes(everybody: Cast, dso: Program, reader: Program, rival: Program) -> None:
    mine, theirs = accepted_offer(everybody)
    assert dso.post(f"offers/{theirs.pk}/revoke/").status_code == 403
    assert reader.post(f"offers/{mine.pk}/revoke/").status_code == 403
    assert rival.post(f"offers/{mine.pk}/revoke/").status_code == 404
    assert set(FlexOffer.objects.values_list("state", flat=True)) == {"accepted"}


def test_a_draft_is_thrown_away(everybody: Cast, agr: Program, rival: Program) -> None:
    made = agr.post("offers/", {"congestion_point": POINT, "period": "2026-03-03"}).json()["id"]
    assert rival.delete(f"offers/{made}/").status_code == 404
    assert agr.delete(f"offers/{made}/").status_code == 204
    assert agr.get(f"offers/{made}/").status_code == 404


def test_an_offer_that_was_sent_is_not_thrown_away(everybody: Cast, agr: Program) -> None:
    mine, _ = accepted_offer(everybody)
    assert agr.delete(f"offers/{mine.pk}/").status_code == 409
    assert agr.get(f"offers/{mine.pk}/").status_code == 200
