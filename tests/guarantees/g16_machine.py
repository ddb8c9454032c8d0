"""The machine of G16: what people, the post, the workers, the clock and a crash can do, in any order.

Each rule does the same to the portal and to the model of g16_model; then both must stand the same.
"""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from offers.models import Message
from offers.services import inbox, trading
from tests import cast
from tests.guarantees.g16_model import AGR, DSO
from tests.guarantees.g16_stage import Stage

PICK = st.integers(min_value=0, max_value=30)
MINUTES = st.sampled_from([0.05, 0.5, 1, 6, 20, 60])
MANY = 4


class Market(Stage):
    # --- what people do ---

    @precondition(lambda self: len(self.model.offers) + len(self.model.plans) < MANY)
    @rule(minutes=st.sampled_from([5, 60]), on=PICK, dies_at=PICK)
    def offers(self, minutes: int, on: int, dies_at: int) -> None:
        thing, pk = self.drafted(minutes, on)
        self.act(
            lambda: trading.send_offer(self.cast.agr, pk, self.cast.trader, self.now),
            lambda: self.model.offer(self.named(thing, pk)),
            dies_at,
        )

    @precondition(lambda self: len(self.model.offers) + len(self.model.plans) < MANY)
    @rule(minutes=st.sampled_from([5, 60]), on=PICK, later=MINUTES)
    def plans(self, minutes: int, on: int, later: float) -> None:
        thing, pk = self.drafted(minutes, on)
        thing.send_at = self.now + timedelta(minutes=later)
        self.drafts[thing] = pk
        self.act(
            lambda: trading.schedule_offer(self.cast.agr, pk, thing.send_at, self.cast.trader, self.now),
            lambda: self.model.plan(thing),
        )

    @precondition(lambda self: self.model.plans)
    @rule(pick=PICK, change=st.sampled_from(["throw away", "not later", "valid for longer"]))
    def changes_a_plan(self, pick: int, change: str) -> None:
        thing, agr, by = self.one_of(self.model.plans, pick), self.cast.agr, self.cast.trader
        pk = self.drafts[thing]
        if change == "valid for longer":
            thing.expires_at += timedelta(minutes=5)
            trading.save_offer_draft(agr, pk, cast.offer_draft(thing.expires_at), by, self.now)
            return
        self.model.plans.remove(thing)
        if change == "throw away":
            trading.delete_offer_draft(agr, pk)
        else:
            trading.schedule_offer(agr, pk, None, by, self.now)

    @precondition(lambda self: len(self.model.requests) < MANY)
    @rule(minutes=st.sampled_from([5, 60]))
    def asks(self, minutes: int) -> None:
        expires = self.model.now + timedelta(minutes=minutes)
        sent = cast.send_request(self.cast, self.now, timedelta(minutes=minutes))
        self.keys[self.model.request(expires, sent.revision)] = cast.message_of(sent).message_id

    @precondition(lambda self: len(self.model.prognoses) < MANY)
    @rule(revision=st.integers(1, 3))
    def foresees(self, revision: int) -> None:
        self.keys[self.model.prognose(revision)] = self.send_prognosis(revision).message_id

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
    @rule(pick=PICK, dies_at=PICK, factor=st.sampled_from(["1.00", "0.40", "0.87"]))
    def orders(self, pick: int, dies_at: int, factor: str = "1.00") -> None:
        offer = self.one_of(self.known(), pick)
        row = self.offer_row(offer, DSO)
        self.act(
            lambda: cast.order(self.cast, row, self.now, factor=factor),
            lambda: self.model.order(offer),
            dies_at,
        )

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

    @precondition(lambda self: self.model.said)
    @rule(pick=PICK)
    def sends_again(self, pick: int) -> None:
        one = self.one_of(self.model.said, pick)
        row = self.row(one)
        self.act(
            lambda: trading.send_again(row.owner, row.pk, self.cast.admin, self.now),
            lambda: self.model.send_again(one),
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

    @precondition(lambda self: self.arrived())
    @rule(pick=PICK)
    def arrives_again(self, pick: int) -> None:
        self.hand_over(self.one_of(self.arrived(), pick))

    @precondition(lambda self: self.arrived())
    @rule(pick=PICK)
    def its_name_is_used_again(self, pick: int) -> None:
        one = self.one_of(self.arrived(), pick)
        inbox.receive(self.forged(self.row(one)), "127.0.0.1", self.now)
        self.model.forge(one)

    @precondition(lambda self: self.hopeless())
    @rule(pick=PICK)
    def is_given_up(self, pick: int) -> None:
        one = self.one_of(self.hopeless(), pick)
        Message.objects.filter(pk=self.row(one).pk).update(state="failed", state_at=self.now)
        trading.fail_undelivered(self.now)
        self.model.give_up(one)

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

    @rule(dies_at=PICK)
    def what_was_planned_is_sent(self, dies_at: int) -> None:
        if self.dies(lambda: trading.send_planned(self.now), dies_at):
            trading.send_planned(self.now)
        for thing in self.model.send_planned():
            self.named(thing, self.drafts[thing])
