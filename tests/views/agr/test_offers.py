"""Our offers: filters, one with its timeline and evidence, revoking one or many."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.db.models import F, Model
from django.test import Client

from offers import domain, models
from offers.services import trading
from tests import cast
from tests.cast import NOON, Cast

from .conftest import Address, signed_in


def said(response: object) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))  # type: ignore[attr-defined]


def test_the_options_stand_with_price_energy_and_coverage(
    everybody: Cast, trader: Client, address: Address
) -> None:
    mine, _ = cast.accepted_offer(everybody)
    seen = trader.get(address("agr-offer", mine.pk)).content.decode()
    assert "253.50" in seen  # 101.40 EUR for 0.4 MWh
    assert "60.0\u00a0%" in seen and "100.0\u00a0%" in seen
    assert "27.50" in seen  # B at its minimum of 0.50


def test_delivery_and_answer_have_their_own_times(everybody: Cast, trader: Client, address: Address) -> None:
    mine = cast.send_offer(everybody, cast.answerable_request(everybody))
    cast.deliver_all(NOON + timedelta(seconds=7))
    models.Message.objects.filter(pk=mine.message_id).update(
        state_at=NOON + timedelta(seconds=5), answered_at=NOON + timedelta(seconds=9)
    )
    seen = trader.get(address("agr-offer", mine.pk)).content.decode()
    assert "12:00:05" in seen and "12:00:09" in seen


def test_the_timeline_has_moves_attempts_and_who_caused_them(
    everybody: Cast, trader: Client, address: Address
) -> None:
    mine, _ = cast.accepted_offer(everybody)
    models.Attempt.objects.create(
        message_id=mine.message_id,
        number=1,
        started_at=NOON,
        ended_at=NOON + timedelta(seconds=1),
        status=503,
        verdict="temporary",
        text="Service Unavailable",
    )
    seen = trader.get(address("agr-offer", mine.pk)).content.decode()
    assert "Drafted" in seen and "Signed and queued" in seen and "Accepted by the other side" in seen
    assert "Offer: try 1 failed" in seen and "HTTP 503, Service Unavailable" in seen
    assert "trader" in seen and "FlexOfferResponse" in seen


def test_an_offer_that_was_never_delivered_has_no_answer_but_a_reason(
    everybody: Cast, trader: Client, address: Address
) -> None:
    mine = cast.send_offer(everybody, cast.answerable_request(everybody))
    models.Message.objects.filter(pk=mine.message_id).update(state="failed")
    models.FlexOffer.objects.filter(pk=mine.pk).update(state="failed", reason="HTTP 403: Forbidden")
    seen = trader.get(address("agr-offers")).content.decode()
    assert seen.count('class="chip failed"') == 1 and "HTTP 403: Forbidden" in seen
    seen = trader.get(address("agr-offer", mine.pk)).content.decode()
    assert seen.count('class="chip failed"') == 1 and "Never delivered" in seen


def test_revoking_asks_the_service_and_shows_the_state(
    everybody: Cast, trader: Client, address: Address
) -> None:
    mine, _ = cast.accepted_offer(everybody)
    assert "data-confirm=" in trader.get(address("agr-offer", mine.pk)).content.decode()
    response = trader.post(address("agr-offer-revoke", mine.pk), follow=True)
    assert response.redirect_chain[0][0] == address("agr-offer", mine.pk)
    mine.refresh_from_db()
    assert mine.state == "revoked"
    assert "It is revoked." in response.content.decode()


def test_an_offer_whose_first_isp_has_begun_has_no_button_to_revoke(
    everybody: Cast, address: Address, at_noon: time_machine.Traveller
) -> None:
    first = datetime(2026, 3, 3, 16, tzinfo=UTC)  # ISP 69 in Amsterdam
    asked = cast.answerable_request(everybody)
    mine = cast.send_offer(everybody, asked, valid_for=first + timedelta(hours=1) - NOON)
    cast.deliver_all(NOON)
    at_noon.move_to(first - timedelta(seconds=1))
    trader = signed_in(everybody.trader)
    assert 'data-confirm="Revoke' in trader.get(address("agr-offer", mine.pk)).content.decode()
    at_noon.move_to(first)
    seen = trader.get(address("agr-offer", mine.pk)).content.decode()
    assert "Its first ISP has begun." in seen and 'data-confirm="Revoke' not in seen
    response = trader.post(address("agr-offer-revoke", mine.pk))
    assert response.status_code == 409 and b"first ISP" in response.content


def test_an_ordered_offer_cannot_be_revoked_and_says_so(
    everybody: Cast, trader: Client, address: Address
) -> None:
    mine, theirs = cast.accepted_offer(everybody)
    cast.order(everybody, theirs, reference="B", factor="0.50")
    cast.deliver_all(NOON)
    seen = trader.get(address("agr-offer", mine.pk)).content.decode()
    assert "It is ordered: binding." in seen and "Ordered B × 0.50" in seen
    response = trader.post(address("agr-offer-revoke", mine.pk))
    assert response.status_code == 409 and b"cannot be revoked" in response.content


@pytest.mark.parametrize(
    ("came_from", "leads_back"),
    [("http://testserver/health/live", True), ("https://elsewhere.example/x", False), ("", False)],
)
def test_back_leads_to_where_one_was_but_never_to_another_host(
    everybody: Cast, trader: Client, address: Address, came_from: str, leads_back: bool
) -> None:
    mine, theirs = cast.accepted_offer(everybody)
    cast.order(everybody, theirs, reference="B", factor="0.50")
    cast.deliver_all(NOON)
    response = trader.post(address("agr-offer-revoke", mine.pk), headers={"Referer": came_from})
    back, name = (came_from, "Back") if leads_back else (address("agr-desk"), "To the desk")
    assert f'<a class="btn" href="{back}" data-back>{name}</a>' in response.content.decode()


def test_an_expired_offer_is_over_even_before_the_sweep(
    everybody: Cast, trader: Client, address: Address, at_noon: time_machine.Traveller
) -> None:
    mine, _ = cast.accepted_offer(everybody)
    at_noon.shift(timedelta(hours=1))
    trader.force_login(everybody.trader)  # nobody did anything for an hour
    assert "It is over." in trader.get(address("agr-offer", mine.pk)).content.decode()
    assert trader.post(address("agr-offer-revoke", mine.pk)).status_code == 409


def test_one_that_cannot_be_revoked_does_not_keep_the_others(
    everybody: Cast, trader: Client, address: Address
) -> None:
    first, _ = cast.accepted_offer(everybody)
    second = cast.send_offer(everybody, models.FlexRequest.objects.get(owner=everybody.agr))
    cast.deliver_all(NOON)
    models.FlexOffer.objects.filter(pk=first.pk).update(state="ordered")
    theirs = models.FlexOffer.objects.filter(owner=everybody.dso).first()
    keys = [first.pk, second.pk, theirs.pk if theirs else 0, "x"]
    response = trader.post(address("agr-offers-revoke"), {"offer": keys, "back": "state=accepted"})
    assert response["Location"] == f"{address('agr-offers')}?state=accepted"
    assert f"1 offer is revoked: {second}." in said(response)
    assert f"{first} is not revoked" in said(response) and "does not exist" in said(response)
    assert models.FlexOffer.objects.get(pk=second.pk).state == "revoked"
    assert models.FlexOffer.objects.get(pk=theirs.pk if theirs else 0).state == "accepted"


def test_revoking_nothing_says_what_to_do(everybody: Cast, trader: Client, address: Address) -> None:
    assert "tick the offers first" in said(trader.post(address("agr-offers-revoke")))


@pytest.mark.parametrize("name", ["agr-offer-revoke", "agr-offer-copy", "agr-offer-delete", "agr-offer-send"])
def test_readers_get_403_strangers_404_and_visitors_the_login(
    everybody: Cast, reader: Client, stranger: Client, address: Address, name: str
) -> None:
    mine, _ = cast.accepted_offer(everybody)
    url = address(name, mine.pk)
    assert reader.post(url).status_code == 403
    assert stranger.post(url).status_code == 404
    assert Client().post(url)["Location"].startswith("/login/")
    assert models.FlexOffer.objects.get(pk=mine.pk).state == "accepted"


def test_a_reader_sees_the_page_without_buttons_that_trade(
    everybody: Cast, reader: Client, address: Address
) -> None:
    mine, _ = cast.accepted_offer(everybody)
    seen = reader.get(address("agr-offer", mine.pk)).content.decode()
    assert "You may look, not trade." in seen and address("agr-offer-revoke", mine.pk) not in seen


def test_a_trader_of_the_other_side_sees_nothing_of_ours(everybody: Cast, address: Address) -> None:
    mine, _ = cast.accepted_offer(everybody)
    operator = signed_in(everybody.operator)
    assert operator.get(address("agr-offer", mine.pk)).status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "accepted"}, True),
        ({"state": "unanswered"}, False),
        ({"q": "Cold store"}, False),
        ({"q": "C"}, True),
        ({"day": "2026-03-03"}, True),
        ({"day": "2026-03-04"}, False),
        ({"q": "\0"}, True),
    ],
)
def test_the_list_is_filtered(
    everybody: Cast, trader: Client, address: Address, query: dict[str, str], found: bool
) -> None:
    mine, _ = cast.accepted_offer(everybody)
    response = trader.get(address("agr-offers"), query)
    assert (address("agr-offer", mine.pk) in response.content.decode()) is found


def test_an_offer_is_found_by_its_number_and_by_its_message_id(
    everybody: Cast, trader: Client, address: Address
) -> None:
    mine, _ = cast.accepted_offer(everybody)
    other = cast.send_offer(everybody, models.FlexRequest.objects.get(owner=everybody.agr))
    for text in (str(mine), str(mine.pk), cast.message_of(mine).message_id[:8]):
        seen = trader.get(address("agr-offers"), {"q": text}).content.decode()
        assert address("agr-offer", mine.pk) in seen and address("agr-offer", other.pk) not in seen


def test_the_list_goes_out_as_csv(everybody: Cast, trader: Client, address: Address) -> None:
    mine, _ = cast.accepted_offer(everybody)
    response = trader.get(address("agr-offers"), {"format": "csv"})
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert lines[1].startswith(f"{mine},{cast.message_of(mine).message_id},")
    assert ",accepted,delivered," in lines[1] and ",A B C,-260000,55.0000,126.1500,EUR," in lines[1]


def test_an_offer_that_failed_is_not_sent_a_second_time(
    everybody: Cast, trader: Client, address: Address
) -> None:
    mine = cast.send_offer(everybody, cast.answerable_request(everybody))
    models.Message.objects.filter(pk=mine.message_id).update(state="failed", error="nobody answers")
    trading.fail_undelivered(NOON)
    refused = trader.post(address("agr-offer-send", mine.pk))
    assert refused.status_code == 409
    assert "FlexOffer is failed: it cannot be sent any more." in refused.text


def test_without_a_signing_key_a_verb_gets_a_sentence(
    everybody: Cast, trader: Client, address: Address
) -> None:
    mine, _ = cast.accepted_offer(everybody)
    everybody.agr.keys.all().delete()
    refused = trader.post(address("agr-offer-revoke", mine.pk))
    assert refused.status_code == 409 and "no signing key" in refused.text
    many = trader.post(address("agr-offers-revoke"), {"offer": [mine.pk]})
    assert many.status_code == 302 and "no signing key" in said(many)
    mine.refresh_from_db()
    assert mine.state == "accepted"


@pytest.mark.parametrize("name", ["agr-desk", "agr-offers"])
@pytest.mark.parametrize("state", list(domain.OfferState))
def test_a_row_shows_no_more_than_was_read_with_it(
    everybody: Cast,
    trader: Client,
    address: Address,
    monkeypatch: pytest.MonkeyPatch,
    state: domain.OfferState,
    name: str,
) -> None:
    """A column that a list leaves out and a row wants after all would be a query for each row."""
    row = cast.send_offer(everybody, cast.answerable_request(everybody))
    changes = {"state": state, "reason": "why", "revocation": F("message")}
    models.FlexOffer.objects.filter(pk=row.pk).update(**changes)
    for message_state in ("queued", "delivered", "failed"):
        models.Message.objects.filter(flex_offer=row.pk).update(state=message_state, attempts=9)
        with monkeypatch.context() as patched:
            patched.setattr(Model, "refresh_from_db", _one_more_query)
            assert f"O-{row.pk}" in trader.get(address(name)).content.decode()


def _one_more_query(row: Model, fields: object = None, **more: object) -> None:
    raise AssertionError(f"{row!r} is asked for {fields}, which was not read")
