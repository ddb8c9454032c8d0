"""Offers as the DSO sees them: listed, weighed against the request, accepted, rejected, ordered."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db.models import Model
from django.test import Client

from offers.domain import OfferState
from offers.models import FlexOffer, FlexOrder
from offers.services import trading
from tests import cast
from tests.cast import NOON, Cast

from .conftest import Address

pytestmark = pytest.mark.django_db
BASE = "/dso/dso.demo.example"


@pytest.fixture(autouse=True)
def noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def operator(everybody: Cast, client: Client) -> Client:
    client.force_login(everybody.operator)
    return client


def words(response: Any) -> str:
    """A page as it reads: an unbreakable space is a space."""
    return str(response.content.decode()).replace("\N{NO-BREAK SPACE}", " ").replace("\u202f", " ")


def waiting(everybody: Cast) -> FlexOffer:
    everybody.point.answers_automatically = False
    everybody.point.save()
    _, theirs = cast.accepted_offer(everybody)
    return theirs


def test_an_offer_is_listed_with_its_best_coverage(everybody: Cast, operator: Client) -> None:
    _, theirs = cast.accepted_offer(everybody)
    page = words(operator.get(f"{BASE}/offers/"))
    assert str(theirs) in page and "100.0 %" in page


def test_the_list_is_filtered_by_state_and_taken_away_as_csv(everybody: Cast, operator: Client) -> None:
    _, theirs = cast.accepted_offer(everybody)
    assert f">{theirs}<" not in words(operator.get(f"{BASE}/offers/?state=waiting"))
    assert f">{theirs}<" in words(operator.get(f"{BASE}/offers/?state=accepted"))
    response: Any = operator.get(f"{BASE}/offers/?format=csv")
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert lines[0].startswith("offer,message_id") and lines[1].startswith(str(theirs))


def test_the_list_asks_the_database_the_same_for_three_and_thirty(
    everybody: Cast, operator: Client, django_assert_max_num_queries: Any
) -> None:
    request = cast.answerable_request(everybody)
    for _ in range(30):
        cast.send_offer(everybody, request)
    cast.deliver_all(NOON)
    with django_assert_max_num_queries(18):
        assert operator.get(f"{BASE}/offers/").status_code == 200


def test_an_offer_says_in_words_what_each_option_is_worth(everybody: Cast, operator: Client) -> None:
    _, theirs = cast.accepted_offer(everybody)
    page = words(operator.get(f"{BASE}/offers/{theirs.pk}/"))
    assert "Covers 100.0 % of the request: all of it." in page
    assert "Covers 60.0 % of the request; 8 ISPs stay short, ISP 69 by 80 kW." in page


def test_an_option_that_breaks_the_bounds_says_where(everybody: Cast, operator: Client) -> None:
    request = cast.answerable_request(everybody)
    options = [cast.option("A", "50.00", -200_000)]
    options[0]["isps"] += [{"start": 77, "duration": 1, "power": 140_000}]
    cast.send_offer(everybody, request, options=options)
    cast.deliver_all(NOON)
    theirs = FlexOffer.objects.get(owner=everybody.dso)
    page = words(operator.get(f"{BASE}/offers/{theirs.pk}/"))
    assert "Breaks the bounds in 1 ISP, by 40 kW in ISP 77." in page


def test_staff_accept_an_offer_that_waits(everybody: Cast, operator: Client) -> None:
    theirs = waiting(everybody)
    assert "Waits for you" in words(operator.get(f"{BASE}/offers/{theirs.pk}/"))
    operator.post(f"{BASE}/offers/{theirs.pk}/accept/")
    theirs.refresh_from_db()
    assert theirs.state == "accepted"


def test_staff_reject_with_a_reason_that_reaches_the_aggregator(everybody: Cast, operator: Client) -> None:
    theirs = waiting(everybody)
    operator.post(f"{BASE}/offers/{theirs.pk}/reject/", {"standard": "", "text": "Too dear."})
    cast.deliver_all(NOON)
    mine = FlexOffer.objects.get(owner=everybody.agr)
    assert (mine.state, mine.reason) == ("rejected", "Too dear.")


def test_a_rejection_without_a_reason_is_asked_for_one(everybody: Cast, operator: Client) -> None:
    theirs = waiting(everybody)
    page = words(operator.post(f"{BASE}/offers/{theirs.pk}/reject/", {"text": " "}, follow=True))
    assert "needs a reason" in page
    theirs.refresh_from_db()
    assert theirs.state == "sent"


def test_ordering_asks_once_more_with_the_money(everybody: Cast, operator: Client) -> None:
    _, theirs = cast.accepted_offer(everybody)
    page = words(operator.get(f"{BASE}/offers/{theirs.pk}/order/?option=1&factor=0.67"))
    assert "Order A × 0.67 for € 67.94" in page and "use up to 134 kW less" in page
    assert not FlexOrder.objects.exists()


def test_an_order_is_placed_and_leads_to_its_page(everybody: Cast, operator: Client) -> None:
    _, theirs = cast.accepted_offer(everybody)
    form = {"option": "1", "factor": "0.67"}
    response = operator.post(f"{BASE}/offers/{theirs.pk}/order/", form)
    placed = FlexOrder.objects.get()
    assert response["Location"] == f"{BASE}/orders/{placed.pk}/"
    assert (placed.price, placed.factor) == (Decimal("67.94"), Decimal("0.67"))
    assert "No answer" not in words(operator.get(response["Location"]))
    cast.deliver_all(NOON)
    assert "Accepted, binding" in words(operator.get(response["Location"]))


@pytest.mark.parametrize("factor", ["0.39", "1.01", "0.555", "abc", "", "NaN", "-1"])
def test_an_impossible_factor_orders_nothing_and_says_why(
    everybody: Cast, operator: Client, factor: str
) -> None:
    _, theirs = cast.accepted_offer(everybody)
    form = {"option": "1", "factor": factor}
    response = operator.post(f"{BASE}/offers/{theirs.pk}/order/", form)
    assert response.status_code == 422
    assert "0.40" in words(response)
    assert not FlexOrder.objects.exists()


def test_an_offer_cannot_be_ordered_twice(everybody: Cast, operator: Client) -> None:
    _, theirs = cast.accepted_offer(everybody)
    cast.order(everybody, theirs)
    response = operator.post(f"{BASE}/offers/{theirs.pk}/order/", {"option": "2", "factor": "1.00"})
    assert response.status_code == 409
    assert "cannot be ordered any more" in words(response)


def test_an_expired_offer_cannot_be_ordered(everybody: Cast, operator: Client) -> None:
    _, theirs = cast.accepted_offer(everybody)
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        operator.force_login(everybody.operator)  # nobody did anything for an hour
        response = operator.post(f"{BASE}/offers/{theirs.pk}/order/", {"option": "1", "factor": "1.00"})
    assert response.status_code == 409


def test_an_order_that_lost_against_a_revocation_says_so(everybody: Cast, operator: Client) -> None:
    mine, theirs = cast.accepted_offer(everybody)
    trading.revoke(everybody.agr, mine.pk, everybody.trader, NOON)
    placed = cast.order(everybody, theirs)
    cast.deliver_all(NOON)
    page = words(operator.get(f"{BASE}/orders/{placed.pk}/"))
    assert "Reference message revoked" in page


def test_a_watcher_sees_but_cannot_act(everybody: Cast, client: Client) -> None:
    _, theirs = cast.accepted_offer(everybody)
    client.force_login(everybody.watcher)
    assert "You may look, not trade." in words(client.get(f"{BASE}/offers/{theirs.pk}/"))
    for action in ("accept", "reject", "order"):
        assert client.post(f"{BASE}/offers/{theirs.pk}/{action}/").status_code == 403


def test_a_stranger_finds_nothing(everybody: Cast, client: Client) -> None:
    _, theirs = cast.accepted_offer(everybody)
    client.force_login(everybody.stranger)
    assert client.get(f"{BASE}/offers/{theirs.pk}/").status_code == 404
    assert client.get("/agr/agr.rival.example/offers/999999/").status_code == 404


def test_the_schedule_of_an_order_is_a_csv_file(everybody: Cast, operator: Client) -> None:
    _, theirs = cast.accepted_offer(everybody)
    placed = cast.order(everybody, theirs)
    response: Any = operator.get(f"{BASE}/orders/{placed.pk}/?format=csv")
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert len(lines) == 1 + 8


@pytest.mark.parametrize("name", ["dso-desk", "dso-offers", "dso-requests"])
@pytest.mark.parametrize("state", [state for state in OfferState if state != OfferState.DRAFT])
def test_a_row_shows_no_more_than_was_read_with_it(
    everybody: Cast,
    dispatcher: Client,
    address: Address,
    monkeypatch: pytest.MonkeyPatch,
    state: OfferState,
    name: str,
) -> None:
    """A column that a list leaves out and a row wants after all would be a query for each row."""
    row = waiting(everybody)
    FlexOffer.objects.filter(pk=row.pk).update(state=state, reason="why")

    def one_more_query(row: Model, fields: object = None, **more: object) -> None:
        raise AssertionError(f"{row!r} is asked for {fields}, which was not read")

    monkeypatch.setattr(Model, "refresh_from_db", one_more_query)
    assert dispatcher.get(address(name)).status_code == 200
