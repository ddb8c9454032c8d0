"""The portal and the simulated counterparties trade with each other, signed, as strangers do."""

import os
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project

from offers import models, simulator, transport, uftp
from offers.domain import Outcome
from offers.management import counterparties
from offers.management.commands import demo, simulate
from offers.services import gateway, inbox, keys, market, trading
from offers.simulator.server import Server
from tests.servers import free_port
from tests.simulator.stage import AGR, DELIVERED, DSO, NOW, OUR_AGR, OUR_DSO, SECRETS, SURE, TOMORROW, Stage


@pytest.fixture
def portal(db: None, settings: Any, tmp_path: Path) -> simulator.World:
    """The demo's market with both sides introduced to each other, as `manage.py demo` does it."""
    settings.LOCAL_MARKET, settings.PUBLIC_URL = True, "http://portal"
    market.load((project.BASE_DIR / "offers/demo/market.yaml").read_text(), NOW - timedelta(days=1))
    secrets = {party: SECRETS[party] for party in (DSO, AGR)}
    market.load(simulator.introduction(secrets, "http://127.0.0.1:1/"), NOW)
    known, problems = market.read(market.dump(NOW), allow_local=True)
    assert problems == []
    return simulate.world_of(known, "http://portal")


class Wire:
    """Carries envelopes between the portal and the simulation, without a network."""

    def __init__(
        self, world: simulator.World, monkeypatch: pytest.MonkeyPatch, habits: simulator.Habits
    ) -> None:
        self.stage = Stage(world, habits)
        for participant in self.stage.simulation.participants.values():
            participant.post = self.to_portal
        self.server = Server(
            ("127.0.0.1", 0),
            self.stage.simulation.participants,
            lambda again: world,
            self.stage.simulation.arrivals,
        )
        monkeypatch.setattr(transport, "post", self.from_portal)

    def to_portal(self, endpoint: str, envelope: bytes, unknown: bool) -> Outcome:
        inbox.receive(envelope, "127.0.0.1", self.stage.now)
        return DELIVERED

    def from_portal(self, endpoint: str, envelope: bytes, **options: bool) -> Outcome:
        if endpoint.startswith("http://portal"):
            inbox.receive(envelope, "127.0.0.1", self.stage.now)
        else:
            self.server.take(envelope)
        return DELIVERED

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.stage.wait(1)
            gateway.process(lambda: self.stage.now)
            gateway.deliver(lambda: self.stage.now, random.Random(1))
            self._arrivals()

    def _arrivals(self) -> None:
        arrivals = self.stage.simulation.arrivals
        while not arrivals.empty():
            participant, message, peer = arrivals.get() or pytest.fail("stopped")
            participant.take(message, peer, self.stage.now)


def test_the_portal_and_the_simulation_trade_from_request_to_order(
    portal: simulator.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(portal, monkeypatch, replace(SURE, pace=10))
    wire.stage.begin()
    wire.run(2)
    request = models.FlexRequest.objects.filter(state="accepted").select_related("congestion_point").first()
    assert request is not None and request.counterparty.domain == DSO[0]
    wanted = [isp for isp in request.isps if isp["disposition"] == "Requested"]
    isps = [{"start": i["start"], "duration": i["duration"], "power": i["max_power"]} for i in wanted]
    draft = {
        "expires_at": (NOW + timedelta(minutes=20)).isoformat(),
        "options": [{"option_reference": "A", "price": "10.00", "isps": isps}],
    }
    agr = models.Participant.objects.get(domain=OUR_AGR[0])
    trader = agr.memberships.all()[0].user
    row = trading.draft_offer(
        agr,
        request.congestion_point,
        request.counterparty,
        request.period,
        draft,
        trader,
        wire.stage.now,
        request,
    )
    trading.send_offer(agr, row.pk, trader, wire.stage.now)
    wire.run(20)
    assert models.FlexOrder.objects.get(owner=agr).state == "accepted"
    row.refresh_from_db()
    assert row.state == "ordered"
    assert not models.Message.objects.filter(state__in=["failed", "rejected", "parked"]).exists()
    wire.server.server_close()


def test_the_visitor_as_dso_gets_an_offer_and_orders_it(
    portal: simulator.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(portal, monkeypatch, replace(SURE, pace=10))
    dso = models.Participant.objects.get(domain=OUR_DSO[0])
    operator, sim = dso.memberships.all()[0].user, models.Participant.objects.get(domain=AGR[0])
    place = models.CongestionPoint.objects.get(name="Feeder Orchard 3")
    isps = [
        {"start": 70, "duration": 4, "disposition": "Requested", "min_power": -90_000, "max_power": -40_000}
    ]
    draft = {"expires_at": (NOW + timedelta(minutes=20)).isoformat(), "isps": isps}
    rows = trading.draft_requests(dso, place, TOMORROW, draft, operator, NOW, [sim.pk])
    trading.send_requests(dso, rows[0].group, operator, NOW)
    wire.run(10)
    offer = models.FlexOffer.objects.get(owner=dso)
    assert offer.state == "accepted" and offer.message is not None
    assert offer.message.version == "3.0.0"
    option = offer.options.all()[0]
    trading.order(dso, offer.pk, option.option_reference, Decimal("1.00"), operator, wire.stage.now)
    wire.run(5)
    assert models.FlexOrder.objects.get(owner=dso).state == "accepted"
    wire.server.server_close()


def test_the_demo_introduces_both_sides_to_each_other(
    portal: simulator.World, settings: Any, tmp_path: Path
) -> None:
    settings.STATE_DIR = tmp_path
    port = demo._introduce_counterparties(free_port())
    peer = models.Participant.objects.get(domain=DSO[0])
    assert peer.endpoint == f"http://127.0.0.1:{port}{transport.MESSAGE_PATH}"
    secret = simulator.secret_of(tmp_path / "simulator", DSO)
    assert keys.public_keys(peer, datetime.now(UTC)) == [uftp.seal.public_of(secret)]
    known = simulate.read(simulate.market_file(), "http://portal").peers[OUR_AGR]
    assert (known.endpoint, len(known.public_keys)) == (f"http://portal{transport.MESSAGE_PATH}", 1)


def test_a_database_of_somebody_else_gets_no_simulated_counterparties(db: None) -> None:
    assert demo._introduce_counterparties(free_port()) is None
    assert not models.Participant.objects.exists()


def test_a_market_file_that_has_changed_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, turned_back = tmp_path / "market.yaml", []
    file.write_text("participants: []\n")
    plan = counterparties.Plan(
        secrets={},
        world=simulator.World({}, {}),
        habits=simulator.Habits(),
        seed=1,
        port=0,
        notebook=tmp_path / "notebook.json",
        source=file,
        changed_at=file.stat().st_mtime_ns,
        again=["python", "manage.py", "simulate"],
    )
    monkeypatch.setattr(counterparties.os, "execv", lambda program, words: turned_back.append(words))
    assert counterparties._world(plan, True) is plan.world and turned_back == []
    os.utime(file, ns=(1, 1))
    counterparties._world(plan, False)
    assert turned_back == []
    counterparties._world(plan, True)
    assert turned_back == [["python", "manage.py", "simulate"]]
    file.unlink()
    assert counterparties._world(plan, True) is plan.world
