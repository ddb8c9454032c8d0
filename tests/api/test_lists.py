"""Lists: one's own rows, filtered by name, cut by cursor, with a fixed number of queries."""

from datetime import date
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from offers.models import Contract, IspWindow
from tests import snapshots
from tests.cast import NOON, POINT, Cast, accepted_offer, offer_draft, order, send_request

from .program import Program, fields

NOUNS = ["congestion-points", "contracts", "requests", "offers", "orders", "messages"]


@pytest.fixture
def traded(everybody: Cast) -> Cast:
    return snapshots.copied("traded", lambda: trade(everybody))


def trade(everybody: Cast) -> Cast:
    contract = Contract.objects.create(
        contract_id="FLEX-7",
        dso=everybody.dso,
        agr=everybody.agr,
        congestion_point=everybody.point,
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 12, 31),
        activation_price=Decimal("20.125"),
    )
    IspWindow.objects.create(contract=contract, first_isp=69, last_isp=76, days="mon,tue")
    order(everybody, accepted_offer(everybody)[1])
    return everybody


@pytest.mark.parametrize("noun", NOUNS)
def test_both_sides_see_theirs_and_a_rival_nothing(
    traded: Cast, agr: Program, dso: Program, rival: Program, noun: str
) -> None:
    mine, theirs = agr.get(f"{noun}/").json()["results"], dso.get(f"{noun}/").json()["results"]
    assert theirs and (mine or noun == "orders")  # the order is still on its way to the aggregator
    assert rival.get(f"{noun}/").json() == {"next": None, "previous": None, "results": []}
    shared = noun in ("congestion-points", "contracts")
    assert shared or not {row["id"] for row in mine} & {row["id"] for row in theirs}


@pytest.mark.parametrize("noun", NOUNS)
def test_a_foreign_row_is_as_absent(traded: Cast, dso: Program, rival: Program, noun: str) -> None:
    there = dso.get(f"{noun}/").json()["results"][0]["id"]
    assert dso.get(f"{noun}/{there}/").status_code == 200
    foreign, absent = rival.get(f"{noun}/{there}/"), rival.get(f"{noun}/{10**17}/")
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() == absent.json() == {"detail": "There is no such thing here."}


def test_an_offer_is_written_in_exact_values(traded: Cast, agr: Program) -> None:
    found = agr.get("offers/").json()["results"][0]
    option = found["options"][0]
    assert (option["option_reference"], option["price"], option["min_activation_factor"]) == (
        "A",
        "101.40",
        "0.40",
    )
    assert option["isps"] == [{"start": 69, "duration": 8, "power": -200000}]
    assert (option["energy_wh"], option["peak_w"]) == (-400000, -200000)
    assert (found["state"], found["expires_at"]) == ("accepted", "2026-03-02T12:00:00Z")
    assert found["message"]["state"] == "delivered" and found["message"]["answer"] == "accepted"
    assert found["congestion_point"] == POINT and found["draft"] is None


def test_an_order_says_what_is_to_be_done_and_paid(traded: Cast, dso: Program) -> None:
    found = dso.get("orders/").json()["results"][0]
    assert (found["price"], found["activation_factor"]) == ("101.40", "1.00")
    assert found["isps"][0]["power"] == -200000


def test_an_amount_keeps_its_decimals(traded: Cast, agr: Program) -> None:
    found = agr.get("contracts/?on=2026-03-03").json()["results"][0]
    assert (found["activation_price"], found["availability_price"]) == ("20.125", "0.00")
    assert found["windows"] == [{"first_isp": 69, "last_isp": 76, "days": ["mon", "tue"]}]
    assert agr.get("contracts/?on=2027-03-03").json()["results"] == []


def test_an_aggregator_does_not_see_who_else_is_active(traded: Cast, agr: Program, dso: Program) -> None:
    traded.point.agrs.add(traded.rival)
    seen = agr.get("congestion-points/").json()["results"][0]["agrs"]
    assert [party["domain"] for party in seen] == ["agr.demo.example"]
    assert len(dso.get("congestion-points/").json()["results"][0]["agrs"]) == 2


def test_a_row_has_its_time_line(traded: Cast, agr: Program) -> None:
    offer = agr.get("offers/").json()["results"][0]["id"]
    events = agr.get(f"offers/{offer}/").json()["events"]
    assert [(e["event"], e["to_state"], e["user"]) for e in events] == [
        ("draft", "draft", "trader"),
        ("send", "sent", "trader"),
        ("accept", "accepted", None),
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("offers/?state=accepted", 1),
        ("offers/?state=draft&state=accepted", 1),
        ("offers/?state=draft", 0),
        ("offers/?period=2026-03-03&counterparty=dso.demo.example", 1),
        ("offers/?period_to=2026-03-02", 0),
        ("offers/?congestion_point=elsewhere", 0),
        ("offers/?expires_from=2026-03-02T13:00:00%2B01:00", 1),
        ("offers/?expires_from=2026-03-02T13:00:01%2B01:00", 0),
        ("requests/?state=accepted", 1),
        ("requests/?state=expired", 0),
        ("messages/?direction=in&type=FlexRequest", 1),
        ("messages/?state=failed", 0),
        ("orders/?state=sent", 0),
    ],
)
def test_filters_choose_rows(traded: Cast, agr: Program, query: str, found: int) -> None:
    assert len(agr.get(query).json()["results"]) == found


def test_a_filter_that_is_none_is_refused_with_those_that_are(traded: Cast, agr: Program) -> None:
    answer = agr.get("offers/?stat=accepted&state=sold")
    assert fields(answer) == ["stat"]
    assert "congestion_point, " in answer.json()["reasons"][0]["text"]
    assert fields(agr.get("offers/?state=sold&period=tomorrow")) == ["period", "state"]


def test_a_list_is_cut_by_cursor(everybody: Cast, agr: Program) -> None:
    target = {"congestion_point": POINT, "period": "2026-03-03"}
    made = [agr.post("offers/", {**target, **offer_draft(NOON)}).json()["id"] for _ in range(5)]
    seen, address = [], "offers/?limit=2"
    while address:
        page = agr.get(address.removeprefix("http://testserver")).json()
        seen.append([row["id"] for row in page["results"]])
        address = page["next"]
    assert seen == [made[4:2:-1], made[2:0:-1], made[:1]]


@pytest.mark.parametrize("cursor", ["nonsense", "cD14", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "cj0xJnA9LTE="])
def test_a_made_up_cursor_is_no_page(everybody: Cast, agr: Program, cursor: str) -> None:
    assert agr.get(f"offers/?cursor={cursor}").status_code == 404


@pytest.mark.parametrize("noun", NOUNS)
def test_more_rows_do_not_cost_more_queries(
    traded: Cast, dso: Program, noun: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        send_request(traded)
    dso.get("")  # its first use is noted
    with django_assert_max_num_queries(4):
        assert dso.get(f"{noun}/").status_code == 200
