"""The simulated DSO: asks so that something is always open, and orders like people."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from offers import simulator, uftp
from tests.simulator.stage import (
    DSO,
    NOW,
    OUR_AGR,
    SURE,
    THEIRS,
    TOMORROW,
    Stage,
    consuming,
    head,
    offer_on,
    world_with,
)


def test_the_first_requests_go_out_at_once_and_expire_one_after_the_other(stage: Stage) -> None:
    stage.begin()
    requests = stage.said(uftp.FlexRequest)
    assert len({(r.congestion_point, r.period) for r in requests}) == len(requests) == 4
    minutes = sorted((r.expiration_date_time - NOW) / timedelta(minutes=1) for r in requests)
    assert len(set(minutes)) == 4 and minutes[0] >= 10 and minutes[-1] <= 40


def test_every_request_keeps_the_rules(stage: Stage) -> None:
    stage.begin()
    stage.wait(7200, step=10)
    for request in (requests := stage.said(uftp.FlexRequest)):
        terms = stage.world.terms(request.congestion_point, DSO[0], OUR_AGR[0], request.period)
        assert uftp.check_request(request, terms, request.time_stamp, None) == []
    assert len(requests) > 20


def test_something_is_always_open_and_nothing_open_is_superseded(stage: Stage) -> None:
    stage.begin()
    for _ in range(4 * 60):
        stage.wait(60, step=10)
        requests = stage.said(uftp.FlexRequest)
        open_now = [r for r in requests if r.time_stamp <= stage.now < r.expiration_date_time]
        assert open_now
        assert len({(r.congestion_point, r.period) for r in open_now}) == len(open_now)


def test_revisions_rise_also_after_a_restart(stage: Stage) -> None:
    stage.begin()
    stage.wait(1800, step=10)
    after = Stage(stage.world)
    after.now = stage.now + timedelta(seconds=15)
    after.begin()
    highest: dict[tuple[str, date], int] = {}
    for request in [*stage.said(uftp.FlexRequest), *after.said(uftp.FlexRequest)]:
        slot = request.congestion_point, request.period
        assert request.revision > highest.get(slot, 0)
        highest[slot] = request.revision


def test_a_contract_is_named_where_it_reserves_power() -> None:
    """Monday to Friday, the whole day: a request for a Saturday is a free one."""
    working = frozenset({"mon", "tue", "wed", "thu", "fri"})
    terms = (DSO[0], OUR_AGR[0], THEIRS[0].address, TOMORROW, None, ((1, 100, working),))
    world = replace(world_with(THEIRS[0]), contracts=(simulator.Contract("C-1", *terms),))
    stage = Stage(world)
    stage.now += timedelta(days=3)  # Thursday
    stage.begin()
    named = {request.period.weekday(): request.contract_id for request in stage.said(uftp.FlexRequest)}
    assert named == {4: "C-1", 5: None, 6: None}


def test_an_agr_whose_key_is_unknown_is_not_asked() -> None:
    peers = {OUR_AGR: simulator.Peer(*OUR_AGR, "http://a/", "3.1.0", ())}
    stage = Stage(simulator.World(peers, {one.address: one for one in THEIRS}))
    stage.begin()
    assert stage.posted == []


def test_an_offer_is_accepted_and_ordered_at_the_pace_of_people(stage: Stage) -> None:
    stage.begin()
    offer = offer_on(stage, consuming(stage))
    stage.hears(offer, OUR_AGR, "DSO")
    stage.wait(5)
    assert stage.answer_to(offer).result == "Accepted"
    assert stage.said(uftp.FlexOrder) == []
    stage.wait(120)
    order = stage.said(uftp.FlexOrder)[0]
    terms = stage.world.terms(offer.congestion_point, DSO[0], OUR_AGR[0], offer.period)
    assert uftp.check_order(order, terms, stage.now, offer, "open") == []
    assert order.option_reference == "A"  # more energy for the same price


def test_an_offer_that_breaks_a_rule_is_rejected_with_the_reason_and_never_ordered(stage: Stage) -> None:
    stage.begin()
    offer = replace(offer_on(stage, consuming(stage)), currency="GBP")
    stage.hears(offer, OUR_AGR, "DSO")
    stage.wait(300)
    answer = stage.answer_to(offer)
    assert (answer.result, "Currency rejected" in answer.rejection_reason) == ("Rejected", True)
    assert stage.said(uftp.FlexOrder) == []


def test_a_part_is_ordered_where_the_option_allows_it(stage: Stage) -> None:
    stage.simulation.participants[DSO].habits = replace(SURE, partial_chance=1)
    stage.begin()
    offer = offer_on(stage, consuming(stage), least="0.40")
    stage.hears(offer, OUR_AGR, "DSO")
    stage.wait(150)
    order = stage.said(uftp.FlexOrder)[0]
    assert Decimal("0.40") <= order.activation_factor < 1
    assert isinstance(uftp.match_order(order, offer), uftp.Match)


def test_only_the_first_offer_of_a_run_is_ordered_whatever_it_costs(stage: Stage) -> None:
    stage.begin()
    for _ in range(2):
        stage.hears(offer_on(stage, consuming(stage), price="90000.00"), OUR_AGR, "DSO")
        stage.wait(150)
    assert len(stage.said(uftp.FlexOrder)) == 1


def test_a_revocation_wins_over_an_order_that_is_not_answered(stage: Stage) -> None:
    stage.begin()
    offer = offer_on(stage, consuming(stage))
    stage.hears(offer, OUR_AGR, "DSO")
    stage.wait(150)
    revocation = uftp.FlexOfferRevocation(
        **head(stage, OUR_AGR, DSO[0]), flex_offer_message_id=offer.message_id
    )
    stage.hears(revocation, OUR_AGR, "DSO")
    stage.wait(5)
    assert len(stage.said(uftp.FlexOrder)) == 1
    assert stage.answer_to(revocation).result == "Accepted"


def test_an_offer_whose_order_was_accepted_cannot_be_revoked(stage: Stage) -> None:
    stage.begin()
    offer = offer_on(stage, consuming(stage))
    stage.hears(offer, OUR_AGR, "DSO")
    stage.wait(150)
    order = stage.said(uftp.FlexOrder)[0]
    answer = uftp.FlexOrderResponse(
        **head(stage, OUR_AGR, DSO[0]), flex_order_message_id=order.message_id, result="Accepted"
    )
    stage.hears(answer, OUR_AGR, "DSO")
    revocation = uftp.FlexOfferRevocation(
        **head(stage, OUR_AGR, DSO[0]), flex_offer_message_id=offer.message_id
    )
    stage.hears(revocation, OUR_AGR, "DSO")
    stage.wait(5)
    assert "Flexibility procured" in stage.answer_to(revocation).rejection_reason


def test_a_revoked_offer_is_not_ordered(stage: Stage) -> None:
    stage.begin()
    offer = offer_on(stage, consuming(stage))
    stage.hears(offer, OUR_AGR, "DSO")
    stage.wait(5)
    stage.hears(
        uftp.FlexOfferRevocation(**head(stage, OUR_AGR, DSO[0]), flex_offer_message_id=offer.message_id),
        OUR_AGR,
        "DSO",
    )
    stage.wait(300)
    assert stage.said(uftp.FlexOrder) == []
