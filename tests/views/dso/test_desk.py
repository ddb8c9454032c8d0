"""The DSO's desk says what is short, what is open, what came in, and what needs somebody now."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from offers.models import CongestionPoint, FlexOffer, FlexOrder, FlexRequest, Message
from offers.services import trading
from tests import cast
from tests.cast import NOON, Cast

from .conftest import FORECAST, Address, drafted, sent

pytestmark = pytest.mark.usefixtures("at_noon")


def page(client: Client, address: Address, **headers: str) -> str:
    response = client.get(address("dso-desk"), headers=headers)
    assert response.status_code == 200
    return response.content.decode().replace("\N{NO-BREAK SPACE}", " ")


def test_an_empty_desk_says_what_to_do(everybody: Cast, dispatcher: Client, address: Address) -> None:
    seen = page(dispatcher, address)
    assert "No request is open." in seen and address("dso-request-new") in seen
    assert "Nothing needs you now." in seen


def test_a_point_shows_its_capacity_and_how_it_answers(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    seen = page(dispatcher, address)
    assert "Station West" in seen and "2,000 kW" in seen and "accepted at once" in seen
    assert "none yet: it comes with a request" in seen


def test_the_forecast_of_a_sent_request_stands_against_the_capacity(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    sent(everybody, forecast_w=FORECAST)
    seen = page(dispatcher, address)
    assert "2,300 kW" in seen and "17:00" in seen
    assert '<b class="bad">300 kW</b>' in seen  # the unmet need
    assert 'data-figure="load-' in seen


def test_what_is_ordered_lowers_the_unmet_need(everybody: Cast, dispatcher: Client, address: Address) -> None:
    sent(everybody, forecast_w=FORECAST)
    cast.deliver_all(NOON)
    cast.send_offer(everybody, FlexRequest.objects.get(owner=everybody.agr))
    cast.deliver_all(NOON)
    cast.order(everybody, FlexOffer.objects.get(owner=everybody.dso))
    assert '<b class="bad">100 kW</b>' in page(dispatcher, address)


def test_a_request_to_two_aggregators_is_one_line_with_its_counts(
    two_agrs: Cast, dispatcher: Client, address: Address
) -> None:
    sent(two_agrs)
    cast.deliver_all(NOON)
    cast.send_offer(two_agrs, FlexRequest.objects.get(owner=two_agrs.agr))
    cast.deliver_all(NOON)
    response = dispatcher.get(address("dso-desk"))
    (row,) = response.context["requests"]
    assert (row.asked, row.accepted, row.offered) == (2, 2, 1)
    assert row.best.option.reference == "C"  # as much as A, for less a MWh
    assert row.best.option.coverage == 1.0
    assert "100.0" in response.content.decode() and "2:00:00" in response.content.decode()


def test_the_draft_of_a_request_stands_below_what_is_open(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    draft = drafted(everybody)[0]
    sent(everybody)
    rows = dispatcher.get(address("dso-desk")).context["requests"]
    assert [row.is_draft for row in rows] == [False, True]
    assert address("dso-request-edit", draft.group) in page(dispatcher, address)


def waiting(everybody: Cast) -> FlexOffer:
    CongestionPoint.objects.update(answers_automatically=False)
    cast.send_offer(everybody, cast.answerable_request(everybody))
    cast.deliver_all(NOON)
    return FlexOffer.objects.get(owner=everybody.dso)


def test_an_offer_that_waits_stands_with_its_deadline_and_needs_you(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    offer = waiting(everybody)
    seen = page(dispatcher, address)
    assert f"{offer} waits for an answer" in seen
    assert seen.count(address("dso-offer", offer.pk)) >= 2
    trading.accept_offer(everybody.dso, offer.pk, everybody.operator, NOON)
    seen = page(dispatcher, address)
    assert f"{offer} waits for an answer" not in seen and "No offer waits for staff." in seen


def test_an_accepted_offer_needs_you_in_its_last_hour(
    everybody: Cast, dispatcher: Client, address: Address, at_noon: time_machine.Traveller
) -> None:
    _, offer = cast.accepted_offer(everybody)
    FlexOffer.objects.filter(pk=offer.pk).update(expires_at=NOON + timedelta(minutes=90))
    assert f"{offer} is not ordered" not in page(dispatcher, address)
    at_noon.move_to(NOON + timedelta(minutes=31))
    dispatcher.force_login(everybody.operator)  # nobody did anything for half an hour
    assert f"{offer} is not ordered" in page(dispatcher, address)
    cast.order(everybody, offer, NOON + timedelta(minutes=31))
    assert f"{offer} is not ordered" not in page(dispatcher, address)


def test_a_rejected_request_needs_you_until_a_newer_one_is_sent(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    row = sent(everybody)[0]
    FlexRequest.objects.filter(pk=row.pk).update(state="rejected", reason="Unknown contract")
    seen = page(dispatcher, address)
    assert f"Demo AGR rejected {row}" in seen and "Unknown contract" in seen
    sent(everybody)
    assert "Unknown contract" not in page(dispatcher, address)


def test_a_request_that_does_not_arrive_needs_you(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    row = sent(everybody)[0]
    Message.objects.filter(pk=row.message_id).update(attempts=3, error="HTTP 503")
    assert "3 tries, the last: HTTP 503" in page(dispatcher, address)


def test_an_order_without_an_answer_and_one_that_failed_need_you(
    everybody: Cast, dispatcher: Client, address: Address, at_noon: time_machine.Traveller
) -> None:
    _, theirs = cast.accepted_offer(everybody)
    order = cast.order(everybody, theirs)
    Message.objects.filter(pk=order.message_id).update(state="delivered", state_at=NOON)
    at_noon.move_to(NOON + timedelta(minutes=4))
    assert "is unanswered" not in page(dispatcher, address)
    at_noon.move_to(NOON + timedelta(minutes=6))
    assert f"order {order} is unanswered" in page(dispatcher, address)
    FlexOrder.objects.filter(pk=order.pk).update(state="failed", reason="No route")
    seen = page(dispatcher, address)
    assert "never reached Demo AGR" in seen and "No route Nothing is bought." in seen


def test_a_watcher_sees_the_button_off_and_no_switch(
    everybody: Cast, watcher: Client, address: Address
) -> None:
    seen = page(watcher, address)
    assert "You may look, not trade." in seen
    assert address("dso-request-new") not in seen
    assert address("dso-point-answers", everybody.point.pk) not in seen


def test_who_manages_leaves_a_points_offers_to_staff_and_back(
    everybody: Cast, head: Client, address: Address
) -> None:
    where = address("dso-point-answers", everybody.point.pk)
    assert where in page(head, address)
    head.post(where, {"automatic": "no"})
    assert "wait for staff" in page(head, address)
    head.post(where, {"automatic": "yes"})
    everybody.point.refresh_from_db()
    assert everybody.point.answers_automatically


def test_the_switch_is_for_managers_and_for_ones_own_points(
    everybody: Cast, dispatcher: Client, head: Client, address: Address
) -> None:
    assert dispatcher.post(address("dso-point-answers", everybody.point.pk)).status_code == 403
    other = cast.participant("dso.other.example", "DSO", "Other DSO")
    theirs = CongestionPoint.objects.create(entity_address="ea1.2026-01.example.other:x", name="X", dso=other)
    assert head.post(address("dso-point-answers", theirs.pk), {"automatic": "no"}).status_code == 404
    theirs.refresh_from_db()
    assert theirs.answers_automatically


def test_a_poll_gets_304_while_nothing_happens(
    everybody: Cast, dispatcher: Client, address: Address, at_noon: time_machine.Traveller
) -> None:
    waiting(everybody)
    at_noon.shift(timedelta(seconds=5))
    first = dispatcher.get(address("dso-desk"), headers={"HX-Request": "true"})
    assert b"<html" not in first.content and b'id="desk"' in first.content
    at_noon.shift(timedelta(seconds=5))
    headers = {"HX-Request": "true", "If-None-Match": first["ETag"]}
    assert dispatcher.get(address("dso-desk"), headers=headers).status_code == 304
    sent(everybody)
    assert dispatcher.get(address("dso-desk"), headers=headers).status_code == 200


@pytest.mark.parametrize("name", ["dso-desk", "dso-requests"])
def test_more_rows_do_not_mean_more_queries(
    everybody: Cast, dispatcher: Client, address: Address, name: str, django_assert_max_num_queries: Any
) -> None:
    first = FlexRequest.objects.get(pk=waiting(everybody).flex_request_id)
    copies(first, 2)
    dispatcher.get(address(name))
    with CaptureQueriesContext(connection) as few:
        assert len(dispatcher.get(address(name)).context["requests"]) == 3
    copies(first, 27)
    with django_assert_max_num_queries(len(few.captured_queries)):
        assert len(dispatcher.get(address(name)).context["requests"]) == 30


def copies(request: FlexRequest, count: int) -> None:
    """More needs, each with an offer, as the database has them."""
    import uuid

    offer = request.flex_offers.get()
    for _ in range(count):
        row = FlexRequest.objects.get(pk=request.pk)
        row.pk, row.message, row.group = None, None, uuid.uuid4()
        row._state.adding = True
        row.save()
        made = FlexOffer.objects.get(pk=offer.pk)
        made.pk, made.message, made.flex_request, made.state = None, None, row, "accepted"
        made._state.adding = True
        made.save()
        for option in offer.options.all():
            option.pk, option.flex_offer = None, made
            option._state.adding = True
            option.save()


def test_a_stranger_gets_404(everybody: Cast, stranger: Client, address: Address) -> None:
    assert stranger.get(address("dso-desk")).status_code == 404


def test_of_offers_that_cover_as_much_the_cheapest_is_the_best(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    asked = cast.answerable_request(everybody)
    for price in ("120.00", "90.00", "100.00"):
        cast.send_offer(everybody, asked, options=[cast.option("A", price, -200_000)])
    cast.deliver_all(NOON)
    (row,) = dispatcher.get(address("dso-desk")).context["requests"]
    assert str(row.best.option.price) == "90.0000"
