"""The trader's desk says what is open, what it came to, and what needs somebody now."""

from datetime import timedelta

import time_machine
from django.test import Client

from offers import models
from offers.services import trading
from tests import cast
from tests.cast import NOON, Cast

from .conftest import Address


def page(client: Client, address: Address, query: str = "", **headers: str) -> str:
    response = client.get(address("agr-desk") + query, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_an_empty_desk_says_what_will_appear(everybody: Cast, trader: Client, address: Address) -> None:
    assert "No request is open." in page(trader, address)


def test_a_request_stands_with_its_deadline_hours_and_peak(
    everybody: Cast, trader: Client, address: Address
) -> None:
    cast.answerable_request(everybody)
    seen = page(trader, address)
    assert "2:00:00" in seen  # until it closes
    assert "17:00–19:00" in seen and "ISP 69–76" in seen
    assert "−200" in seen and "400.0" in seen and "use less" in seen
    assert "Draft offer" in seen and "Not answered" in seen


def test_a_reader_sees_no_button_that_trades(everybody: Cast, reader: Client, address: Address) -> None:
    cast.answerable_request(everybody)
    seen = page(reader, address)
    assert "Draft offer" not in seen
    assert "You may look, not trade." in seen


def test_the_answer_to_a_request_follows_the_offer(everybody: Cast, trader: Client, address: Address) -> None:
    cast.accepted_offer(everybody)
    seen = page(trader, address)
    assert "Not answered" not in seen
    assert seen.count('class="chip accepted"') >= 2  # at the request and at the offer


def test_delivery_and_answer_are_two_chips(everybody: Cast, trader: Client, address: Address) -> None:
    cast.accepted_offer(everybody)
    seen = page(trader, address)
    assert 'class="chip delivered"' in seen and 'class="chip accepted"' in seen


def test_an_order_gets_a_banner_with_its_price_and_hours(
    everybody: Cast, trader: Client, address: Address
) -> None:
    _, theirs = cast.accepted_offer(everybody)
    cast.order(everybody, theirs)
    cast.deliver_all(NOON)
    seen = page(trader, address)
    assert "Order received 12:00:00" in seen
    assert "use 200 kW less" in seen and "101.40" in seen


def test_a_request_that_closes_within_the_hour_needs_you(
    everybody: Cast, trader: Client, address: Address, at_noon: time_machine.Traveller
) -> None:
    row = cast.answerable_request(everybody)
    assert "is not answered" not in page(trader, address)
    at_noon.move_to(NOON + timedelta(minutes=90))
    assert f"{row} is not answered" in page(trader, address)


def test_a_rejected_offer_needs_you_with_the_reason_until_another_one_stands(
    everybody: Cast, trader: Client, address: Address
) -> None:
    everybody.point.answers_automatically = False
    everybody.point.save()
    mine = cast.send_offer(everybody, cast.answerable_request(everybody))
    cast.deliver_all(NOON)
    theirs = models.FlexOffer.objects.get(owner=everybody.dso)
    trading.reject_offer(everybody.dso, theirs.pk, "Too dear this time", everybody.operator, NOON)
    cast.deliver_all(NOON)
    seen = page(trader, address)
    assert f"{mine} was rejected" in seen and "Too dear this time" in seen and "Fix a copy" in seen
    trader.post(address("agr-offer-copy", mine.pk))
    assert f"{mine} was rejected" not in page(trader, address)


def test_an_offer_that_stays_unanswered_needs_you(
    everybody: Cast, trader: Client, address: Address, at_noon: time_machine.Traveller
) -> None:
    everybody.point.answers_automatically = False
    everybody.point.save()
    mine = cast.send_offer(everybody, cast.answerable_request(everybody))
    cast.deliver_all(NOON)
    assert f"{mine} is unanswered" not in page(trader, address)
    at_noon.move_to(NOON + timedelta(minutes=6))
    assert f"{mine} is unanswered" in page(trader, address)


def test_an_offer_that_does_not_arrive_needs_you(everybody: Cast, trader: Client, address: Address) -> None:
    mine = cast.send_offer(everybody, cast.answerable_request(everybody))
    models.Message.objects.filter(pk=mine.message_id).update(attempts=3, error="HTTP 503")
    seen = page(trader, address)
    assert f"{mine} is not delivered yet" in seen and "3 tries, the last: HTTP 503" in seen


def test_a_draft_that_was_not_sent_as_planned_needs_you(
    everybody: Cast, trader: Client, address: Address
) -> None:
    request = cast.answerable_request(everybody)
    trader.post(address("agr-offer-new", request.pk))
    models.FlexOffer.objects.filter(state="draft").update(reason="Not sent at the planned time: too late")
    assert "Not sent at the planned time: too late" in page(trader, address)


def test_a_draft_whose_request_has_closed_says_that_it_is_too_late(
    everybody: Cast, trader: Client, address: Address, at_noon: time_machine.Traveller
) -> None:
    request = cast.answerable_request(everybody)
    trader.post(address("agr-offer-new", request.pk))
    at_noon.shift(timedelta(minutes=90))
    assert "is not sent" in page(trader, address)
    at_noon.shift(timedelta(minutes=30))
    seen = page(trader, address)
    assert "was never sent" in seen and "too late for this draft" in seen and "is not sent" not in seen


def test_a_tab_shows_only_offers_of_its_state(everybody: Cast, trader: Client, address: Address) -> None:
    mine, _ = cast.accepted_offer(everybody)
    link = address("agr-offer", mine.pk)
    assert link in page(trader, address, "?state=accepted")
    offers_of = page(trader, address, "?state=rejected")
    assert link not in offers_of


def test_a_poll_gets_the_desk_alone_and_304_while_nothing_happens(
    everybody: Cast, trader: Client, address: Address, at_noon: time_machine.Traveller
) -> None:
    cast.answerable_request(everybody)
    first = trader.get(address("agr-desk"), headers={"HX-Request": "true"})
    assert b"<html" not in first.content and b'id="desk"' in first.content
    at_noon.shift(timedelta(seconds=5))
    headers = {"HX-Request": "true", "If-None-Match": first["ETag"]}
    assert trader.get(address("agr-desk"), headers=headers).status_code == 304
    cast.send_offer(everybody, models.FlexRequest.objects.get(owner=everybody.agr))
    assert trader.get(address("agr-desk"), headers=headers).status_code == 200


def test_no_cache_shows_the_part_instead_of_the_page(
    everybody: Cast, trader: Client, address: Address
) -> None:
    for headers in ({}, {"HX-Request": "true"}):
        response = trader.get(address("agr-desk"), headers=headers)
        assert "HX-Request" in response["Vary"] and "no-cache" in response["Cache-Control"]


def test_a_stranger_gets_404(everybody: Cast, stranger: Client, address: Address) -> None:
    assert stranger.get(address("agr-desk")).status_code == 404


def badge(client: Client, address: Address) -> str:
    """What the navigation shows beside Requests, on any page."""
    nav = client.get(address("agr-orders")).context["nav"]
    found: str = next(item["count"] for item in nav if item["label"] == "Requests")
    return found


def test_the_navigation_counts_the_requests_on_which_nothing_stands(
    everybody: Cast, trader: Client, address: Address
) -> None:
    assert badge(trader, address) == ""
    request = cast.answerable_request(everybody)
    assert badge(trader, address) == "1"
    offer = cast.send_offer(everybody, request)
    assert badge(trader, address) == ""
    trading.revoke(everybody.agr, offer.pk, everybody.trader, NOON)
    assert badge(trader, address) == "1"


def test_a_poll_brings_the_badge_along_even_when_nothing_else_is_new(
    everybody: Cast, trader: Client, address: Address
) -> None:
    asked = trader.get(address("agr-orders"), headers={"HX-Request": "true"})
    assert asked["X-Waiting"] == "r="
    cast.answerable_request(everybody)
    same = {"HX-Request": "true", "If-None-Match": asked["ETag"]}
    again = trader.get(address("agr-orders"), headers=same)
    assert (again.status_code, again["X-Waiting"]) == (304, "r=1")


def test_a_day_that_is_not_drawn_promises_nothing_on_the_desk(
    everybody: Cast, trader: Client, address: Address
) -> None:
    offer = cast.send_offer(everybody, cast.answerable_request(everybody))
    assert len(trader.get(address("agr-desk")).context["positions"]) == 1
    models.FlexOffer.objects.filter(pk=offer.pk).update(period=NOON.date() + timedelta(days=9))
    page = trader.get(address("agr-desk"))
    assert page.context["positions"] == []
    assert "Nothing is promised yet." in page.text


def test_a_long_list_of_things_to_do_leaves_room_for_the_requests(
    everybody: Cast, trader: Client, address: Address
) -> None:
    asked = cast.answerable_request(everybody)
    models.FlexRequest.objects.filter(pk=asked.pk).update(expires_at=NOON + timedelta(minutes=50))
    for n in range(2, 10):
        asked.pk, asked.message, asked._state.adding = None, None, True
        asked.expires_at = NOON + timedelta(minutes=50 - n)
        asked.save()
    seen = page(trader, address)
    assert seen.count("is not answered</h3>") == 9 and "<summary>3 more</summary>" in seen
