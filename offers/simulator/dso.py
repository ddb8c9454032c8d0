"""The simulated DSO: sees its stations overloaded, asks for flexibility, and orders from what it gets."""

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Unpack

from offers import uftp

from .loads import asked, days_ahead, forecast, revised, seeded
from .notebook import Note, message_of, note
from .participant import Memory, Participant, Parts, at_most
from .world import Peer, Point

log = logging.getLogger(__name__)

DAYS_AHEAD = 3
REVISIONS_FROM = timedelta(days=8)  # before the day begins: a revision counts the ten seconds since then
REVISION_STEP = timedelta(seconds=10)
FAIR_PRICE = Decimal("1.00")  # per kWh; who asks for more is not ordered, except the first of a run

Slot = tuple[str, date]


@dataclass(slots=True)
class Received:
    """An offer that was accepted, and what became of it."""

    message: uftp.FlexOffer
    peer: Peer
    state: str = "open"  # open, ordering, ordered, revoked


class SimulatedDSO(Participant):
    role = "DSO"

    def __init__(self, **parts: Unpack[Parts]) -> None:
        super().__init__(**parts)
        self.open_until: dict[Slot, datetime] = {}
        self.revisions: dict[Slot, int] = {}
        self.requests: Memory[uftp.FlexRequest] = Memory()
        self.offers: Memory[Received] = Memory()
        self.orders: Memory[str] = Memory()  # FlexOrder to FlexOffer
        self.ordered_before = False

    def notes(self, now: datetime) -> list[Note]:
        requests = [
            note(one, (one.recipient_domain, "AGR"))
            for one in self.requests.values()
            if one.expiration_date_time > now
        ]
        offers = [
            note(one.message, one.peer.party, one.state, self._orders_of(one.message.message_id))
            for one in self.offers.values()
            if one.message.expiration_date_time > now
        ]
        return requests + offers

    def _orders_of(self, offer_id: str) -> list[str]:
        return [order_id for order_id, ordered in self.orders.items() if ordered == offer_id]

    def recall(self, one: Note, peer: Peer, now: datetime) -> None:
        request, offer = message_of(one, uftp.FlexRequest), message_of(one, uftp.FlexOffer)
        if request is not None and request.expiration_date_time > now:
            self.requests[request.message_id] = request
            self.open_until[request.congestion_point, request.period] = request.expiration_date_time
        if offer is not None and offer.expiration_date_time > now:
            self.offers[offer.message_id] = Received(offer, peer, one["state"])
            self.orders.update(dict.fromkeys(one.get("orders", ()), offer.message_id))
            self._plan_decision(offer, now)

    # --- asking ---------------------------------------------------------------------------------

    def begin(self, now: datetime) -> None:
        """Some things are open at once, and expire at different times."""
        low, high = self.habits.request_valid
        most = self.habits.first_requests
        already = sum(until > now for until in self.open_until.values())
        for number, slot in enumerate(self.slots(now)[: max(0, most - already)]):
            share = (number + 1) / most
            self.ask(slot, timedelta(seconds=low + (high - low) * share), now)
        self.agenda.plan(now + self.habits.seconds(self.habits.request_every), self.ask_next)

    def slots(self, now: datetime) -> list[Slot]:
        """Every point and day that nothing is open for: new ones first, then by day."""
        found = [
            (point.address, day)
            for point in self.world().points_of(self.domain)
            for day in days_ahead(now.astimezone(point.zone).date(), DAYS_AHEAD)
        ]
        over = [slot for slot in found if self.open_until.get(slot, now) <= now]
        return sorted(over, key=lambda slot: (slot in self.open_until, slot[1]))

    def ask_next(self, now: datetime) -> None:
        slots = self.slots(now)
        if slots:
            valid = timedelta(seconds=self.dice.uniform(*self.habits.request_valid))
            self.ask(slots[0], valid, now)
        self.agenda.plan(now + self.habits.seconds(self.habits.request_every), self.ask_next)

    def ask(self, slot: Slot, valid: timedelta, now: datetime) -> None:
        """Send a request to every AGR of the point that we can reach."""
        address, day = slot
        world = self.world()
        point = world.points[address]
        load = forecast(point, day, seeded(point, day, self.seed))
        isps = asked(point, day, revised(point, load, self.dice))
        expires = min((now + valid).replace(microsecond=0), self._end(point, day, isps))
        revision = self._revision(slot, point, now)
        for agr in sorted(point.agrs):
            peer = world.peer(agr, "AGR")
            if peer is not None and peer.public_keys and peer.endpoint:
                request = self._request(peer, point, day, isps, revision, expires, now)
                self.requests[request.message_id] = request
                self.send(peer, request, now)
        self.open_until[slot] = expires

    def _request(
        self,
        peer: Peer,
        point: Point,
        day: date,
        isps: tuple[uftp.RequestISP, ...],
        revision: int,
        expires: datetime,
        now: datetime,
    ) -> uftp.FlexRequest:
        wanted = [isp for isp in isps if isp.disposition == "Requested"]
        held = self.world().contracts_of(self.domain, peer.domain, point.address, day)
        contracts = [one.contract_id for one in held if one.reserves(day, wanted)]
        return uftp.FlexRequest(
            **self.head(peer, now),
            isp_duration=point.isp_duration,
            time_zone=point.time_zone,
            period=day,
            congestion_point=point.address,
            revision=revision,
            expiration_date_time=expires,
            contract_id=contracts[0] if contracts else None,
            isps=isps,
        )

    def _end(self, point: Point, day: date, isps: tuple[uftp.RequestISP, ...]) -> datetime:
        last = isps[-1].start + isps[-1].duration - 1
        return uftp.isp.isp_bounds(day, point.zone, point.isp_duration, last)[1]

    def _revision(self, slot: Slot, point: Point, now: datetime) -> int:
        """Rises with the clock, so that it is higher than any before also after a restart."""
        begin = uftp.isp.midnight(slot[1], point.zone) - REVISIONS_FROM
        by_clock = (now - begin) // REVISION_STEP
        revision = self.revisions[slot] = max(self.revisions.get(slot, 0) + 1, by_clock)
        return revision

    # --- what comes in --------------------------------------------------------------------------

    def judged(self, message: uftp.PayloadMessage, peer: Peer, now: datetime) -> list[uftp.Reason]:
        if isinstance(message, uftp.FlexOffer):
            return self._offer(message, peer, now)
        if isinstance(message, uftp.FlexOfferRevocation):
            return self._revocation(message, peer)
        if isinstance(message, uftp.DPrognosis):
            terms = self.world().terms(message.congestion_point, self.domain, peer.domain, message.period)
            return uftp.check_prognosis(message, terms, now, None)
        return []

    def _offer(self, offer: uftp.FlexOffer, peer: Peer, now: datetime) -> list[uftp.Reason]:
        request = self.requests.get(offer.flex_request_message_id or "")
        terms = self.world().terms(offer.congestion_point, self.domain, peer.domain, offer.period)
        reasons = uftp.check_offer(offer, terms, now, request, request is not None)
        if not reasons:
            self.offers[offer.message_id] = Received(offer, peer)
            self._plan_decision(offer, now)
        return reasons

    def _plan_decision(self, offer: uftp.FlexOffer, now: datetime) -> None:
        wait = self.habits.wait(self.habits.order_after, self.dice)
        at = now + at_most(offer.expiration_date_time, wait, now)
        self.agenda.plan(at, lambda then: self.decide(offer.message_id, then))

    def _revocation(self, revocation: uftp.FlexOfferRevocation, peer: Peer) -> list[uftp.Reason]:
        """D16: as long as the order is unanswered, the revocation wins."""
        found = self.offers.get(revocation.flex_offer_message_id)
        known = found is not None and found.peer.party == peer.party
        reasons = uftp.check_revocation(known, ordered=found is not None and found.state == "ordered")
        if found is not None and not reasons:
            found.state = "revoked"
        return reasons

    def noted(self, message: uftp.PayloadMessage, peer: Peer, now: datetime) -> None:
        if not isinstance(message, uftp.FlexOrderResponse):
            return
        found = self.offers.get(self.orders.get(message.flex_order_message_id, ""))
        if found is not None and found.state == "ordering":
            found.state = "ordered" if message.result == "Accepted" else "open"

    # --- ordering -------------------------------------------------------------------------------

    def decide(self, offer_id: str, now: datetime) -> None:
        """Order the option that helps most for its price; the first offer of a run is always ordered."""
        found = self.offers.get(offer_id)
        if found is None or found.state != "open" or now >= found.message.expiration_date_time:
            return
        option = max(found.message.options, key=lambda one: self._worth(one, found.message))
        if self.ordered_before and not self._wants(option, found.message):
            log.info("%s: offer %s is left to expire", self.domain, offer_id)
            return
        found.state, self.ordered_before = "ordering", True
        order = self._order(found, option, self._factor(option), now)
        self.orders[order.message_id] = offer_id
        self.send(found.peer, order, now)

    def _wants(self, option: uftp.OfferOption, offer: uftp.FlexOffer) -> bool:
        return self._worth(option, offer) >= 0 and self.dice.random() < self.habits.order_chance

    def _worth(self, option: uftp.OfferOption, offer: uftp.FlexOffer) -> Decimal:
        """What the energy is worth to us, less the price."""
        hours = Decimal(int(offer.isp_duration.total_seconds())) / 3600
        energy = sum(abs(isp.power) * isp.duration for isp in option.isps)
        return FAIR_PRICE * energy * hours / 1000 - option.price

    def _factor(self, option: uftp.OfferOption) -> Decimal:
        least = int(option.min_activation_factor * 100)
        if least >= 100 or self.dice.random() >= self.habits.partial_chance:
            return Decimal("1.00")
        return Decimal(self.dice.randint(max(least, 50), 99)).scaleb(-2) if least < 99 else Decimal("0.99")

    def _order(
        self, found: Received, option: uftp.OfferOption, factor: Decimal, now: datetime
    ) -> uftp.FlexOrder:
        offer = found.message
        head = self.head(found.peer, now, offer.version, offer.conversation_id)
        return uftp.FlexOrder(
            **head,
            isp_duration=offer.isp_duration,
            time_zone=offer.time_zone,
            period=offer.period,
            congestion_point=offer.congestion_point,
            unsolicited=uftp.unsolicited(head["version"], offer.message_id),
            flex_offer_message_id=offer.message_id,
            contract_id=offer.contract_id,
            d_prognosis_message_id=offer.d_prognosis_message_id,
            baseline_reference=offer.baseline_reference,
            price=option.price,
            currency=offer.currency,
            order_reference=f"LG-{now:%y%m%d-%H%M%S}-{len(self.orders) + 1}",
            option_reference=option.option_reference,
            activation_factor=factor,
            isps=option.isps,
        )
