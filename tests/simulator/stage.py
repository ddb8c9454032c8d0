"""A simulation whose clock a test turns and whose post it reads, and what the portal's side says to it."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from offers import simulator, uftp
from offers.domain import Outcome, Verdict
from offers.simulator.run import Simulation

NOW = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
TOMORROW = date(2026, 3, 3)
DSO, AGR = (simulator.DSO_DOMAIN, "DSO"), (simulator.AGR_DOMAIN, "AGR")
OUR_DSO, OUR_AGR = ("dso.demo.example", "DSO"), ("agr.demo.example", "AGR")
SECRETS = {party: uftp.seal.generate() for party in (DSO, AGR, OUR_DSO, OUR_AGR)}
DELIVERED = Outcome(Verdict.DELIVERED, "HTTP 200 OK", status=200)
SURE = simulator.Habits(order_chance=1, partial_chance=0, revoke_chance=0)

M = TypeVar("M", bound=uftp.PayloadMessage)


def point(name: str, dso: str, **changes: Any) -> simulator.Point:
    given: dict[str, Any] = {
        "address": f"ea1.2026-01.example.demo:{name}",
        "name": name,
        "dso": dso,
        "agrs": frozenset({OUR_AGR[0], AGR[0]}),
        "time_zone": "Europe/Amsterdam",
        "isp_duration": timedelta(minutes=15),
        "currency": "EUR",
        "mutex": True,
        "capacity_w": 2_000_000,
    }
    return simulator.Point(**given | changes)


THEIRS = [point(name, DSO[0], agrs=frozenset({OUR_AGR[0]})) for name in ("west", "east", "wind-farm")]
OURS = point("north", OUR_DSO[0])


def world_with(*points: simulator.Point, version: str = "3.1.0") -> simulator.World:
    peers = [
        simulator.Peer(
            domain, role, f"http://{domain}/", version, (uftp.seal.public_of(SECRETS[domain, role]),)
        )
        for domain, role in (OUR_DSO, OUR_AGR)
    ]
    return simulator.World({one.party: one for one in peers}, {one.address: one for one in points})


class Stage:
    """A simulation whose clock we turn and whose post we read."""

    def __init__(self, world: simulator.World, habits: simulator.Habits = SURE, seed: int = 1) -> None:
        self.now = NOW
        self.world = world
        self.posted: list[tuple[str, bytes]] = []
        self.outcomes: list[Outcome] = []
        ours = {party: SECRETS[party] for party in (DSO, AGR)}
        self.simulation = Simulation(ours, lambda again: world, lambda: self.now, habits, seed, self.post)

    def post(self, endpoint: str, envelope: bytes, unknown: bool) -> Outcome:
        self.posted.append((endpoint, envelope))
        return self.outcomes.pop(0) if self.outcomes else DELIVERED

    def begin(self) -> None:
        for participant in self.simulation.participants.values():
            participant.begin(self.now)

    def wait(self, seconds: float, step: float = 1) -> None:
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.now += timedelta(seconds=step)
            self.simulation.agenda.run_due(self.now)

    def hears(self, message: uftp.PayloadMessage, sender: tuple[str, str], role: str) -> None:
        peer = self.world.peers[sender]
        self.simulation.participants[DSO if role == "DSO" else AGR].take(message, peer, self.now)

    def said(self, kind: type[M]) -> list[M]:
        found = [opened(envelope) for _, envelope in self.posted]
        return [one for one in found if isinstance(one, kind)]

    def answer_to(self, message: uftp.PayloadMessage) -> Any:
        return next(
            one
            for one in self.said(uftp.PayloadMessage)
            if one.is_response and one.reference == message.message_id
        )


def opened(envelope: bytes) -> uftp.PayloadMessage:
    signed = uftp.decode_envelope(envelope)
    public = uftp.seal.public_of(SECRETS[signed.sender_domain, signed.sender_role])
    return uftp.decode(uftp.seal.unseal(signed.body, public))


def head(stage: Stage, sender: tuple[str, str], recipient: str, version: str = "3.1.0") -> dict[str, Any]:
    return {
        "version": version,
        "sender_domain": sender[0],
        "recipient_domain": recipient,
        "time_stamp": stage.now,
        "message_id": str(uuid.uuid4()),
        "conversation_id": str(uuid.uuid4()),
    }


def offer_on(
    stage: Stage, request: uftp.FlexRequest, price: str = "20.00", least: str = "1.00"
) -> uftp.FlexOffer:
    """What a trader might offer: all that is asked for, and half of it."""
    wanted = [isp for isp in request.isps if isp.disposition == "Requested"]
    full = tuple(uftp.PowerISP(power=isp.max_power, start=isp.start, duration=isp.duration) for isp in wanted)
    half = tuple(replace(isp, power=isp.power // 2) for isp in full)
    options = [
        uftp.OfferOption(
            option_reference="A", price=Decimal(price), min_activation_factor=Decimal(least), isps=full
        ),
        uftp.OfferOption(option_reference="B", price=Decimal(price), isps=half),
    ]
    return uftp.FlexOffer(
        **head(stage, OUR_AGR, DSO[0]),
        isp_duration=request.isp_duration,
        time_zone=request.time_zone,
        period=request.period,
        congestion_point=request.congestion_point,
        expiration_date_time=stage.now + timedelta(minutes=30),
        unsolicited=False,
        flex_request_message_id=request.message_id,
        currency="EUR",
        options=tuple(options),
    )


def consuming(stage: Stage) -> uftp.FlexRequest:
    return next(r for r in stage.said(uftp.FlexRequest) if "wind" not in r.congestion_point)


def our_request(
    stage: Stage, version: str = "3.1.0", revision: int = 1, up: bool = False
) -> uftp.FlexRequest:
    low, high = (100_000, 3_000_000) if up else (-3_000_000, -150_000)
    isps = [
        ("Available", -2_000_000, 500_000, 60),
        ("Requested", low, high, 70),
        ("Requested", low, high, 72),
    ]
    return uftp.FlexRequest(
        **head(stage, OUR_DSO, AGR[0], version),
        isp_duration=timedelta(minutes=15),
        time_zone="Europe/Amsterdam",
        period=TOMORROW,
        congestion_point=OURS.address,
        revision=revision,
        expiration_date_time=stage.now + timedelta(minutes=30),
        isps=tuple(
            uftp.RequestISP(disposition=d, min_power=a, max_power=b, start=n, duration=2)
            for d, a, b, n in isps
        ),
    )


def our_order(stage: Stage, offer: uftp.FlexOffer) -> uftp.FlexOrder:
    option = offer.options[0]
    return uftp.FlexOrder(
        **head(stage, OUR_DSO, AGR[0], offer.version),
        isp_duration=offer.isp_duration,
        time_zone=offer.time_zone,
        period=offer.period,
        congestion_point=offer.congestion_point,
        unsolicited=uftp.unsolicited(offer.version, offer.message_id),
        flex_offer_message_id=offer.message_id,
        price=option.price,
        currency="EUR",
        order_reference="1",
        option_reference=option.option_reference,
        isps=option.isps,
    )


def sealed(message: uftp.PayloadMessage, party: tuple[str, str], secret: bytes | None = None) -> bytes:
    body = uftp.seal.seal(uftp.encode(message), secret or SECRETS[party])
    return uftp.encode_envelope(uftp.SignedMessage(sender_domain=party[0], sender_role=party[1], body=body))
