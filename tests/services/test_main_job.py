"""The main job without sockets: request, offer, answer, order, answer, between two tenants."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from offers import domain
from offers.models import FlexOffer, FlexOrder, FlexRequest, Message
from offers.services import inbox, trading
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db


def test_a_request_reaches_the_aggregator_and_is_accepted(everybody: Cast) -> None:
    sent = cast.send_request(everybody)
    cast.deliver_all(NOON)
    sent.refresh_from_db()
    theirs = FlexRequest.objects.get(owner=everybody.agr)
    assert (sent.state, theirs.state) == ("accepted", "accepted")
    assert theirs.isps == sent.isps
    assert theirs.expires_at == sent.expires_at


def test_an_offer_with_three_options_is_accepted(everybody: Cast) -> None:
    mine, theirs = cast.accepted_offer(everybody)
    assert (mine.state, theirs.state) == ("accepted", "accepted")
    assert [o.option_reference for o in theirs.options.all()] == ["A", "B", "C"]
    assert [o.price for o in theirs.options.all()] == [Decimal("101.40"), Decimal("55.00"), Decimal("126.15")]


def test_an_order_at_a_factor_is_accepted_and_means_the_same_on_both_sides(everybody: Cast) -> None:
    mine, theirs = cast.accepted_offer(everybody)
    cast.order(everybody, theirs, reference="A", factor="0.67")
    cast.deliver_all(NOON)
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.state, theirs.state) == ("ordered", "ordered")
    placed, taken = FlexOrder.objects.get(owner=everybody.dso), FlexOrder.objects.get(owner=everybody.agr)
    assert placed.state == taken.state == "accepted"
    assert placed.price == taken.price == Decimal("67.94")
    assert placed.isps == taken.isps
    assert {s["power"] for s in taken.isps} == {-134_000}


def test_a_second_order_is_refused(everybody: Cast) -> None:
    _, theirs = cast.accepted_offer(everybody)
    cast.order(everybody, theirs)
    with pytest.raises(domain.IllegalMove):
        cast.order(everybody, theirs, reference="B")


@pytest.mark.parametrize(("seconds", "state"), [(-1, "revoked"), (0, "accepted")])
def test_an_offer_is_revoked_until_its_first_isp_begins(everybody: Cast, seconds: int, state: str) -> None:
    """ISP 69 begins at 17:00 in Amsterdam; the offer is valid for an hour more."""
    first = datetime(2026, 3, 3, 16, tzinfo=UTC)
    asked = cast.answerable_request(everybody)
    mine = cast.send_offer(everybody, asked, valid_for=first + timedelta(hours=1) - NOON)
    cast.deliver_all(NOON)
    with (
        nullcontext()
        if state == "revoked"
        else pytest.raises(domain.IllegalMove, match="first ISP .* has begun")
    ):
        trading.revoke(everybody.agr, mine.pk, everybody.trader, first + timedelta(seconds=seconds))
    mine.refresh_from_db()
    assert mine.state == state


def test_a_revoked_offer_is_revoked_on_both_sides(everybody: Cast) -> None:
    mine, theirs = cast.accepted_offer(everybody)
    trading.revoke(everybody.agr, mine.pk, everybody.trader, NOON)
    cast.deliver_all(NOON)
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.state, theirs.state) == ("revoked", "revoked")


def test_an_offer_expires_on_both_sides(everybody: Cast) -> None:
    cast.accepted_offer(everybody)
    trading.expire_due(NOON + timedelta(minutes=59))
    assert set(FlexOffer.objects.values_list("state", flat=True)) == {"accepted"}
    trading.expire_due(NOON + timedelta(hours=1))
    assert set(FlexOffer.objects.values_list("state", flat=True)) == {"expired"}


def test_an_offer_that_waits_for_staff_is_rejected_at_its_expiry(everybody: Cast) -> None:
    everybody.point.answers_automatically = False
    everybody.point.save()
    mine, theirs = cast.accepted_offer(everybody)
    assert (mine.state, theirs.state) == ("sent", "sent")
    trading.expire_due(NOON + timedelta(hours=1))
    cast.deliver_all(NOON + timedelta(hours=1))
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.state, theirs.state) == ("rejected", "rejected")
    assert mine.reason == "Not reviewed before expiry"


def test_a_test_message_is_answered(everybody: Cast) -> None:
    row = trading.send_test(everybody.agr, everybody.dso, NOON)
    cast.deliver_all(NOON)
    row.refresh_from_db()
    assert row.answer == "accepted"


def test_a_copy_of_a_message_has_no_second_effect(everybody: Cast) -> None:
    mine, theirs = cast.accepted_offer(everybody)
    cast.carry(cast.message_of(mine), NOON)
    inbox.process_due(lambda: NOON)
    assert FlexOffer.objects.filter(owner=everybody.dso).count() == 1
    assert Message.objects.filter(owner=everybody.dso, type="FlexOfferResponse").count() == 1


def test_a_refused_offer_lists_all_reasons_and_sends_nothing(everybody: Cast) -> None:
    request = cast.answerable_request(everybody)
    draft = cast.offer_draft(NOON + timedelta(days=9))
    draft["options"][0]["isps"][0]["start"] = 97
    row = trading.draft_offer(
        everybody.agr,
        everybody.point,
        everybody.dso,
        cast.TOMORROW,
        draft,
        everybody.trader,
        NOON,
        request=request,
    )
    with pytest.raises(trading.Refused) as refused:
        trading.send_offer(everybody.agr, row.pk, everybody.trader, NOON)
    fields = {reason.field for reason in refused.value.reasons}
    assert "ExpirationDateTime" in fields
    assert any("97" in reason.text for reason in refused.value.reasons)
    row.refresh_from_db()
    assert row.state == "draft" and row.draft == draft
    assert not Message.objects.filter(owner=everybody.agr, type="FlexOffer").exists()
