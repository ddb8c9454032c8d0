"""Drafts keep what was typed, but for what no database can hold."""

import pytest

from offers import models
from offers.services import drafts, trading
from tests import cast
from tests.cast import NOON, Cast


def test_a_draft_is_kept_as_typed_but_for_what_cannot_be_stored() -> None:
    typed = {
        "options": [{"option_reference": "A\0B\ud800", "isps": [{"power": "abc", "start": 7}]}],
        "x": None,
    }
    kept = {"options": [{"option_reference": "A B ", "isps": [{"power": "abc", "start": 7}]}], "x": None}
    assert drafts.to_keep(typed) == kept


@pytest.mark.parametrize(
    ("price", "said"), [(None, " is empty"), ("", " is empty"), ("1,5x", ": “1,5x” is no amount")]
)
def test_a_price_that_is_none_is_named_with_what_would_be_right(price: object, said: str) -> None:
    reading = drafts.Reading()
    assert reading.money(price, "OfferOption[1].Price") is None
    (reason,) = reading.reasons
    assert reason.text == f"OfferOption[1].Price{said}: give a price such as 101.40."


@pytest.mark.django_db
def test_a_nul_in_a_draft_breaks_nothing(everybody: Cast) -> None:
    request = cast.answerable_request(everybody)
    draft = {"options": [{"option_reference": "\0"}]}
    row = trading.draft_offer(
        everybody.agr, everybody.point, everybody.dso, cast.TOMORROW, draft, everybody.trader, NOON, request
    )
    assert models.FlexOffer.objects.get(pk=row.pk).draft == {"options": [{"option_reference": " "}]}


@pytest.mark.django_db
def test_a_contract_typed_in_a_draft_is_judged_and_sent(everybody: Cast) -> None:
    request = cast.answerable_request(everybody)
    with pytest.raises(trading.Refused) as refused:
        cast.send_offer(everybody, request, contract_id="NO-SUCH")
    assert "ContractID" in {reason.field for reason in refused.value.reasons}


@pytest.mark.django_db
def test_a_reason_loses_its_control_characters(everybody: Cast) -> None:
    everybody.point.answers_automatically = False
    everybody.point.save()
    _, theirs = cast.accepted_offer(everybody)
    row = trading.reject_offer(everybody.dso, theirs.pk, "too\0 dear\n", everybody.operator, NOON)
    assert row.reason == "too dear"
