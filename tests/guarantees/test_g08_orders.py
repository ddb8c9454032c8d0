"""G08: whatever the order in which the messages about an offer arrive, the end is what the rules say.

Six messages are under way about one offer: the offer, its revocation, an order, and the answer to each.
Two people act and time passes in between. Every step that is possible is taken from every state that
can be reached, on the real services, and undone again; so all orders are seen, and each state once: of
the 720 orders of six messages every one that can be.
What must come out is worked out by hand from protocol.md §4 and D16, D17, D23, not from the table under
test. A copy of a message that has arrived already must change nothing, in any state.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from offers import domain
from offers.models import FlexOffer, FlexOrder, Message
from offers.services import inbox, mapping, trading
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db

EXPIRY = NOON + timedelta(hours=1)
OFFER, REVOCATION, ORDER = "FlexOffer", "FlexOfferRevocation", "FlexOrder"
MESSAGES = (OFFER, f"{OFFER}Response", REVOCATION, f"{REVOCATION}Response", ORDER, f"{ORDER}Response")
ACTS = ("revoke", "place", "review", "deadline", "sweep")
STEP = timedelta(seconds=2)  # longer than a message waits for the one that it refers to, before it asks again
COPIES = 0.2  # of the messages that arrived, in each state
SEED = 8


@dataclass(frozen=True)
class Story:
    """What has happened so far, as far as it decides about the end."""

    late: bool = False  # the deadline has passed
    arrived: str = ""  # the offer reached the DSO: "in time", "late", or not yet
    revoked: bool = False
    placed: bool = False
    ordered: bool = False  # the order reached the AGR in time and before it revoked
    reviewed: bool = False  # staff answered, or something else did in their place
    unreviewed: bool = False  # the deadline came first


def told(story: Story, step: str, staff: bool) -> Story:
    """The story after one more step that took place."""
    if step == "deadline":
        return replace(story, late=True)
    if step == OFFER:
        return replace(story, arrived="late" if story.late else "in time", reviewed=not staff)
    if step == "revoke":
        return replace(story, revoked=True)
    if step == ORDER:
        return replace(story, ordered=not story.late and not story.revoked)
    if step == "sweep" and story.arrived == "in time" and not story.reviewed:
        return replace(story, unreviewed=True)
    if step in ("place", "review", REVOCATION) and not story.unreviewed:
        return replace(story, reviewed=True, placed=story.placed or step == "place")
    return story


def expected(story: Story) -> tuple[str, str | None]:
    """The states at the AGR and at the DSO when everything has come to rest."""
    if story.ordered:
        return "ordered", "ordered"
    if story.arrived != "in time":
        return ("revoked" if story.revoked else "rejected"), None  # refused at the door: past its own expiry
    if story.revoked:
        return "revoked", "rejected" if story.unreviewed else "revoked"
    end = "rejected" if story.unreviewed else "expired"
    return end, end


@dataclass
class Table:
    """Two parties, the post between them, and the graph of all that can happen there."""

    cast: Cast
    mine: int
    staff: bool
    acts: tuple[str, ...] = ACTS
    share: float = COPIES
    graph: dict[Any, dict[str, Any]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    ends: set[tuple[str, str | None]] = field(default_factory=set)
    known: dict[Any, frozenset[tuple[str, ...]]] = field(default_factory=dict)
    copies: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))

    # --- one step ---

    def possible(self, story: Story, queued: dict[str, Message]) -> Iterator[str]:
        yield from (kind for kind in MESSAGES if kind in queued)
        yield from ("revoke",) if not story.revoked else ()
        yield from ("place",) if story.arrived and not story.placed else ()
        yield from ("review",) if self.staff and story.arrived and not story.reviewed else ()
        yield from ("sweep" if story.late else "deadline",) if "deadline" in self.acts else ()

    def take(self, step: str, now: datetime, queued: dict[str, Message]) -> bool:
        """Whether the step took place."""
        if step in MESSAGES:
            cast.carry(queued[step], now)
            inbox.process_due(lambda: now)
            return True
        if step == "sweep":
            return bool(trading.expire_due(now))
        return step == "deadline" or self._try(step, now)

    def _try(self, step: str, now: datetime) -> bool:
        theirs = FlexOffer.objects.filter(owner=self.cast.dso).first()
        acts: dict[str, Callable[[], Any]] = {
            "revoke": lambda: trading.revoke(self.cast.agr, self.mine, self.cast.trader, now),
            "place": lambda: theirs and cast.order(self.cast, theirs, now),
            "review": lambda: (
                theirs and trading.accept_offer(self.cast.dso, theirs.pk, self.cast.operator, now)
            ),
        }
        try:
            return bool(acts[step]())
        except domain.IllegalMove:
            return False

    # --- all steps ---

    def explore(self, story: Story, path: tuple[str, ...] = ()) -> Any:
        """Take every step that is possible from here, unless somebody was in this state before; its key."""
        queued = {row.type: row for row in Message.objects.queued().select_related("owner")}
        key = (story, *self.state())
        if key in self.graph:
            return key
        edges = self.graph[key] = {}
        now = (EXPIRY if story.late else NOON) + STEP * len(path)
        self.copy_some(now, path)
        for step in self.possible(story, queued):
            point = transaction.savepoint()
            if self.take(step, now, queued):
                edges[step] = self.explore(told(story, step, self.staff), (*path, step))
            transaction.savepoint_rollback(point)
        if not edges:
            self.end(story, path)
        return key

    def state(self) -> tuple[Any, ...]:
        offers = FlexOffer.objects.order_by("owner").values_list("owner", "state")
        orders = FlexOrder.objects.order_by("owner", "pk").values_list("owner", "state")
        messages = Message.objects.order_by("owner", "direction", "pk")
        return (
            tuple(offers),
            tuple(orders),
            tuple(messages.values_list("owner", "direction", "type", "state", "answer")),
        )

    def copy_some(self, now: datetime, path: tuple[str, ...]) -> None:
        """What arrived arrives once more: nothing moves. Its answer may be sent again, the same one, unless
        it was rejected and is judged again (D13)."""
        arrived = Message.objects.filter(direction="in", type__in=MESSAGES)
        chosen = [row for row in arrived if self.dice.random() < self.share]
        if not chosen:
            return
        start = transaction.savepoint()
        inbox.process_due(lambda: now)  # what had only waited, before the copies are blamed for it
        before = at_rest(self.state())
        for row in chosen:
            point = transaction.savepoint()
            inbox.receive(bytes(row.sealed or b""), "127.0.0.1", now)
            inbox.process_due(lambda: now)
            self.copies += 1
            known = slice(2 if row.answer == "rejected" else 3)
            if at_rest(self.state())[known] != before[known]:
                self.wrong.append(f"a copy of {row.type} changed something, after {', '.join(path)}")
            transaction.savepoint_rollback(point)
        transaction.savepoint_rollback(start)

    def end(self, story: Story, path: tuple[str, ...]) -> None:
        """Waiting references run out and time passes; then everything must be as it should."""
        for wait in (1, 2):
            later = EXPIRY + timedelta(minutes=wait)
            cast.deliver_all(later)
            inbox.process_due(lambda now=later: now)
            trading.expire_due(later)
        cast.deliver_all(later)
        self.wrong += [f"{text}, after {', '.join(path)}" for text in self.faults(story)]

    def faults(self, story: Story) -> list[str]:
        mine = FlexOffer.objects.get(pk=self.mine)
        theirs = FlexOffer.objects.filter(owner=self.cast.dso).first()
        found, wanted = (mine.state, theirs.state if theirs is not None else None), expected(story)
        self.ends.add(found)
        wrong = [] if found == wanted else [f"{found} instead of {wanted}"]
        if FlexOrder.objects.filter(owner=self.cast.agr, state="accepted").count() > 1:
            wrong.append("ordered twice")
        right = "accepted" if wanted[0] == "ordered" else "rejected"
        orders = FlexOrder.objects.filter(owner=self.cast.dso)
        wrong += [f"order {one.state}" for one in orders if one.state != right]
        if Message.objects.unprocessed().exists() or Message.objects.filter(state="parked").exists():
            wrong.append("a message was left behind")
        return wrong

    # --- the orders of arrival ---

    def arrivals(self, here: Any = None) -> frozenset[tuple[str, ...]]:
        """Every order in which messages arrive on some way through the graph, acts left out."""
        here = here or next(iter(self.graph))
        if here not in self.known:
            self.known[here] = frozenset(
                ((step,) if step in MESSAGES else ()) + rest
                for step, there in self.graph[here].items()
                for rest in self.arrivals(there)
            ) or frozenset([()])
        return self.known[here]


def can_be(order: tuple[str, ...]) -> bool:
    """Whether all six can arrive in this order: nothing answers or orders what has not arrived, and nobody
    orders what is known to be revoked. A revocation that overtakes its offer is taken in right after it."""
    at = {kind: order.index(kind) for kind in MESSAGES}
    pairs = [(OFFER, MESSAGES[1]), (REVOCATION, MESSAGES[3]), (OFFER, ORDER), (ORDER, MESSAGES[5])]
    return at[OFFER] < at[REVOCATION] and all(at[before] < at[after] for before, after in pairs)


AUTOMATIC = {
    ("expired", "expired"),
    ("ordered", "ordered"),
    ("rejected", None),
    ("revoked", None),
    ("revoked", "revoked"),
}
STAFF = AUTOMATIC | {("rejected", "rejected"), ("revoked", "rejected")}


def at_rest(state: tuple[Any, ...]) -> tuple[Any, ...]:
    """A state in which nobody can tell whether a message is on its way or has arrived."""
    *trades, messages = state
    return (*trades, [tuple("delivered" if one == "queued" else one for one in row) for row in messages])


@pytest.mark.parametrize(("staff", "ends"), [(False, AUTOMATIC), (True, STAFF)], ids=["automatic", "staff"])
def test_g08_every_order_of_arrival_ends_as_the_rules_say(
    everybody: Cast, staff: bool, ends: set[tuple[str, str | None]]
) -> None:
    everybody.point.answers_automatically = not staff
    everybody.point.save()
    offer = cast.send_offer(everybody, cast.answerable_request(everybody))
    table = Table(everybody, offer.pk, staff)
    table.explore(Story())
    assert not table.wrong
    assert table.ends == ends
    assert table.copies > 50
    every = set(itertools.permutations(MESSAGES))
    assert len(every) == 720
    assert every & table.arrivals() == {order for order in every if can_be(order)}


def test_g08_an_order_that_won_over_a_revocation_would_be_seen(
    everybody: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without D16 at the AGR, ways through the same graph end wrong."""
    monkeypatch.setitem(mapping.OFFER_STANDING, "revoked", "open")
    offer = cast.send_offer(everybody, cast.answerable_request(everybody))
    table = Table(everybody, offer.pk, staff=False, acts=("revoke", "place"), share=0)
    table.explore(Story())
    assert table.wrong
