"""The official library as DSO, ours as AGR: real HTTP, real keys, a real database and a real worker."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.interop import words
from tests.interop.programs import Pair, pair

pytestmark = pytest.mark.interop


@pytest.fixture(params=["3.0.0", "3.1.0"], scope="module")
def market(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pair("AGR", request.param, tmp_path_factory.mktemp("interop")) as both:
        yield both


@pytest.fixture
def asked(market: Pair) -> int:
    """A request of the library that we took in: the key of our row. Each has a Revision of its own (D12)."""
    before = len(market.look()["requests"])
    market.let_them_send("FlexRequest", **words.their_request(revision=before + 1))
    assert market.they_receive("FlexRequestResponse")["result"] == "Accepted"
    return int(market.look()["requests"][before]["pk"])


def offered(market: Pair, asked: int) -> tuple[int, dict[str, Any]]:
    """An offer of ours that the library has: the key of our row, and what the library read."""
    made = market.do("offer", period=words.tomorrow(), draft=words.our_offer(), request=asked)
    return made["pk"], market.they_receive("FlexOffer")


def standing(market: Pair, noun: str, pk: int) -> dict[str, Any]:
    return next(row for row in market.look()[noun] if row["pk"] == pk)


def until(market: Pair, noun: str, pk: int, state: str) -> dict[str, Any]:
    market.see(lambda seen: any(row["pk"] == pk and row["state"] == state for row in seen[noun]))
    return standing(market, noun, pk)


def test_a_request_of_the_library_is_taken_in_and_answered(market: Pair, asked: int) -> None:
    row = standing(market, "requests", asked)
    assert row["state"] == "accepted"
    assert row["isps"] == [
        {
            "start": 69,
            "duration": 8,
            "disposition": "Requested",
            "min_power": -3_000_000,
            "max_power": -100_000,
        }
    ]


def test_the_library_reads_our_offer_with_three_options(market: Pair, asked: int) -> None:
    pk, read = offered(market, asked)
    said = [
        (o["option_reference"], Decimal(o["price"]), o["min_activation_factor"])
        for o in read["offer_options"]
    ]
    assert said == [(name, Decimal(price), least) for name, (price, _, least) in words.OPTIONS.items()]
    assert [o["isps"] for o in read["offer_options"]] == [
        [{"power": power, "start": 69, "duration": 8}] for _, power, _ in words.OPTIONS.values()
    ]
    assert read["version"] == market.version
    assert read["unsolicited"] is (False if market.version == "3.1.0" else None)
    until(market, "offers", pk, "accepted")


@pytest.mark.parametrize(
    ("factor", "price", "energy"), [("1.00", "55.0000", -240_000), ("0.50", "27.5000", -120_000)]
)
def test_the_library_orders_option_b_of_three(
    market: Pair, asked: int, factor: str, price: str, energy: int
) -> None:
    """Option B of three is what the Java library gets wrong, and a partial activation, too."""
    pk, read = offered(market, asked)
    until(market, "offers", pk, "accepted")
    order = {**words.their_order(read["message_id"], "B", factor), "conversation_id": read["conversation_id"]}
    market.let_them_send("FlexOrder", **order)
    assert market.they_receive("FlexOrderResponse")["result"] == "Accepted"
    until(market, "offers", pk, "ordered")
    ordered = market.look()["orders"][-1]
    assert (ordered["state"], ordered["option_reference"]) == ("accepted", "B")
    assert (ordered["price"], ordered["energy_wh"]) == (price, energy)


def test_a_second_order_on_the_same_offer_is_rejected(market: Pair, asked: int) -> None:
    pk, read = offered(market, asked)
    until(market, "offers", pk, "accepted")
    market.let_them_send("FlexOrder", **words.their_order(read["message_id"], "A"))
    assert market.they_receive("FlexOrderResponse")["result"] == "Accepted"
    market.let_them_send("FlexOrder", **words.their_order(read["message_id"], "B"))
    answer = market.they_receive("FlexOrderResponse")
    assert answer["result"] == "Rejected"
    assert answer["rejection_reason"].startswith("Flexibility already ordered")


def test_our_revocation_is_understood_and_a_later_order_rejected(market: Pair, asked: int) -> None:
    pk, read = offered(market, asked)
    until(market, "offers", pk, "accepted")
    market.do("revoke", offer=pk)
    assert market.they_receive("FlexOfferRevocation")["flex_offer_message_id"] == read["message_id"]
    market.we_received("FlexOfferRevocationResponse", "accepted")
    assert standing(market, "offers", pk)["state"] == "revoked"
    market.let_them_send("FlexOrder", **words.their_order(read["message_id"], "A"))
    answer = market.they_receive("FlexOrderResponse")
    assert answer["result"] == "Rejected"
    assert "Reference message revoked" in answer["rejection_reason"]


def test_a_rejection_of_our_offer_reaches_the_offer_with_its_reason(market: Pair, asked: int) -> None:
    market.theirs.tell(refuse="FlexOffer", reason="No baseline; and € is dear")
    try:
        pk, _ = offered(market, asked)
        assert until(market, "offers", pk, "rejected")["reason"] == "No baseline; and € is dear"
    finally:
        market.theirs.tell(refuse="FlexOffer", reason=None)


def test_a_request_that_breaks_a_rule_is_rejected_with_the_limit(market: Pair) -> None:
    wrong = {**words.their_request(revision=10_000), "expiration_date_time": words.in_hours(24 * 30)}
    market.let_them_send("FlexRequest", **wrong)
    answer = market.they_receive("FlexRequestResponse")
    assert answer["result"] == "Rejected"
    assert answer["rejection_reason"].startswith("ExpirationDateTime out of bounds")


def test_our_unsolicited_offer_is_read_under_3_1_0_only(market: Pair) -> None:
    """Under 3.0.0 the attribute that the library insists on does not exist, and its refusal must be seen."""
    pk = market.do("offer", period=words.tomorrow(), draft=words.our_offer())["pk"]
    if market.version == "3.1.0":
        assert market.they_receive("FlexOffer")["unsolicited"] is True
        until(market, "offers", pk, "accepted")
    else:
        assert "HTTP 400" in until(market, "offers", pk, "failed")["reason"]


def test_a_test_message_of_the_library_is_answered(market: Pair) -> None:
    sent = market.let_them_send("TestMessage")
    assert market.they_receive("TestMessageResponse")["conversation_id"] == sent["fields"]["conversation_id"]
