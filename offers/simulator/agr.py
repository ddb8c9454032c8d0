"""The simulated AGR: answers requests with an offer of a few options, and orders as it promised."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Unpack

from offers import uftp

from .notebook import Note, message_of, note
from .participant import Memory, Participant, Parts
from .world import Peer, Point

PER_MWH = (90, 210)  # in the currency of the market


@dataclass(slots=True)
class Sent:
    """An offer of ours, and what became of it."""

    message: uftp.FlexOffer
    peer: Peer
    state: str = "open"  # open, revoked, ordered, rejected


class SimulatedAGR(Participant):
    role = "AGR"

    def __init__(self, **parts: Unpack[Parts]) -> None:
        super().__init__(**parts)
        self.revisions: Memory[int] = Memory()
        self.offers: Memory[Sent] = Memory()

    def notes(self, now: datetime) -> list[Note]:
        return [
            note(one.message, one.peer.party, one.state)
            for one in self.offers.values()
            if one.message.expiration_date_time > now
        ]

    def recall(self, one: Note, peer: Peer, now: datetime) -> None:
        offer = message_of(one, uftp.FlexOffer)
        if offer is not None and offer.expiration_date_time > now:
            self.offers[offer.message_id] = Sent(offer, peer, one["state"])

    # --- what comes in --------------------------------------------------------------------------

    def judged(self, message: uftp.PayloadMessage, peer: Peer, now: datetime) -> list[uftp.Reason]:
        if isinstance(message, uftp.FlexRequest):
            return self._request(message, peer, now)
        if isinstance(message, uftp.FlexOrder):
            return self._order(message, peer, now)
        return []

    def _request(self, request: uftp.FlexRequest, peer: Peer, now: datetime) -> list[uftp.Reason]:
        scope = str(uftp.rules.d12_scope(request))
        terms = self.world().terms(request.congestion_point, peer.domain, self.domain, request.period)
        reasons = uftp.check_request(request, terms, now, self.revisions.get(scope))
        if not reasons:
            self.revisions[scope] = request.revision
            self.later(self.habits.offer_after, now, lambda then: self.offer(request, peer, then))
        return reasons

    def _order(self, order: uftp.FlexOrder, peer: Peer, now: datetime) -> list[uftp.Reason]:
        """Binding once accepted; an offer that we revoked is gone (D16), and is ordered once (D17)."""
        found = self.offers.get(order.flex_offer_message_id or "")
        mine = found if found is not None and found.peer.party == peer.party else None
        terms = self.world().terms(order.congestion_point, peer.domain, self.domain, order.period)
        offer, state = (mine.message, mine.state) if mine else (None, "unknown")
        reasons = uftp.check_order(order, terms, now, offer, state)
        if mine is not None and not reasons:
            mine.state = "ordered"
        return reasons

    def noted(self, message: uftp.PayloadMessage, peer: Peer, now: datetime) -> None:
        if not isinstance(message, uftp.FlexOfferResponse):
            return
        found = self.offers.get(message.flex_offer_message_id)
        if found is None or found.state != "open":
            return
        if message.result == "Rejected":
            found.state = "rejected"
        elif self.dice.random() < self.habits.revoke_chance:
            self.later(self.habits.revoke_after, now, lambda then: self.revoke(found, then))

    # --- offering -------------------------------------------------------------------------------

    def offer(self, request: uftp.FlexRequest, peer: Peer, now: datetime) -> None:
        """Two or three options: all of it, a part of it, and its middle, which may be ordered in part."""
        point = self.world().points.get(request.congestion_point)
        if point is None or now >= request.expiration_date_time:
            return
        version = uftp.wire_version(request.version) or uftp.VERSIONS[-1]
        message = uftp.FlexOffer(
            **self.head(peer, now, version, request.conversation_id),
            isp_duration=request.isp_duration,
            time_zone=request.time_zone,
            period=request.period,
            congestion_point=request.congestion_point,
            expiration_date_time=self._expiry(request, point, now),
            unsolicited=uftp.unsolicited(version, request.message_id),
            flex_request_message_id=request.message_id,
            contract_id=request.contract_id,
            currency=point.currency,
            options=self._options(request, point),
        )
        self.offers[message.message_id] = Sent(message, peer)
        self.send(peer, message, now)

    def _expiry(self, request: uftp.FlexRequest, point: Point, now: datetime) -> datetime:
        """Valid for a while, but not beyond the first ISP that is asked for: then it is too late to act."""
        wanted = [isp.start for isp in request.isps if isp.disposition == "Requested"]
        first = uftp.isp.isp_bounds(request.period, point.zone, request.isp_duration, min(wanted))[1]
        valid = timedelta(seconds=self.dice.uniform(*self.habits.offer_valid))
        return max(min((now + valid).replace(microsecond=0), first), now + timedelta(minutes=1))

    def _options(self, request: uftp.FlexRequest, point: Point) -> tuple[uftp.OfferOption, ...]:
        wanted = [isp for isp in request.isps if isp.disposition == "Requested"]
        rate = self.dice.uniform(*PER_MWH)
        middle = wanted[len(wanted) // 4 : max(len(wanted) * 3 // 4, 1)] or wanted
        options = [
            self._option("all", wanted, 1.0, rate, "1.00", request),
            self._option("part", wanted, 0.6, rate * 0.9, "1.00", request),
            self._option("peak", middle, 1.0, rate * 1.05, "0.50", request),
        ]
        most = self.dice.choice((2, 3, 3)) if point.mutex else 1
        return tuple(options[:most])

    def _option(
        self,
        name: str,
        wanted: list[uftp.RequestISP],
        share: float,
        rate: float,
        factor: str,
        request: uftp.FlexRequest,
    ) -> uftp.OfferOption:
        powers = {
            number: _helpful(isp, share)
            for isp in wanted
            for number in range(isp.start, isp.start + isp.duration)
        }
        hours = request.isp_duration / timedelta(hours=1)
        energy = sum(abs(power) for power in powers.values()) * hours / 1e6
        return uftp.OfferOption(
            option_reference=f"{name}-{request.message_id[:8]}",
            price=Decimal(max(energy * rate, 1)).quantize(Decimal("0.01")),
            min_activation_factor=Decimal(factor),
            isps=tuple(
                uftp.PowerISP(power=power, start=start, duration=duration)
                for start, duration, power in uftp.isp.compress(powers)
            ),
        )

    # --- revoking -------------------------------------------------------------------------------

    def revoke(self, found: Sent, now: datetime) -> None:
        if found.state != "open" or now >= found.message.expiration_date_time:
            return
        found.state = "revoked"
        offer = found.message
        head = self.head(found.peer, now, offer.version, offer.conversation_id)
        self.send(found.peer, uftp.FlexOfferRevocation(**head, flex_offer_message_id=offer.message_id), now)


def _helpful(isp: uftp.RequestISP, share: float) -> int:
    """The least change that takes the ISP inside its bounds, or a share of it, in whole kilowatts."""
    least = isp.max_power if isp.max_power < 0 else isp.min_power
    kilowatts = max(1, round(abs(least) * share / 1000))
    return kilowatts * 1000 if least > 0 else -kilowatts * 1000
