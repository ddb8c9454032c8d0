"""What two parties should do with each other's messages, in plain Python: the oracle of G16.

Written from protocol.md §4 and D2, D3, D12, D13, D16, D17, D23, without the tables of the portal. A message
is a kind, the thing that it is about and, for an answer, what it says.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

AGR, DSO = "AGR", "DSO"
GRACE, AGAIN = timedelta(seconds=30), timedelta(minutes=5)
ANSWERS = {
    "FlexRequest": "FlexRequestResponse",
    "FlexOffer": "FlexOfferResponse",
    "FlexOfferRevocation": "FlexOfferRevocationResponse",
    "FlexOrder": "FlexOrderResponse",
    "D-Prognosis": "D-PrognosisResponse",
    "TestMessage": "TestMessageResponse",
}
FOREVER = datetime.max.replace(tzinfo=UTC)
names = count(1)


@dataclass(eq=False)
class Thing:
    """A request, an offer or a prognosis: how it stands with each side ("" where it never arrived)."""

    expires_at: datetime
    revision: int = 0
    request: "Thing | None" = None  # that an offer answers, and whose conversation it continues
    send_at: datetime | None = None  # while it is planned
    at: dict[str, str] = field(default_factory=lambda: {AGR: "", DSO: ""})
    orders: list["Said"] = field(default_factory=list)
    number: int = field(default_factory=lambda: next(names))


@dataclass(eq=False)
class Said:
    """A message, from the moment at which it was queued."""

    kind: str
    sender: str
    thing: Thing | None = None
    asked: "Said | None" = None  # what it answers
    yes: bool = True
    state: str = "sent"  # of an order
    answered: bool | None = None  # the first answer that came back
    carried: bool = False
    delivered: bool = False  # at least once; whatever becomes of sending it again
    given_up: bool = False
    forged: bool = False  # another message under a MessageID that was used before
    received_at: datetime | None = None
    due_at: datetime | None = None  # while it waits to be processed
    waited: bool = False  # and was looked at already, before what it refers to was there
    judged: str = ""  # accepted, rejected or pending, at the other side
    replies: list["Said"] = field(default_factory=list)
    queued_at: datetime | None = None


class Model:
    """Both sides, and the messages between them."""

    def __init__(self, now: datetime) -> None:
        self.now, self.staff = now, False
        self.offers: list[Thing] = []
        self.requests: list[Thing] = []
        self.prognoses: list[Thing] = []
        self.plans: list[Thing] = []  # offers that are to be sent later
        self.said: list[Said] = []  # in the order in which they were queued
        self.inbox: list[Said] = []  # in the order in which they arrived first

    # --- what people do; False where they may not ---

    def say(self, kind: str, sender: str, thing: Thing | None = None, **more: Any) -> Said:
        one = Said(kind, sender, thing, **more)
        one.queued_at = self.now
        self.said.append(one)
        return one

    def request(self, expires_at: datetime, revision: int) -> Thing:
        thing = Thing(expires_at, revision)
        thing.at[DSO] = "sent"
        self.requests.append(thing)
        self.say("FlexRequest", DSO, thing)
        return thing

    def can_be_offered(self, thing: Thing) -> bool:
        asked = thing.request
        return self.now < thing.expires_at and (asked is None or self.now < asked.expires_at)

    def offer(self, thing: Thing) -> bool:
        if not self.can_be_offered(thing):
            return False
        thing.at[AGR] = "sent"
        self.offers.append(thing)
        self.say("FlexOffer", AGR, thing)
        return True

    def plan(self, thing: Thing) -> bool:
        if not self.can_be_offered(thing):
            return False
        self.plans.append(thing)
        return True

    def send_planned(self) -> list[Thing]:
        """What can be offered when its time comes; what cannot stays a draft that nobody sends any more."""
        due = [thing for thing in self.plans if thing.send_at is None or thing.send_at <= self.now]
        self.plans = [thing for thing in self.plans if thing not in due]
        return [thing for thing in due if self.offer(thing)]

    def prognose(self, revision: int) -> Thing:
        thing = Thing(FOREVER, revision)
        self.prognoses.append(thing)
        self.say("D-Prognosis", AGR, thing)
        return thing

    def send_again(self, one: Said) -> bool:
        """The same bytes once more, unless that is of no use; a trade that had failed lives again."""
        thing, side = one.thing, one.sender
        if not one.carried or one.answered is False:
            return False
        if thing is not None and one.kind in ("FlexRequest", "FlexOffer", "FlexOrder"):
            state = one.state if one.kind == "FlexOrder" else thing.at[side]
            if self.now >= thing.expires_at or state in ("revoked", "rejected", "superseded"):
                return False
            if state == "failed" and not self.revive(one, thing):
                return False
        one.carried, one.queued_at = False, self.now
        return True

    def revive(self, one: Said, thing: Thing) -> bool:
        if one.kind != "FlexOrder":
            thing.at[one.sender] = "sent"
            return True
        if thing.at[DSO] != "accepted":
            return False
        thing.at[DSO], one.state = "ordering", "sent"
        return True

    def revoke(self, offer: Thing) -> bool:
        if offer.at[AGR] not in ("sent", "accepted", "failed") or self.now >= offer.expires_at:
            return False
        offer.at[AGR] = "revoked"
        self.say("FlexOfferRevocation", AGR, offer)
        return True

    def order(self, offer: Thing) -> bool:
        if offer.at[DSO] not in ("sent", "accepted") or self.now >= offer.expires_at:
            return False
        self.accept_if_pending(offer)
        offer.at[DSO] = "ordering"
        offer.orders.append(self.say("FlexOrder", DSO, offer))
        return True

    def review(self, offer: Thing, yes: bool) -> bool:
        if offer.at[DSO] != "sent" or self.now >= offer.expires_at:
            return False
        self.answer_offer(offer, yes)
        return True

    def accept_if_pending(self, offer: Thing) -> None:
        if offer.at[DSO] == "sent":
            self.answer_offer(offer, True)

    def answer_offer(self, offer: Thing, yes: bool) -> None:
        offer.at[DSO] = "accepted" if yes else "rejected"
        said = next(one for one in self.said if one.kind == "FlexOffer" and one.thing is offer)
        self.answer(said, yes)

    def answer(self, asked: Said, yes: bool) -> None:
        asked.judged, asked.due_at = ("accepted" if yes else "rejected"), None
        other = DSO if asked.sender == AGR else AGR
        asked.replies.append(self.say(ANSWERS[asked.kind], other, asked.thing, asked=asked, yes=yes))

    # --- the post ---

    def in_flight(self) -> list[Said]:
        return [one for one in self.said if not one.carried]

    def can_be_given_up(self, one: Said) -> bool:
        """What the other side certainly has not, for the first time; or had before it was sent again."""
        if one.carried or one.kind not in ("FlexRequest", "FlexOffer", "FlexOrder"):
            return False
        return one.delivered or (one.received_at is None and not one.given_up)

    def arrive(self, one: Said) -> None:
        if one.received_at is None:
            one.received_at = one.due_at = self.now
            self.inbox.append(one)
        elif one.judged == "rejected" and one.kind in ANSWERS and not self.was_taken_in(one):
            one.received_at = one.due_at = self.now
            one.judged = ""
        elif one.replies and (last := one.replies[-1]).carried and self.now - self.told_at(last) >= AGAIN:
            last.carried, last.queued_at = False, self.now

    def forge(self, one: Said) -> None:
        """Whoever sent `one` sends something else under its MessageID."""
        other = Said("TestMessage", one.sender, received_at=self.now, due_at=self.now, forged=True)
        self.inbox.append(other)

    def told_at(self, one: Said) -> datetime:
        assert one.queued_at is not None
        return one.queued_at

    def was_taken_in(self, one: Said) -> bool:
        """An offer that staff, or nobody in time, answered is not judged again."""
        return one.kind == "FlexOffer" and one.thing is not None and one.thing.at[DSO] != ""

    def carry(self, one: Said) -> None:
        one.carried, one.delivered, one.queued_at = True, True, self.now
        self.arrive(one)

    def give_up(self, one: Said) -> None:
        """An order that was delivered before binds whoever has it: its offer is not free (D16)."""
        one.carried, one.given_up, one.queued_at = True, True, self.now
        assert one.thing is not None
        if one.kind == "FlexOrder" and one.state == "sent" and not one.delivered:
            one.state = "failed"
            if one.thing.at[DSO] == "ordering":
                one.thing.at[DSO] = "accepted"
        elif one.kind != "FlexOrder" and one.thing.at[one.sender] == "sent":
            one.thing.at[one.sender] = "failed"

    # --- what the workers do ---

    def process(self) -> None:
        """What is new and what has waited take turns, each the one that is due longest first."""
        while self.process_first(waited=False) + self.process_first(waited=True):
            pass

    def process_first(self, waited: bool) -> bool:
        due = [
            (one.due_at, n, one) for n, one in enumerate(self.inbox) if one.due_at and one.waited == waited
        ]
        at, _, one = min(due, default=(self.now, 0, None))
        if one is None or at > self.now:
            return False
        one.due_at = None
        getattr(self, f"take_{one.kind.replace('-', '')}")(one)
        one.waited = one.due_at is not None
        return True

    def take_FlexRequest(self, one: Said) -> None:
        request, moment = self.thing_of(one), one.received_at
        assert moment is not None
        newer = [r for r in self.requests if r.at[AGR] and r.revision >= request.revision]
        if newer or moment >= request.expires_at:
            self.answer(one, False)
            return
        request.at[AGR] = "accepted"
        self.supersede(request, AGR)
        self.answer(one, True)

    def supersede(self, request: Thing, side: str) -> None:
        for older in self.requests:
            if older.revision < request.revision and older.at[side] in ("sent", "accepted"):
                older.at[side] = "superseded"

    def take_FlexRequestResponse(self, one: Said) -> None:
        request = self.thing_of(one)
        if not self.is_first(one):
            return
        here = request.at[DSO]
        if one.yes:
            request.at[DSO] = "accepted" if here in ("sent", "failed") else here
            self.supersede(request, DSO)
        else:
            request.at[DSO] = "rejected"

    def take_FlexOffer(self, one: Said) -> None:
        offer = self.thing_of(one)
        assert one.received_at is not None
        asked = offer.request
        if one.received_at >= min(offer.expires_at, asked.expires_at if asked else FOREVER):
            self.answer(one, False)
            return
        offer.at[DSO] = "sent"
        if self.staff:
            one.judged = "pending"
        else:
            self.answer_offer(offer, True)

    def take_FlexOfferResponse(self, one: Said) -> None:
        offer = self.thing_of(one)
        if not self.is_first(one):
            return
        here = offer.at[AGR]
        if one.yes:
            offer.at[AGR] = "accepted" if here in ("sent", "failed") else here
        elif here in ("sent", "failed", "expired"):
            offer.at[AGR] = "rejected"

    def take_FlexOfferRevocation(self, one: Said) -> None:
        offer = self.thing_of(one)
        assert one.received_at is not None
        if not offer.at[DSO]:
            if self.now < one.received_at + GRACE or self.offer_waits(offer):
                one.due_at = self.now + timedelta(seconds=1)
            else:
                self.answer(one, False)
            return
        if offer.at[DSO] not in ("revoked", "rejected"):
            self.accept_if_pending(offer)
            offer.at[DSO] = "revoked"
            for order in offer.orders:
                order.state = "rejected" if order.state in ("sent", "failed") else order.state
        self.answer(one, True)

    def offer_waits(self, offer: Thing) -> bool:
        """The offer is here and will be processed next: the revocation came first by chance."""
        return any(one.kind == "FlexOffer" and one.thing is offer and one.due_at for one in self.inbox)

    def take_FlexOfferRevocationResponse(self, one: Said) -> None:
        self.is_first(one)

    def take_FlexOrder(self, one: Said) -> None:
        offer = self.thing_of(one)
        assert one.received_at is not None
        yes = one.received_at < offer.expires_at and offer.at[AGR] not in ("revoked", "ordered", "rejected")
        if yes:
            offer.at[AGR] = "ordered"
        self.answer(one, yes)

    def take_FlexOrderResponse(self, one: Said) -> None:
        offer, order = self.thing_of(one), one.asked
        assert order is not None
        if not self.is_first(one) or order.state not in ("sent", "failed"):
            return
        order.state = "accepted" if one.yes else "rejected"
        if one.yes:
            offer.at[DSO] = "ordered"
        elif offer.at[DSO] == "ordering":
            offer.at[DSO] = "accepted"

    def take_DPrognosis(self, one: Said) -> None:
        prognosis = self.thing_of(one)
        yes = all(p.revision < prognosis.revision for p in self.prognoses if p.at[DSO])
        if yes:
            prognosis.at[DSO] = "accepted"
        self.answer(one, yes)

    def take_DPrognosisResponse(self, one: Said) -> None:
        self.is_first(one)

    def take_TestMessage(self, one: Said) -> None:
        """It has no answer that says no: whoever re-uses a MessageID hears nothing."""
        if one.forged:
            one.judged = "rejected"
        else:
            self.answer(one, True)

    def take_TestMessageResponse(self, one: Said) -> None:
        self.is_first(one)

    def is_first(self, one: Said) -> bool:
        """Whether this is the first answer; it proves that what it answers was delivered."""
        assert one.asked is not None
        one.judged = "accepted"
        first, one.asked.carried, one.asked.delivered = one.asked.answered is None, True, True
        if first:
            one.asked.answered = one.yes
        return first

    @staticmethod
    def thing_of(one: Said) -> Thing:
        assert one.thing is not None
        return one.thing

    # --- the clock ---

    def sweep(self) -> None:
        for offer in self.offers:
            for side in (AGR, DSO):
                if offer.expires_at <= self.now and not self.in_time_and_unread(offer, side):
                    self.expire(offer, side)
        for request in self.requests:
            for side in (AGR, DSO):
                if request.expires_at <= self.now and request.at[side] in ("sent", "accepted", "failed"):
                    request.at[side] = "expired"

    def expire(self, offer: Thing, side: str) -> None:
        if side == DSO and offer.at[side] == "sent":
            self.answer_offer(offer, False)
        elif offer.at[side] in ("sent", "accepted", "failed"):
            offer.at[side] = "expired"

    def in_time_and_unread(self, offer: Thing, side: str) -> bool:
        """Something of its conversation, which is that of the request if there is one."""
        return any(
            one.thing is not None
            and (one.thing.request or one.thing) is (offer.request or offer)
            and one.sender != side
            and one.due_at
            and one.received_at < offer.expires_at
            for one in self.inbox
            if one.received_at is not None
        )
