"""Requests: the list with its filters, and one with its power space, deadlines and our offers."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from offers import models
from offers.services import trading
from tests import cast
from tests.cast import NOON, TOMORROW, Cast

from .conftest import Address


def test_the_page_draws_the_power_space_and_has_its_values_behind_it(
    everybody: Cast, trader: Client, address: Address
) -> None:
    row = cast.answerable_request(everybody)
    seen = trader.get(address("agr-request", row.pk)).content.decode()
    assert 'data-figure="space-figure"' in seen
    assert '<td class="num">Requested</td>' in seen and '<td class="num">Available</td>' in seen
    assert "−3,000" in seen  # MinPower
    assert "request closes" in seen and "first ISP, 65" in seen and "end of ISP 80" in seen


def test_our_offers_lie_over_it_one_at_a_time(everybody: Cast, trader: Client, address: Address) -> None:
    row = cast.answerable_request(everybody)
    first, second = (cast.send_offer(everybody, row) for _ in range(2))
    response = trader.get(address("agr-request", row.pk), {"offer": first.pk})
    assert response.context["shown"].offer == first
    assert response.context["chart"]["letters"] == ["A", "B", "C"]
    assert str(second) in response.content.decode()


def test_a_closed_request_takes_no_offer(everybody: Cast, trader: Client, address: Address) -> None:
    row = cast.answerable_request(everybody)
    trading.expire_due(NOON + timedelta(hours=3))
    seen = trader.get(address("agr-request", row.pk)).content.decode()
    assert "This request is closed." in seen
    answer = trader.post(address("agr-offer-new", row.pk))
    assert answer.status_code == 409 and b"closed" in answer.content
    assert not models.FlexOffer.objects.exists()


def test_a_reader_cannot_start_an_offer(everybody: Cast, reader: Client, address: Address) -> None:
    row = cast.answerable_request(everybody)
    assert "You may look, not trade." in reader.get(address("agr-request", row.pk)).content.decode()
    assert reader.post(address("agr-offer-new", row.pk)).status_code == 403


def test_another_ones_request_does_not_exist(everybody: Cast, trader: Client, address: Address) -> None:
    cast.answerable_request(everybody)
    theirs = models.FlexRequest.objects.get(owner=everybody.dso)
    assert trader.get(address("agr-request", theirs.pk)).status_code == 404
    assert trader.get(address("agr-request", 10**18)).status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, True),
        ({"state": "expired"}, False),
        ({"day": TOMORROW.isoformat()}, True),
        ({"day": "2026-03-09"}, False),
        ({"day": "nonsense", "point": "x", "state": "?"}, True),
        ({"point": "999999"}, False),
    ],
)
def test_the_list_is_filtered_by_its_address(
    everybody: Cast, trader: Client, address: Address, query: dict[str, str], found: bool
) -> None:
    row = cast.answerable_request(everybody)
    response = trader.get(address("agr-requests"), query)
    assert (address("agr-request", row.pk) in response.content.decode()) is found
    if not found:
        assert "Clear the filters" in response.content.decode()


def test_a_newer_revision_is_named_on_the_older_one(
    everybody: Cast, trader: Client, address: Address
) -> None:
    older = cast.answerable_request(everybody)
    cast.send_request(everybody)
    cast.deliver_all(NOON)
    seen = trader.get(address("agr-request", older.pk)).content.decode()
    assert "Revision 2 takes the place of this one." in seen


def test_a_revision_that_was_refused_or_is_over_is_not_overstated(
    everybody: Cast, trader: Client, address: Address
) -> None:
    older = cast.answerable_request(everybody)
    cast.send_offer(everybody, older)
    cast.send_request(everybody)
    cast.deliver_all(NOON)
    where = address("agr-request", older.pk)
    seen = trader.get(where).content.decode()
    assert "warn-edge" in seen and "A newer revision has taken its place." in seen
    assert "Your offers on it stay as they are" in seen
    newer = models.FlexRequest.objects.filter(owner=everybody.agr, revision=2)
    newer.update(state="expired")
    assert "took the place of this one and is over, too" in trader.get(where).content.decode()
    newer.update(state="rejected")
    assert "the place of this one" not in trader.get(where).content.decode()


def test_a_draft_on_an_older_revision_says_so_in_the_editor(
    everybody: Cast, trader: Client, address: Address
) -> None:
    older = cast.answerable_request(everybody)
    trader.post(address("agr-offer-new", older.pk))
    cast.send_request(everybody)
    cast.deliver_all(NOON)
    seen = trader.get(address("agr-offer-edit", models.FlexOffer.objects.get().pk)).content.decode()
    assert "Revision 2 takes the place of the request that this draft answers." in seen


def test_the_list_goes_out_as_csv(everybody: Cast, trader: Client, address: Address) -> None:
    row = cast.answerable_request(everybody)
    response = trader.get(address("agr-requests"), {"format": "csv"})
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert lines[0].startswith("request,message_id,congestion_point")
    assert lines[1].startswith(f"{row},") and lines[1].endswith(",69,76,-200000")


@pytest.mark.parametrize("name", ["agr-desk", "agr-requests", "agr-offers"])
def test_more_rows_do_not_mean_more_queries(
    everybody: Cast,
    trader: Client,
    address: Address,
    name: str,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    first = cast.answerable_request(everybody)
    _copies(first, 2)
    trader.get(address(name))
    with CaptureQueriesContext(connection) as few:
        assert len(trader.get(address(name)).context["requests" if "offers" not in name else "offers"]) == 3
    _copies(first, 27)
    with django_assert_num_queries(len(few.captured_queries)):
        assert len(trader.get(address(name)).context["requests" if "offers" not in name else "offers"]) == 30


def _copies(request: models.FlexRequest, count: int) -> None:
    """Requests with an offer each, as the database has them; the first one gets its offer, too."""
    rows = [models.FlexRequest.objects.get(pk=request.pk) for _ in range(count)]
    for row in rows:
        row.pk, row.message = None, None
        row._state.adding = True
        row.save()
    if not request.flex_offers.exists():
        rows.append(request)
    for row in rows:
        offer = models.FlexOffer.objects.create(
            owner=row.owner,
            counterparty=row.counterparty,
            congestion_point=row.congestion_point,
            period=row.period,
            flex_request=row,
            state="ordered" if row.pk % 2 else "accepted",
            expires_at=NOON + timedelta(hours=1),
            currency="EUR",
            created_at=NOON,
            state_at=NOON,
        )
        models.OfferOption.objects.create(
            flex_offer=offer,
            position=0,
            option_reference="A",
            price="10",
            isps=[{"start": 70, "power": -1000}],
        )
