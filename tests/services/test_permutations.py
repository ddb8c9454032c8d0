"""Whatever the order of arrival of offer, response, revocation, order and expiry: the end is the same.

Messages are held back and handed over one by one in every order that causality allows. What must come
out is worked out by hand from protocol.md §4 and D16, D17, D23, not from the table under test.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from offers import domain
from offers.models import FlexOffer, FlexOrder, FlexRequest, Message
from offers.services import inbox, trading
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db

LABELS = ("offer", "response", "revocation", "order", "expiry")
EXPIRY = NOON + timedelta(hours=1)


@dataclass
class Table:
    """Two parties, the post between them, and what was seen to happen."""

    cast: Cast
    early: str  # who acts as soon as possible, so that messages cross: "", "order" or both "order and revoke"
    mine: FlexOffer
    now: datetime = NOON
    seen: list[str] = field(default_factory=list)

    def theirs(self) -> FlexOffer | None:
        return FlexOffer.objects.filter(owner=self.cast.dso).first()

    # --- what people do, if they may ---

    def revoke(self) -> None:
        if "revoked" not in self.seen:
            self._try(
                "revoked", lambda: trading.revoke(self.cast.agr, self.mine.pk, self.cast.trader, self.now)
            )

    def order(self) -> None:
        theirs = self.theirs()
        if theirs is not None and "placed" not in self.seen:
            self._try("placed", lambda: cast.order(self.cast, theirs, self.now))

    def _try(self, label: str, act: Callable[[], object]) -> None:
        try:
            act()
        except domain.IllegalMove:
            return
        self.seen.append(label)

    # --- what arrives ---

    def step(self, label: str) -> bool:
        """Let `label` happen, if it can happen yet."""
        if label == "expiry":
            self.now = EXPIRY
            trading.expire_due(self.now)
            return True
        if label == "revocation":
            self.revoke()
        if label == "order":
            self.order()
        kind = {
            "offer": "FlexOffer",
            "response": "FlexOfferResponse",
            "revocation": "FlexOfferRevocation",
            "order": "FlexOrder",
        }[label]
        row = Message.objects.queued().filter(type=kind).first()
        if row is None:
            return False
        cast.carry(row, self.now)
        self.process()
        self.seen.append(f"{label} arrived {'late' if self.now >= EXPIRY else 'in time'}")
        return True

    def process(self) -> None:
        inbox.process_due(lambda: self.now)
        if "order" in self.early:
            self.order()

    def settle(self) -> None:
        """Let everything arrive that is still under way, waiting references run out, and time pass."""
        for wait in (1, 31):
            cast.deliver_all(self.now)
            self.now = max(self.now, EXPIRY) + timedelta(seconds=wait)
            inbox.process_due(lambda: self.now)
            trading.expire_due(self.now)
        cast.deliver_all(self.now)


def play(everybody: Cast, request: FlexRequest, turns: tuple[str, ...], early: str) -> Table:
    table = Table(everybody, early, cast.send_offer(everybody, request))
    if "revoke" in early:
        table.revoke()
    todo = list(turns)
    while todo:
        done = next((label for label in todo if table.step(label)), None)
        if done is None:
            break  # what is left cannot happen any more, such as an order for a revoked offer
        todo.remove(done)
    table.settle()
    return table


def expected(table: Table, staff: bool) -> tuple[str, str | None]:
    """The states at the AGR and at the DSO, from what was seen to happen."""
    seen = table.seen
    revoked = "revoked" in seen
    ordered = "order arrived in time" in seen and (
        not revoked or seen.index("order arrived in time") < seen.index("revoked")
    )
    if ordered:
        return "ordered", "ordered"
    if "offer arrived late" in seen or not any(s.startswith("offer arrived") for s in seen):
        return ("revoked" if revoked else "rejected"), None  # refused at the door: past its own expiry
    unreviewed = staff and "placed" not in seen and "revocation arrived in time" not in seen
    if revoked:
        return "revoked", "rejected" if unreviewed else "revoked"
    return ("rejected", "rejected") if unreviewed else ("expired", "expired")


def faults(table: Table, staff: bool) -> list[str]:
    """What is not as it should be at the end, in words."""
    table.mine.refresh_from_db()
    theirs = table.theirs()
    found = (str(table.mine.state), str(theirs.state) if theirs is not None else None)
    wanted = expected(table, staff)
    wrong = [] if found == wanted else [f"{found} instead of {wanted}"]
    if FlexOrder.objects.filter(owner=table.cast.agr, state="accepted").count() > 1:
        wrong.append("ordered twice")
    orders = FlexOrder.objects.filter(owner=table.cast.dso)
    wrong += [
        f"order {o.state}"
        for o in orders
        if o.state != ("accepted" if wanted[0] == "ordered" else "rejected")
    ]
    if Message.objects.unprocessed().exists() or Message.objects.filter(state="parked").exists():
        wrong.append("a message was left behind")
    return [f"{text}, after {', '.join(table.seen)}" for text in wrong]


@pytest.mark.parametrize("staff", [False, True], ids=["automatic", "staff"])
@pytest.mark.parametrize("early", ["", "order", "order and revoke"], ids=lambda early: early or "nobody")
def test_every_order_of_arrival_ends_as_the_rules_say(everybody: Cast, early: str, staff: bool) -> None:
    everybody.point.answers_automatically = not staff
    everybody.point.save()
    request = cast.answerable_request(everybody)
    found: list[str] = []
    ends: set[str] = set()
    for turns in itertools.permutations(LABELS):
        start = transaction.savepoint()
        table = play(everybody, request, turns, early)
        found += [f"{'-'.join(turns)}: {text}" for text in faults(table, staff)]
        ends.add(str(table.mine.state))
        transaction.savepoint_rollback(start)
    assert not found
    assert len(ends) > 1 or "revoke" in early, "nothing depended on the order: the test shows nothing"
