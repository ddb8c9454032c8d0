"""What the simulated counterparties still know when their process begins again."""

from datetime import timedelta
from pathlib import Path

from offers import uftp
from offers.simulator.notebook import Notebook
from tests.simulator.stage import (
    DSO,
    OUR_AGR,
    OUR_DSO,
    Stage,
    consuming,
    head,
    offer_on,
    our_order,
    our_request,
)


def restarted(before: Stage, path: Path) -> Stage:
    before.simulation.notebook = Notebook(path)
    before.simulation.keep()
    after = Stage(before.world)
    after.now = before.now + timedelta(seconds=30)
    after.simulation.notebook = Notebook(path)
    after.simulation.recall()
    after.begin()
    return after


def test_an_offer_can_be_ordered_after_a_restart(stage: Stage, tmp_path: Path) -> None:
    stage.hears(our_request(stage), OUR_DSO, "AGR")
    stage.wait(40)
    after = restarted(stage, tmp_path / "notebook.json")
    order = our_order(after, stage.said(uftp.FlexOffer)[0])
    after.hears(order, OUR_DSO, "AGR")
    after.wait(5)
    assert after.answer_to(order).result == "Accepted"


def test_what_is_open_stays_open_in_a_restart_and_can_be_answered(stage: Stage, tmp_path: Path) -> None:
    stage.begin()
    after = restarted(stage, tmp_path / "notebook.json")
    assert after.said(uftp.FlexRequest) == []
    offer = offer_on(after, consuming(stage))
    after.hears(offer, OUR_AGR, "DSO")
    after.wait(150)
    assert after.said(uftp.FlexOrder)[0].flex_offer_message_id == offer.message_id


def test_an_offer_from_before_a_restart_is_ordered_and_only_once(stage: Stage, tmp_path: Path) -> None:
    stage.begin()
    stage.hears(offer_on(stage, consuming(stage)), OUR_AGR, "DSO")
    after = restarted(stage, tmp_path / "notebook.json")
    after.wait(150)
    order = after.said(uftp.FlexOrder)[0]
    last = restarted(after, tmp_path / "notebook.json")
    answer = uftp.FlexOrderResponse(
        **head(last, OUR_AGR, DSO[0]), flex_order_message_id=order.message_id, result="Accepted"
    )
    last.hears(answer, OUR_AGR, "DSO")
    last.wait(300)
    assert last.said(uftp.FlexOrder) == []
    received = last.simulation.participants[DSO].offers[order.flex_offer_message_id]
    assert received.state == "ordered"


def test_a_notebook_that_cannot_be_read_is_begun_anew(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "notebook.json").write_text("{")
    stage.simulation.notebook = Notebook(tmp_path / "notebook.json")
    stage.simulation.recall()
    stage.begin()
    assert stage.said(uftp.FlexRequest)
