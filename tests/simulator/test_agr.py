"""The simulated AGR offers, keeps its word and sometimes revokes; and what both do alike."""

from dataclasses import replace

import pytest

from offers import uftp
from offers.domain import Outcome, Verdict
from tests.simulator.stage import (
    AGR,
    DSO,
    OUR_AGR,
    OUR_DSO,
    OURS,
    SURE,
    THEIRS,
    TOMORROW,
    Stage,
    consuming,
    head,
    offer_on,
    our_order,
    our_request,
    world_with,
)


@pytest.mark.parametrize("version", uftp.VERSIONS)
@pytest.mark.parametrize("up", [False, True])
def test_a_request_gets_an_offer_of_two_or_three_options_within_its_bounds(
    stage: Stage, version: str, up: bool
) -> None:
    request = our_request(stage, version, up=up)
    stage.hears(request, OUR_DSO, "AGR")
    stage.wait(40)
    offer = stage.said(uftp.FlexOffer)[0]
    terms = stage.world.terms(OURS.address, OUR_DSO[0], AGR[0], TOMORROW)
    assert stage.answer_to(request).result == "Accepted"
    assert uftp.check_offer(offer, terms, stage.now, request, True) == []
    assert (offer.version, offer.conversation_id) == (version, request.conversation_id)
    assert 2 <= len(offer.options) <= 3
    assert offer.options[0].isps == (uftp.PowerISP(power=100_000 if up else -150_000, start=70, duration=4),)


def test_where_options_exclude_nothing_there_is_one() -> None:
    stage = Stage(world_with(replace(OURS, mutex=False)))
    stage.hears(our_request(stage), OUR_DSO, "AGR")
    stage.wait(40)
    assert len(stage.said(uftp.FlexOffer)[0].options) == 1


def test_an_older_revision_is_rejected(stage: Stage) -> None:
    stage.hears(our_request(stage, revision=5), OUR_DSO, "AGR")
    older = our_request(stage, revision=5)
    stage.hears(older, OUR_DSO, "AGR")
    stage.wait(5)
    assert "Subordinate sequence number" in stage.answer_to(older).rejection_reason


def test_an_order_is_accepted_once(stage: Stage) -> None:
    stage.hears(our_request(stage), OUR_DSO, "AGR")
    stage.wait(40)
    offer = stage.said(uftp.FlexOffer)[0]
    first, second = our_order(stage, offer), our_order(stage, offer)
    for order in (first, second):
        stage.hears(order, OUR_DSO, "AGR")
    stage.wait(5)
    assert stage.answer_to(first).result == "Accepted"
    assert "already ordered" in stage.answer_to(second).rejection_reason


def test_an_accepted_offer_is_sometimes_revoked_and_then_no_order_is_taken(stage: Stage) -> None:
    stage.simulation.participants[AGR].habits = replace(SURE, revoke_chance=1)
    stage.hears(our_request(stage), OUR_DSO, "AGR")
    stage.wait(40)
    offer = stage.said(uftp.FlexOffer)[0]
    stage.hears(
        uftp.FlexOfferResponse(
            **head(stage, OUR_DSO, AGR[0]), flex_offer_message_id=offer.message_id, result="Accepted"
        ),
        OUR_DSO,
        "AGR",
    )
    stage.wait(600)
    assert stage.said(uftp.FlexOfferRevocation)[0].flex_offer_message_id == offer.message_id
    order = our_order(stage, offer)
    stage.hears(order, OUR_DSO, "AGR")
    stage.wait(5)
    assert "Reference message revoked" in stage.answer_to(order).rejection_reason


def test_a_copy_gets_the_earlier_answer_and_nothing_else_happens(stage: Stage) -> None:
    request = our_request(stage)
    stage.hears(request, OUR_DSO, "AGR")
    stage.wait(60)
    stage.hears(request, OUR_DSO, "AGR")
    stage.wait(60)
    answers = stage.said(uftp.FlexRequestResponse)
    assert [a.message_id for a in answers] == [answers[0].message_id] * 2
    assert len(stage.said(uftp.FlexOffer)) == 1


def test_a_message_of_the_wrong_role_is_rejected(stage: Stage) -> None:
    request = our_request(stage)
    stage.hears(request, OUR_AGR, "AGR")
    stage.wait(5)
    assert "Invalid Sender" in stage.answer_to(request).rejection_reason


def test_what_did_not_arrive_is_sent_again_with_the_same_bytes(stage: Stage) -> None:
    stage.outcomes = [Outcome(Verdict.TEMPORARY, "no connection")] * 2
    test = uftp.TestMessage(**head(stage, OUR_AGR, DSO[0]))
    stage.hears(test, OUR_AGR, "DSO")
    stage.wait(30)
    assert len(stage.posted) == 3
    assert len({envelope for _, envelope in stage.posted}) == 1
    assert stage.said(uftp.TestMessageResponse)[0].conversation_id == test.conversation_id


def test_what_is_refused_is_not_sent_again(stage: Stage) -> None:
    stage.outcomes = [Outcome(Verdict.PERMANENT, "HTTP 401")]
    stage.hears(uftp.TestMessage(**head(stage, OUR_AGR, DSO[0])), OUR_AGR, "DSO")
    stage.wait(60)
    assert len(stage.posted) == 1


def test_pace_makes_every_wait_shorter() -> None:
    stage = Stage(world_with(*THEIRS), replace(SURE, pace=60))
    stage.begin()
    stage.hears(offer_on(stage, consuming(stage)), OUR_AGR, "DSO")
    stage.wait(3)
    assert stage.said(uftp.FlexOrder)
