"""Orders: what is promised per ISP, on screen and as a schedule for a machine."""

import uuid
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from offers import models
from offers.views.trades import position
from tests import cast
from tests.cast import NOON, Cast

from .conftest import Address


@pytest.fixture
def order(everybody: Cast) -> models.FlexOrder:
    """Option B at half: -60 kW in ISP 69 to 76."""
    _, theirs = cast.accepted_offer(everybody)
    cast.order(everybody, theirs, reference="B", factor="0.50")
    cast.deliver_all(NOON)
    return models.FlexOrder.objects.get(owner=everybody.agr)


def test_an_order_stands_in_the_list_with_factor_price_and_hours(
    order: models.FlexOrder, trader: Client, address: Address
) -> None:
    seen = trader.get(address("agr-orders")).content.decode()
    assert order.order_reference in seen and "Binding" in seen
    assert "0.50" in seen and "−60" in seen and "27.50" in seen and "ISP 69–76" in seen
    assert "229.17" in seen  # 27.50 EUR for 0.12 MWh


def test_the_page_says_what_is_promised_in_each_isp_with_local_time_and_utc(
    order: models.FlexOrder, trader: Client, address: Address
) -> None:
    response = trader.get(address("agr-order", order.pk))
    lines = response.context["lines"]
    assert [line["n"] for line in lines] == list(range(69, 77))
    assert lines[0] == {"n": 69, "local": "17:00–17:15", "utc": "16:00", "power": -60_000, "kwh": "−15.0"}
    assert "Accepted by us: binding" in response.content.decode()


def test_the_schedule_is_one_line_per_isp_in_watts(
    order: models.FlexOrder, trader: Client, address: Address
) -> None:
    for url in (address("agr-order", order.pk) + "?format=csv", address("agr-orders") + "?format=schedule"):
        response = trader.get(url)
        lines = b"".join(response.streaming_content).decode().splitlines()
        assert lines[0] == "order,congestion_point,day,local,utc,isp,power_w"
        assert len(lines) == 9
        assert lines[1].endswith(",2026-03-03,2026-03-03T17:00+01:00,2026-03-03T16:00:00Z,69,-60000")


def test_the_position_adds_up_what_is_ordered_and_offered(
    order: models.FlexOrder, everybody: Cast, trader: Client, address: Address
) -> None:
    cast.send_offer(everybody, models.FlexRequest.objects.get(owner=everybody.agr))
    (place,) = trader.get(address("agr-orders")).context["positions"]
    assert place.words == "ordered −60 kW tomorrow, offered −260 kW tomorrow"
    assert ["Tue 3 Mar", "17:00", "16:00", "69", "−60", "−260"] in place.rows


def test_the_position_of_two_days_follows_the_clock_change(everybody: Cast, order: models.FlexOrder) -> None:
    """On 25 October 2026 Amsterdam has 100 ISPs; the next day begins behind them."""
    days = [date(2026, 10, 25), date(2026, 10, 26)]
    order.period = days[1]
    (place,) = position.positions([everybody.point], [order], [], NOON, days)
    assert len(place.isps) == 196
    assert place.rows[0][:5] == ["Mon 26 Oct", "17:00", "16:00", "69", "−60"]
    assert [trace["x"][0] for trace in place.figure["data"] if trace["name"] == "Ordered"] == [168.5]


def test_orders_go_out_as_csv(order: models.FlexOrder, trader: Client, address: Address) -> None:
    response = trader.get(address("agr-orders"), {"format": "csv"})
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert lines[1].startswith(order.order_reference) and ",0.50,27.5" in lines[1]


def test_a_list_without_orders_says_when_there_will_be_one(
    everybody: Cast, trader: Client, address: Address
) -> None:
    assert "Nothing was ordered yet." in trader.get(address("agr-orders")).content.decode()


def test_a_stranger_sees_no_order(order: models.FlexOrder, stranger: Client, address: Address) -> None:
    assert stranger.get(address("agr-order", order.pk)).status_code == 404
    theirs = models.FlexOrder.objects.exclude(pk=order.pk).get()
    assert stranger.get(address("agr-order", theirs.pk)).status_code == 404


def test_more_orders_do_not_mean_more_queries(
    order: models.FlexOrder,
    trader: Client,
    address: Address,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    _copies(order, 2)
    trader.get(address("agr-orders"))
    with CaptureQueriesContext(connection) as few:
        assert len(trader.get(address("agr-orders")).context["orders"]) == 3
    _copies(order, 27)
    with django_assert_num_queries(len(few.captured_queries)):
        assert len(trader.get(address("agr-orders")).context["orders"]) == 30


def _copies(order: models.FlexOrder, count: int) -> None:
    """Orders that name no offer, each with a message of its own."""
    for _ in range(count):
        message = models.Message.objects.get(pk=order.message_id)
        message.pk, message.message_id = None, str(uuid.uuid4())
        message._state.adding = True
        message.save()
        row = models.FlexOrder.objects.get(pk=order.pk)
        row.pk, row.message, row.flex_offer = None, message, None
        row._state.adding = True
        row.save()
