"""The machine of G16: what people, the post, the workers, the clock and a crash can do, in any order.

Each rule does the same to the portal and to the model of g16_model; then both must stand the same.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from offers import domain
from offers.models import Event, FlexOffer, FlexOrder, FlexRequest, Message
from offers.services import inbox, outbox, trading
from offers.services.trading import moves
from tests import cast
from tests.cast import NOON, Cast
from tests.guarantees.g16_model import AGR, ANSWERS, DSO, Model, Said, Thing

PICK = st.integers(min_value=0, max_value=30)
MINUTES = st.sampled_from([0.05, 0.5, 1, 6, 20, 60])
TABLES = {"flex_request": domain.REQUEST, "flex_offer": domain.OFFER, "flex_order": domain.ORDER}
MANY = 4


class Death(BaseException):
    """The process ends here; no handler of the portal sees it."""


class Market(RuleBasedStateMachine):
    def __init__(self, everybody: Cast) -> None:
        super().__init__()
        self.cast, self.model = everybody, Model(NOON)
        self.start = transaction.savepoint()
        self.rows: dict[Said, int] = {}
        self.keys: dict[Thing, str] = {}  # the MessageID of what is offered or asked

    # --- what people do ---

    @precondition(lambda self: len(self.model.offers) < MANY)
    @rule(minutes=st.sampled_from([5, 60]))
    def offers(self, minutes: int) -> None:
        expires = self.model.now + timedelta(minutes=minutes)
        draft = cast.offer_draft(expires)
        row = trading.draft_offer(
            self.cast.agr, self.cast.point, self.cast.dso, cast.TOMORROW, draft, self.cast.trader, self.now
        )
        sent = trading.send_offer(self.cast.agr, row.pk, self.cast.trader, self.now)
        self.keys[self.model.offer(expires)] = cast.message_of(sent).message_id

    @precondition(lambda self: len(self.model.requests) < MANY)
    @rule(minutes=st.sampled_from([5, 60]))
    def asks(self, minutes: int) -> None:
        expires = self.model.now + timedelta(minutes=minutes)
        sent = cast.send_request(self.cast, self.now, timedelta(minutes=minutes))
        self.keys[self.model.request(expires, sent.revision)] = cast.message_of(sent).message_id

    @rule(by_agr=st.booleans())
    def tests_the_line(self, by_agr: bool) -> None:
        pair = (self.cast.agr, self.cast.dso) if by_agr else (self.cast.dso, self.cast.agr)
        trading.send_test(*pair, self.now)
        self.model.say("TestMessage", AGR if by_agr else DSO)

    @precondition(lambda self: self.model.offers)
    @rule(pick=PICK, dies_at=PICK)
    def revokes(self, pick: int, dies_at: int) -> None:
        offer = self.one_of(self.model.offers, pick)
        pk = self.offer_row(offer, AGR).pk
        self.act(
            lambda: trading.revoke(self.cast.agr, pk, self.cast.trader, self.now),
            lambda: self.model.revoke(offer),
            dies_at,
        )

    @precondition(lambda self: self.known())
    @rule(pick=PICK, dies_at=PICK)
    def orders(self, pick: int, dies_at: int) -> None:
        offer = self.one_of(self.known(), pick)
        row = self.offer_row(offer, DSO)
        self.act(lambda: cast.order(self.cast, row, self.now), lambda: self.model.order(offer), dies_at)

    @precondition(lambda self: self.known())
    @rule(pick=PICK, yes=st.booleans(), dies_at=PICK)
    def reviews(self, pick: int, yes: bool, dies_at: int) -> None:
        offer = self.one_of(self.known(), pick)
        pk, dso, by = self.offer_row(offer, DSO).pk, self.cast.dso, self.cast.operator
        self.act(
            lambda: (
                trading.accept_offer(dso, pk, by, self.now)
                if yes
                else trading.reject_offer(dso, pk, "No.", by, self.now)
            ),
            lambda: self.model.review(offer, yes),
            dies_at,
        )

    @rule()
    def another_habit(self) -> None:
        """The DSO's staff answers by hand from now on, or no longer."""
        self.model.staff = not self.model.staff
        self.cast.point.answers_automatically = not self.model.staff
        self.cast.point.save()

    # --- the post ---

    @precondition(lambda self: self.model.in_flight())
    @rule(pick=PICK)
    def arrives(self, pick: int) -> None:
        one = self.one_of(self.model.in_flight(), pick)
        cast.carry(self.row(one), self.now)
        self.model.carry(one)

    @precondition(lambda self: self.model.in_flight())
    @rule()
    def arrives_as_it_should(self) -> None:
        """Everything at once and in order, so that stories also come to their happy end."""
        for one in self.model.in_flight():
            cast.carry(self.row(one), self.now)
            self.model.carry(one)
        inbox.process_due(lambda: self.now)
        self.model.process()

    @precondition(lambda self: self.model.in_flight())
    @rule(pick=PICK)
    def arrives_but_nobody_hears_that_it_did(self, pick: int) -> None:
        one = self.one_of(self.model.in_flight(), pick)
        self.hand_over(one)

    @precondition(lambda self: self.model.inbox)
    @rule(pick=PICK)
    def arrives_again(self, pick: int) -> None:
        self.hand_over(self.one_of(self.model.inbox, pick))

    @precondition(lambda self: self.refusable())
    @rule(pick=PICK)
    def is_given_up(self, pick: int) -> None:
        one = self.one_of(self.refusable(), pick)
        Message.objects.filter(pk=self.row(one).pk).update(state="failed", state_at=self.now)
        trading.fail_undelivered(self.now)
        self.model.give_up(one)

    def refusable(self) -> list[Said]:
        """What the other side never saw, and whose end concerns a trade."""
        kinds = ("FlexRequest", "FlexOffer", "FlexOrder")
        return [one for one in self.model.in_flight() if one.kind in kinds and one.received_at is None]

    # --- workers and clock ---

    @rule(dies_at=PICK)
    def is_processed(self, dies_at: int) -> None:
        died = True
        while died:  # with each life it comes at least one message further, or a little less far
            died = self.dies(lambda: inbox.process_due(lambda: self.now), dies_at)
            dies_at += 3
        self.model.process()

    @rule(minutes=MINUTES)
    def passes(self, minutes: float) -> None:
        self.model.now += timedelta(minutes=minutes)

    @rule(dies_at=PICK)
    def is_swept(self, dies_at: int) -> None:
        if self.dies(lambda: trading.expire_due(self.now), dies_at):
            trading.expire_due(self.now)
        self.model.sweep()

    # --- how ---

    @property
    def now(self) -> datetime:
        return self.model.now

    @staticmethod
    def one_of(things: list[Any], pick: int) -> Any:
        return things[pick % len(things)]

    def known(self) -> list[Thing]:
        return [offer for offer in self.model.offers if offer.at[DSO]]

    def offer_row(self, offer: Thing, side: str) -> FlexOffer:
        owner = self.cast.agr if side == AGR else self.cast.dso
        return FlexOffer.objects.get(owner=owner, message__message_id=self.keys[offer])

    def row(self, one: Said) -> Message:
        return Message.objects.get(pk=self.rows[one])

    def hand_over(self, one: Said) -> None:
        inbox.receive(bytes(self.row(one).sealed or b""), "127.0.0.1", self.now)
        self.model.arrive(one)

    def act(self, real: Callable[[], Any], model: Callable[[], bool], dies_at: int) -> None:
        """A person acts, perhaps in a process that dies on the way; then they try again."""
        refused = False

        def attempt() -> None:
            nonlocal refused
            try:
                real()
            except (domain.IllegalMove, trading.Refused):
                refused = True

        if self.dies(attempt, dies_at):
            self.both_stand_the_same()
            attempt()
        assert model() is not refused

    def dies(self, work: Callable[[], Any], at: int) -> bool:
        """Do it in a process that dies at its n-th step, if it gets so far; its transaction is undone."""
        steps = iter(range(at))

        def or_die(step: Callable[..., Any]) -> Callable[..., Any]:
            def wrapped(*args: Any, **named: Any) -> Any:
                if next(steps, None) is None:
                    raise Death
                return step(*args, **named)

            return wrapped

        with (
            mock.patch.object(moves, "_record", or_die(moves._record)),
            mock.patch.object(outbox, "enqueue", or_die(outbox.enqueue)),
            mock.patch.object(outbox, "mark_answered", or_die(outbox.mark_answered)),
        ):
            try:
                work()
            except Death:
                return True
        return False

    # --- what must hold ---

    @invariant()
    def both_stand_the_same(self) -> None:
        self.name_what_was_said()
        offers = dict(self.states(FlexOffer))
        requests = dict(self.states(FlexRequest))
        for rows, things in ((offers, self.model.offers), (requests, self.model.requests)):
            wanted = {
                (side, self.keys[thing]): state
                for thing in things
                for side, state in thing.at.items()
                if state
            }
            assert rows == wanted
        orders = FlexOrder.objects.filter(owner=self.cast.dso).order_by("message_id")
        wanted_orders = [(self.rows[one], one.state) for one in self.model.said if one.kind == "FlexOrder"]
        assert list(orders.values_list("message", "state")) == wanted_orders
        assert self.queued() == {self.rows[one] for one in self.model.in_flight()}
        waiting = sum(one.due_at is not None for one in self.model.inbox)
        assert Message.objects.unprocessed().count() == waiting
        self.one_order_per_offer()

    def states(self, model: Any) -> list[tuple[tuple[str, str], str]]:
        rows = model.objects.exclude(state="draft").values_list("owner__role", "message__message_id", "state")
        return [((role, key), state) for role, key, state in rows]

    def queued(self) -> set[int]:
        return set(Message.objects.queued().values_list("pk", flat=True))

    def name_what_was_said(self) -> None:
        """The rows that are new must be what the model says was said, in the same order."""
        new = Message.objects.filter(direction="out").exclude(pk__in=self.rows.values()).order_by("pk")
        unnamed = [one for one in self.model.said if one not in self.rows]
        rows = list(new.select_related("owner"))
        left = list(unnamed)
        for row in rows:  # within one act the order is the portal's own affair
            one = next(
                (o for o in left if (o.kind, o.sender) == (row.type, row.owner.role) and self.fits(o, row)),
                None,
            )
            assert one is not None, f"{row.owner.role} says {row.type}, and the model does not"
            left.remove(one)
            self.rows[one] = row.pk
        assert not left, f"the model says {[(one.sender, one.kind) for one in left]}, and the portal does not"

    def fits(self, one: Said, row: Message) -> bool:
        """Whether it answers the same message, in the same way; or is about the same thing."""
        if one.asked is not None:
            asked = row.answers
            here = asked is not None and asked.message_id == self.row(one.asked).message_id
            return here and (one.kind == "TestMessageResponse" or (asked.answer == "accepted") == one.yes)
        if one.thing is not None and row.refers_to is not None:
            return row.refers_to.message_id == self.keys[one.thing]
        return True

    def one_order_per_offer(self) -> None:
        accepted = FlexOrder.objects.filter(state="accepted").values_list("flex_offer", flat=True)
        ordered = FlexOffer.objects.filter(state="ordered").values_list("pk", flat=True)
        assert len(set(accepted)) == len(accepted)
        assert set(accepted) == set(ordered)

    # --- the end ---

    def teardown(self) -> None:
        try:
            self.come_to_rest()
            self.both_agree()
            self.every_event_is_a_move_of_the_tables()
        finally:
            transaction.savepoint_rollback(self.start)
            transaction.savepoint_commit(self.start)  # else five thousand of them lie within each other
            transaction.get_connection().run_on_commit.clear()
            self.cast.point.answers_automatically = True

    def come_to_rest(self) -> None:
        """Everything arrives, waiting references run out, every deadline passes."""
        while self.model.in_flight() or any(one.due_at for one in self.model.inbox):
            for one in self.model.in_flight():
                cast.carry(self.row(one), self.now)
                self.model.carry(one)
            self.model.now += timedelta(seconds=2)
            inbox.process_due(lambda: self.now)
            self.model.process()
            self.both_stand_the_same()
            if not self.model.in_flight():
                self.model.now += timedelta(minutes=70)
                trading.expire_due(self.now)
                self.model.sweep()
                self.both_stand_the_same()
        self.model.now += timedelta(minutes=70)
        trading.expire_due(self.now)
        self.model.sweep()
        self.both_stand_the_same()
        if self.model.in_flight():
            self.come_to_rest()

    def both_agree(self) -> None:
        still_open = FlexOffer.objects.filter(state__in=["sent", "accepted", "ordering"]).count()
        assert still_open == 0
        assert not FlexRequest.objects.filter(state__in=["sent", "accepted"]).exists()
        assert not FlexOrder.objects.filter(state="sent").exists()
        assert not Message.objects.filter(state="parked").exists()
        for offer in self.model.offers:
            ends = offer.at[AGR], offer.at[DSO]
            assert ends in AGREED or self.revocation_was_refused(offer), ends

    def revocation_was_refused(self, offer: Thing) -> bool:
        """Its offer came more than half a minute after it: the AGR was told so."""
        refused = [one for one in self.model.said if one.thing is offer and one.answered is False]
        return any(one.kind == "FlexOfferRevocation" for one in refused)

    def every_event_is_a_move_of_the_tables(self) -> None:
        for noun, table in TABLES.items():
            legal = {(str(state), str(event), str(to)) for (state, event), to in table.items()}
            before: dict[int, tuple[int, str]] = {}
            rows = Event.objects.filter(**{f"{noun}__isnull": False}).order_by(noun, "version")
            for key, version, event, seen, to in rows.values_list(
                noun, "version", "event", "from_state", "to_state"
            ):
                last = before.get(key)
                assert last is None or (version, seen) == (last[0] + 1, last[1])
                assert seen == to or not seen or (seen, event, to) in legal, (noun, seen, event, to)
                before[key] = version, to


AGREED = {
    ("ordered", "ordered"),
    ("revoked", "revoked"),
    ("revoked", "rejected"),
    ("revoked", ""),  # it came too late, or never
    ("rejected", "rejected"),
    ("rejected", ""),
    ("expired", "expired"),
    ("expired", ""),
}
assert set(ANSWERS)  # every kind that is answered
