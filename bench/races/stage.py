"""Many offers at once, each ready to be decided: at the AGR with an order that waits to be processed, at
the DSO with or without a revocation that waits. One is traded for real, the others are copies of it."""

import random
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Model

from offers import uftp
from offers.models import FlexOffer, FlexOrder, Message, OfferOption
from offers.services import keys, trading
from tests import cast
from tests.cast import NOON, Cast

Row = TypeVar("Row", bound=Model)
LATE_SHARE = 0.2
GAP = timedelta(seconds=2)  # between the expiry of one offer and the next
FIRST_EXPIRY = NOON + timedelta(hours=1)


@dataclass(frozen=True)
class Contest:
    """One offer over which several processes are going to fall out, and who has done what before."""

    number: int
    at: str  # whose row is fought over: AGR or DSO
    mine: int  # the offer of the AGR
    theirs: int  # the same offer of the DSO
    people: int  # how many of them want something: 0 to 2
    waiting: int | None  # the message at the door: an order (AGR) or a revocation (DSO)
    late: bool  # whether that message came in after the expiry
    expires_at: datetime


def twin(row: Row, **changes: Any) -> Row:
    """A copy of a row under a key of its own, not saved yet."""
    fields = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if not f.primary_key}
    return type(row)(**{**fields, **changes})


class Template:
    """One offer that was accepted and then ordered, and another one that was accepted and then revoked."""

    def __init__(self, everybody: Cast) -> None:
        self.everybody = everybody
        self.mine, self.theirs = cast.accepted_offer(everybody)
        self.options = list(self.theirs.options.all())
        self.accepted = self._rows(self.mine, self.theirs)
        self.order = cast.order(everybody, self.theirs, reference="A")
        self.ordering = self._rows(self.mine, self.theirs)
        other = cast.send_offer(everybody, self.mine.flex_request)
        cast.deliver_all(NOON)
        trading.revoke(everybody.agr, other.pk, everybody.trader, NOON)
        self.revoked = FlexOffer.objects.get(pk=other.pk)
        for row in Message.objects.queued():
            Message.objects.filter(pk=row.pk).update(state="delivered")
        self.secrets = {one.pk: keys.signing_key(one, NOON)[1] for one in (everybody.agr, everybody.dso)}

    @staticmethod
    def _rows(*rows: FlexOffer) -> list[FlexOffer]:
        return [FlexOffer.objects.select_related("message").get(pk=row.pk) for row in rows]

    def sealed(self, row: Message, identity: str, offer: str) -> bytes:
        """The order or revocation of the template, said again about another offer."""
        said = uftp.decode(uftp.seal.payload_of(uftp.decode_envelope(bytes(row.sealed or b"")).body))
        again: Any = replace(said, message_id=identity, flex_offer_message_id=offer)
        body = uftp.seal.seal(uftp.encode(again), self.secrets[row.owner_id])
        return uftp.encode_envelope(
            uftp.SignedMessage(sender_domain=row.owner.domain, sender_role=row.owner.role, body=body)
        )


def set_up(everybody: Cast, seed: int, contests: int, crowded: bool = False) -> list[Contest]:
    """So many offers, the AGR's and the DSO's turn by turn; what is random comes from the seed.

    `crowded`: two people want something of each."""
    template, dice = Template(everybody), random.Random(seed)
    made: list[Contest] = []
    while len(made) < contests:
        made += _batch(template, dice, range(len(made), min(contests, len(made) + 500)))
    made = [replace(one, people=2) for one in made] if crowded else made
    for row in (template.mine, template.theirs, template.revoked):
        FlexOffer.objects.filter(pk=row.pk).update(state="rejected")
    Message.objects.queued().update(state="delivered")
    return made


def _batch(template: Template, dice: random.Random, numbers: range) -> list[Contest]:
    drafts = [_Draft(template, dice, number) for number in numbers]
    Message.objects.bulk_create([row for d in drafts for row in (d.sent, d.received)])
    Message.objects.bulk_create([row for d in drafts for row in d.follow_up()])
    FlexOffer.objects.bulk_create([row for d in drafts for row in d.offers()])
    OfferOption.objects.bulk_create([row for d in drafts for row in d.options()])
    FlexOrder.objects.bulk_create([row for d in drafts for row in d.orders()])
    return [d.contest() for d in drafts]


class _Draft:
    """The rows of one contest, before they have keys."""

    def __init__(self, template: Template, dice: random.Random, number: int) -> None:
        self.template, self.number = template, number
        self.at = "AGR" if number % 2 else "DSO"
        self.announced = self.at == "AGR" or dice.random() < 0.5
        self.late = dice.random() < LATE_SHARE
        self.people = dice.choices((0, 1, 2), (2, 3, 5))[0]
        self.expires_at = FIRST_EXPIRY + number * GAP
        names = {"message_id": str(uuid.UUID(int=dice.getrandbits(128), version=4))}
        names["conversation_id"] = str(uuid.UUID(int=dice.getrandbits(128), version=4))
        self.identity = str(uuid.UUID(int=dice.getrandbits(128), version=4))
        mine, theirs = template.ordering if self.at == "AGR" else template.accepted
        self.sources = mine, theirs
        self.sent = twin(cast.message_of(mine), **names)
        self.received = twin(cast.message_of(theirs), **names)
        self.out: Message | None = None
        self.waiting: Message | None = None

    def follow_up(self) -> list[Message]:
        """What the other side sent about the offer, at its desk and at the door of the side that has it."""
        if not self.announced:
            return []
        source = self.template.order.message if self.at == "AGR" else self.template.revoked.revocation
        assert source is not None
        moment = self.expires_at + timedelta(seconds=-1 if not self.late else 0)
        common = {
            "message_id": self.identity,
            "conversation_id": self.sent.conversation_id,
            "sealed": self.template.sealed(source, self.identity, self.sent.message_id),
            "sha256": uuid.UUID(self.identity).hex * 2,
            "next_attempt_at": moment,
        }
        refers_to = self.received if self.at == "AGR" else self.sent
        self.out = twin(source, **common, refers_to_id=refers_to.pk, state="delivered")
        self.waiting = twin(
            source,
            **common,
            owner_id=source.counterparty_id,
            counterparty_id=source.owner_id,
            direction="in",
            state="received",
            received_at=moment,
            created_at=moment,
            refers_to_id=None,
            wants_answer=False,
        )
        return [self.out, self.waiting]

    def offers(self) -> list[FlexOffer]:
        mine, theirs = self.sources
        self.mine = twin(mine, message_id=self.sent.pk, expires_at=self.expires_at)
        self.theirs = twin(theirs, message_id=self.received.pk, expires_at=self.expires_at)
        if self.at == "DSO" and self.out is not None:
            self.mine.state, self.mine.revocation_id = "revoked", self.out.pk
        return [self.mine, self.theirs]

    def options(self) -> list[OfferOption]:
        mine = [twin(one, flex_offer_id=self.mine.pk) for one in self.template.options]
        self.offered = [twin(one, flex_offer_id=self.theirs.pk) for one in self.template.options]
        return [*mine, *self.offered]

    def orders(self) -> list[FlexOrder]:
        if self.at != "AGR" or self.out is None:
            return []
        option = next(one for one in self.offered if one.option_reference == "A")
        return [
            twin(
                self.template.order,
                flex_offer_id=self.theirs.pk,
                option_id=option.pk,
                message_id=self.out.pk,
                order_reference=f"race-{self.number}",
                state="sent",
            )
        ]

    def contest(self) -> Contest:
        return Contest(
            number=self.number,
            at=self.at,
            people=self.people,
            mine=self.mine.pk,
            theirs=self.theirs.pk,
            waiting=self.waiting.pk if self.waiting is not None else None,
            late=self.late,
            expires_at=self.expires_at,
        )
