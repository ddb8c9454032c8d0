"""What the machine of G16 stands on: how a thing is done to portal and model alike, and what must hold."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from django.db import transaction
from hypothesis.stateful import RuleBasedStateMachine, invariant

from offers import domain, uftp
from offers.models import Event, FlexOffer, FlexOrder, FlexRequest, Message, Prognosis
from offers.services import inbox, keys, mapping, outbox, trading
from offers.services.trading import moves
from tests import cast
from tests.attack.mutations import sealing
from tests.cast import NOON, Cast
from tests.guarantees.g16_model import AGR, ANSWERS, DSO, Model, Said, Thing

TABLES = {"flex_request": domain.REQUEST, "flex_offer": domain.OFFER, "flex_order": domain.ORDER}
NO = (domain.IllegalMove, trading.Refused, outbox.NotQueueable)
OPENING = ("FlexRequest", "FlexOffer", "D-Prognosis")  # the messages that bring a thing into the world


NEVER = 10**6  # steps until a process dies


class Death(BaseException):
    """The process ends here; no handler of the portal sees it."""


class Stage(RuleBasedStateMachine):
    def __init__(self, everybody: Cast) -> None:
        super().__init__()
        self.cast, self.model = everybody, Model(NOON)
        self.start = transaction.savepoint()
        self.rows: dict[Said, int] = {}
        self.keys: dict[Thing, str] = {}  # the MessageID of what is offered or asked
        self.drafts: dict[Thing, int] = {}  # of what is planned

    # --- how ---

    @property
    def now(self) -> datetime:
        return self.model.now

    @staticmethod
    def one_of(things: list[Any], pick: int) -> Any:
        return things[pick % len(things)]

    def known(self) -> list[Thing]:
        return [offer for offer in self.model.offers if offer.at[DSO]]

    def arrived(self) -> list[Said]:
        return [one for one in self.model.inbox if not one.forged]

    def hopeless(self) -> list[Said]:
        return [one for one in self.model.said if self.model.can_be_given_up(one)]

    def drafted(self, minutes: int, on: int) -> tuple[Thing, int]:
        """The draft of an offer: unsolicited, or on one of the requests that the AGR has taken in."""
        asked = [None, *(request for request in self.model.requests if request.at[AGR])]
        thing = Thing(self.now + timedelta(minutes=minutes), request=self.one_of(asked, on))
        request = thing.request and FlexRequest.objects.get(
            owner=self.cast.agr, message__message_id=self.keys[thing.request]
        )
        where = (self.cast.agr, self.cast.point, self.cast.dso, cast.TOMORROW)
        draft = cast.offer_draft(thing.expires_at)
        return thing, trading.draft_offer(*where, draft, self.cast.trader, self.now, request=request).pk

    def named(self, thing: Thing, pk: int) -> Thing:
        """By the message that went out, if it did."""
        message = FlexOffer.objects.get(pk=pk).message
        if message is not None:
            self.keys[thing] = message.message_id
        return thing

    def send_prognosis(self, revision: int) -> Message:
        """No page does; other systems of an AGR may."""
        message = uftp.DPrognosis(
            **mapping.head(self.cast.agr, self.cast.dso, self.now, outbox.new_id(), outbox.new_id()),
            **mapping.flex(self.cast.point, cast.TOMORROW),
            revision=revision,
            isps=(uftp.PrognosisISP(power=300_000, start=1, duration=96),),
        )
        return outbox.enqueue(self.cast.agr, self.cast.dso, message, self.now)

    def forged(self, row: Message) -> bytes:
        """Something else under the MessageID of this message, sealed by the same sender."""
        head = mapping.head(row.owner, row.counterparty, self.now, row.message_id, outbox.new_id())
        seal = sealing(keys.signing_key(row.owner, self.now)[1], row.owner.domain, row.owner.role)
        return seal(uftp.encode(uftp.TestMessage(**head)))

    def offer_row(self, offer: Thing, side: str) -> FlexOffer:
        owner = self.cast.agr if side == AGR else self.cast.dso
        return FlexOffer.objects.get(owner=owner, message__message_id=self.keys[offer])

    def row(self, one: Said) -> Message:
        return Message.objects.get(pk=self.rows[one])

    def hand_over(self, one: Said) -> None:
        inbox.receive(bytes(self.row(one).sealed or b""), "127.0.0.1", self.now)
        self.model.arrive(one)

    def act(self, real: Callable[[], Any], model: Callable[[], bool], dies_at: int = NEVER) -> None:
        """A person acts, perhaps in a process that dies on the way; then they try again."""
        refused = False

        def attempt() -> None:
            nonlocal refused
            try:
                real()
            except NO:
                refused = True

        if self.dies(attempt, dies_at):
            self.both_stand_the_same()
            attempt()
        assert model() is not refused

    def dies(self, work: Callable[[], Any], at: int) -> bool:
        """Do it in a process that dies at its n-th step, if it gets so far; its transaction is undone."""
        if at == NEVER:
            work()
            return False
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
        actual = Prognosis.objects.filter(state="accepted").values_list("message__message_id", flat=True)
        assert set(actual) == {self.keys[thing] for thing in self.model.prognoses if thing.at[DSO]}
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
        if one.thing is not None and one.kind in OPENING:
            return row.message_id == self.keys[one.thing]
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
        self.both_have_the_same_orders()
        for offer in self.model.offers:
            ends = offer.at[AGR], offer.at[DSO]
            assert ends in AGREED or self.revocation_was_refused(offer), ends

    def both_have_the_same_orders(self) -> None:
        """To the cent and the watt, at whatever factor."""
        said = ("order_reference", "option_reference", "activation_factor", "price", "currency", "isps")
        sides = [
            list(FlexOrder.objects.filter(owner=owner, state="accepted").order_by(said[0]).values(*said))
            for owner in (self.cast.agr, self.cast.dso)
        ]
        assert sides[0] == sides[1]

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
