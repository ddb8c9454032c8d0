"""What is bought already counts: nobody shall order the same kilowatts twice."""

from typing import Any

import pytest
import time_machine
from django.test import Client

from offers.models import FlexOffer
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db
BASE = "/dso/dso.demo.example/offers"
NEED_KW = 200  # of the cast's request, in each of ISP 69 to 76


@pytest.fixture(autouse=True)
def noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def two_offers(everybody: Cast) -> list[FlexOffer]:
    """Two offers on one request, at the DSO."""
    request = cast.answerable_request(everybody)
    for _ in range(2):
        cast.send_offer(everybody, request)
    cast.deliver_all(NOON)
    return list(FlexOffer.objects.filter(owner=everybody.dso).order_by("pk"))


@pytest.fixture
def operator(everybody: Cast, client: Client) -> Client:
    client.force_login(everybody.operator)
    return client


def row_of(response: Any, head: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = response.context["under"]["rows"]
    return next(row for row in rows if row["head"] == head)


def heads_of(response: Any) -> list[str]:
    return [row["head"] for row in response.context["under"]["rows"]]


def test_without_another_order_nothing_is_said_of_one(two_offers: list[FlexOffer], operator: Client) -> None:
    response = operator.get(f"{BASE}/{two_offers[0].pk}/")
    assert heads_of(response) == ["Need", "Unmet after"]
    assert row_of(response, "Need")["total"] == "400.0\N{NO-BREAK SPACE}kWh"


def test_what_another_order_gives_is_shown_and_taken_off_the_need(
    everybody: Cast, two_offers: list[FlexOffer], operator: Client
) -> None:
    cast.order(everybody, two_offers[0], reference="B")  # 120 kW in each Requested ISP
    response = operator.get(f"{BASE}/{two_offers[1].pk}/order/?option=2&factor=0.50")
    line = response.context["lines"][0]
    assert (line["need"], line["bought"], line["power"], line["left"]) == ("−200", "−120", "−60", "20")
    assert (response.context["sums"]["covers"], response.context["sums"]["unmet_kwh"]) == (0.3, 40.0)
    seen = operator.get(f"{BASE}/{two_offers[1].pk}/")
    assert heads_of(seen) == ["Need", "Ordered already", "Unmet after"]
    assert row_of(seen, "Ordered already")["total"] == "−240.0\N{NO-BREAK SPACE}kWh"
    reasons = [option["reason"] for option in seen.context["under"]["groups"][0]["options"]]
    assert reasons[0] == "Covers 100.0 % of the request: enough beside what is ordered."


def test_an_offers_own_order_is_not_counted_twice(
    everybody: Cast, two_offers: list[FlexOffer], operator: Client
) -> None:
    cast.order(everybody, two_offers[0], reference="B")
    response = operator.get(f"{BASE}/{two_offers[0].pk}/")
    assert heads_of(response) == ["Need", "Unmet after"]
    assert {cell["text"] for cell in row_of(response, "Unmet after")["cells"]} == {"80", ""}


def test_an_order_that_came_to_nothing_gives_nothing(
    everybody: Cast, two_offers: list[FlexOffer], operator: Client
) -> None:
    placed = cast.order(everybody, two_offers[0], reference="B")
    type(placed).objects.filter(pk=placed.pk).update(state="rejected")
    response = operator.get(f"{BASE}/{two_offers[1].pk}/")
    assert "Ordered already" not in heads_of(response)


def test_numbers_of_an_order_have_the_same_decimals_in_every_line(
    two_offers: list[FlexOffer], operator: Client
) -> None:
    response = operator.get(f"{BASE}/{two_offers[0].pk}/order/?option=2&factor=0.67")
    powers = {line["power"] for line in response.context["lines"]}
    left = {line["left"] for line in response.context["lines"]}
    assert (powers, left) == ({"−80.4"}, {"119.6"})


def test_an_isp_that_the_option_leaves_out_stays_in_the_table_as_unmet(
    everybody: Cast, operator: Client
) -> None:
    request = cast.answerable_request(everybody)
    short = cast.option("A", "50.00", -200_000)
    short["isps"] = short["isps"][:4]
    cast.send_offer(everybody, request, options=[short])
    cast.deliver_all(NOON)
    theirs = FlexOffer.objects.get(owner=everybody.dso)
    lines = operator.get(f"{BASE}/{theirs.pk}/order/?option=1&factor=1.00").context["lines"]
    assert [line["left"] for line in lines] == ["0"] * 4 + [f"{NEED_KW}"] * 4
    assert lines[-1]["power"] == "–"


def test_an_impossible_factor_shows_the_whole_option(two_offers: list[FlexOffer], operator: Client) -> None:
    response = operator.get(f"{BASE}/{two_offers[0].pk}/order/?option=1&factor=0.05")
    assert response.context["wrong_factor"] and str(response.context["price"]) == "101.4000"
    assert response.context["lines"][0]["power"] == "−200"


def test_an_offer_that_is_over_is_not_drawn_as_if_it_were_ordered(
    two_offers: list[FlexOffer], operator: Client
) -> None:
    FlexOffer.objects.filter(pk=two_offers[0].pk).update(state="revoked")
    response = operator.get(f"{BASE}/{two_offers[0].pk}/")
    assert heads_of(response) == ["Need"]
    options = response.context["under"]["groups"][0]["options"]
    assert {option["css"] for option in options} == {"past"}


def test_a_placed_order_is_named_with_its_money_and_stands_as_queued(
    two_offers: list[FlexOffer], operator: Client
) -> None:
    form = {"option": "1", "factor": "0.67"}
    page = operator.post(f"{BASE}/{two_offers[0].pk}/order/", form, follow=True).content.decode()
    page = page.replace("\N{NO-BREAK SPACE}", " ")
    assert "A × 0.67 for € 67.94, is signed and on its way." in page
    assert "Queued" in page.partition("</h1>")[2].partition("</span></div>")[0]
