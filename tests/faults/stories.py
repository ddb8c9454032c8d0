"""What two nodes live through between two crashes: each story comes by other places of the code.

A story is told by both sides' traders, who look into their database and do what is next.
"""

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from bench.faults import trader, weakness
from offers import models, transport
from offers.models import Message
from offers.services import inbox, keys, outbox, trading

A_WHILE = timedelta(minutes=6)
MINUTE = timedelta(minutes=1)


class Story:
    """A request, an offer, an order, each answered."""

    automatic = True
    conversations = 2
    end: tuple[str, str, str] = ("accepted", "ordered", "accepted")
    failing: frozenset[str] = frozenset()
    valid_for = timedelta(hours=4)
    speed = 100.0
    kinds: dict[str, type[trader.Trader]] = trader.SIDES

    def __init__(self, role: str, clock: Any) -> None:
        self.role, self.clock = role, clock
        first_day: date = clock.began.date() + timedelta(days=2)
        self.trader = self.kinds[role](first_day, self.conversations, self.conversations, self.valid_for)

    @classmethod
    def prepare(cls, role: str) -> None:
        """What this story needs in the database before it begins."""

    def step(self) -> None:
        self.trader.step(self.clock())

    def is_done(self) -> bool:
        return self.trader.open_messages() == 0 and self.is_over()

    def is_over(self) -> bool:
        return self.trader.closed() == self.conversations

    def offers(self, *states: str) -> Any:
        return models.FlexOffer.objects.filter(owner=self.trader.me, state__in=states)


class OnlyAsks(trader.DSO):
    orders = False


class Revoked(Story):
    """The offers are revoked once they are accepted."""

    end = ("accepted", "revoked", "")
    kinds = {"AGR": trader.AGR, "DSO": OnlyAsks}

    def step(self) -> None:
        super().step()
        for offer in self.offers("accepted") if self.role == "AGR" else []:
            trading.revoke(self.trader.me, offer.pk, self.trader.user, self.clock())

    def is_over(self) -> bool:
        unanswered = Message.objects.unanswered().exists()
        return self.offers("revoked").count() == self.conversations and not unanswered


class Expired(Story):
    """Nobody orders, and the time runs out."""

    end = ("expired", "expired", "")
    kinds = {"AGR": trader.AGR, "DSO": OnlyAsks}
    ready = "accepted"

    def step(self) -> None:
        super().step()
        if self.role == "DSO" and self.offers(self.ready).count() == self.conversations and self._all_quiet():
            self.clock.jump(self.valid_for)

    def _all_quiet(self) -> bool:
        return self.trader.open_messages() == 0

    def is_over(self) -> bool:
        requests = models.FlexRequest.objects.filter(owner=self.trader.me, state="expired")
        return self.conversations == self.offers(self.end[1]).count() == requests.count()


class Unreviewed(Expired):
    """Staff do not look at the offers before they expire."""

    automatic = False
    end = ("expired", "rejected", "")
    ready = "sent"


class Planning(trader.AGR):
    """Lets its offers be sent later."""

    def _send(self, row: models.FlexOffer, now: Any) -> None:
        if row.send_at is None:
            trading.schedule_offer(self.me, row.pk, now + MINUTE, self.user, now)


class Planned(Story):
    conversations = 3  # what one death has sent, the next life need not send again
    kinds = {"AGR": Planning, "DSO": trader.DSO}


class Copied(Story):
    """Staff send what had arrived again, long after it was answered; the answers come again, too."""

    conversations = 3  # as for what is planned

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.copied: set[int] = set()  # not by the attempts: a slow machine makes more than one by itself

    def step(self) -> None:
        super().step()
        offers = Message.objects.filter(owner=self.trader.me, type="FlexOffer", direction="out")
        if self.role == "AGR" and super().is_over():
            for row in offers.filter(state="delivered").exclude(pk__in=self.copied):
                self.clock.jump(A_WHILE)
                trading.send_again(self.trader.me, row.pk, self.trader.user, self.clock())
                self.copied.add(row.pk)

    def is_over(self) -> bool:
        return super().is_over() and (self.role == "DSO" or len(self.copied) == self.conversations)


class Rejected(Story):
    """The AGR does not trade at the points, and gets each request twice."""

    end = ("rejected", "", "")
    conversations = 3  # as for what is planned
    kinds = {"AGR": trader.AGR, "DSO": OnlyAsks}
    failing = frozenset({"FlexRequest"})

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.copied: set[int] = set()

    @classmethod
    def prepare(cls, role: str) -> None:
        if role == "AGR":
            for point in models.CongestionPoint.objects.all():
                point.agrs.clear()

    def step(self) -> None:
        super().step()
        sent = Message.objects.filter(owner=self.trader.me, direction="out", answer="rejected")
        for row in sent.exclude(pk__in=self.copied) if self.role == "DSO" else []:
            endpoint = outbox.endpoint_of(row.counterparty)
            transport.post(endpoint, bytes(row.sealed or b""), unknown_before=False, allow_local=True)
            self.copied.add(row.pk)

    def is_over(self) -> bool:
        if self.role == "AGR":
            return Message.objects.filter(direction="in", state="rejected").count() == self.conversations
        states = models.FlexRequest.objects.filter(state="rejected")
        return states.count() == len(self.copied) == self.conversations


class Keyless(Story):
    """The AGR has no valid key when the requests come, and gets one after a few failures."""

    speed = 2.0  # five failures would park a message, and a slow machine must get to its key before

    @classmethod
    def prepare(cls, role: str) -> None:
        if role == "AGR":
            mine = models.Key.objects.get(participant__hosted=True)
            keys.retire(mine, mine.valid_from)

    def step(self) -> None:
        super().step()
        failures = sum(Message.objects.filter(direction="in").values_list("attempts", flat=True))
        if self.role == "AGR" and failures >= self.conversations:
            models.Key.objects.filter(participant=self.trader.me).update(valid_to=None)


class Rekeyed(Story):
    """Beside the trade, a third participant changes its key, and again, and again."""

    wanted = 4

    @classmethod
    def prepare(cls, role: str) -> None:
        spare = models.Participant.objects.create(
            domain="spare.example", role=role, name="Spare", hosted=True
        )
        keys.add_signing_key(spare, timezone.now() - timedelta(days=1))

    def step(self) -> None:
        super().step()
        if self.spare.keys.count() < self.wanted:
            keys.change_over(self.spare, self.clock(), timedelta(days=1))

    @property
    def spare(self) -> models.Participant:
        return models.Participant.objects.get(domain="spare.example")

    def is_over(self) -> bool:
        """Each change was whole: so many keys, and of them one without an end."""
        made = self.spare.keys
        return super().is_over() and (made.count(), made.filter(valid_to=None).count()) == (self.wanted, 1)


class OneByOne(trader.AGR):
    """Sends one offer at a time, which is valid for a short time."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.window, self.valid_for = 1, timedelta(hours=1)


class Unreachable(Story):
    """The DSO cannot be reached when the offers go out, one after the other, until they have expired."""

    end = ("expired", "expired", "")
    conversations = 3  # as for what is planned
    failing = frozenset({"FlexOffer"})
    kinds = {"AGR": OneByOne, "DSO": OnlyAsks}
    valid_for = timedelta(hours=20)

    def step(self) -> None:
        if self.role == "DSO":
            super().step()
        elif self.trader.open_messages() == 0 and self._requests().count() == self.conversations:
            others = models.Participant.objects.filter(pk=self.trader.other.pk)
            others.update(endpoint="http://127.0.0.1:9/shapeshifter/api/v3/message")
            super().step()
            last = self.offers("failed", "expired").count() == self.conversations
            self.clock.jump(self.valid_for if last else self.trader.valid_for)

    def _requests(self) -> Any:
        return models.FlexRequest.objects.filter(owner=self.trader.me, state="accepted")

    def is_over(self) -> bool:
        requests = models.FlexRequest.objects.filter(owner=self.trader.me, state="expired").count()
        return requests == self.conversations


STORIES: dict[str, type[Story]] = {
    kind.__name__.lower(): kind
    for kind in (
        Story,
        Revoked,
        Expired,
        Unreviewed,
        Planned,
        Copied,
        Rejected,
        Keyless,
        Rekeyed,
        Unreachable,
    )
}


# --- controls: what the runs must show when a protection is taken away -------------------------------------


def acknowledge_before_storing() -> None:
    """Say 200 at once, and keep the message in memory for a moment."""
    import threading

    receive = inbox.receive

    def later(*args: Any) -> None:
        time.sleep(0.2)
        receive(*args)

    inbox.receive = lambda *args: threading.Thread(target=later, args=args).start()  # type: ignore[assignment]


def forget_dead_leases() -> None:
    """What a dead worker had claimed stays claimed."""
    from offers.services import queues

    assert queues.FREE in queues.LEASE
    queues.LEASE = queues.LEASE.replace(queues.FREE, "message.lease_until IS NULL")


BROKEN: dict[str, Callable[[], None]] = {
    "200 before storing": acknowledge_before_storing,
    "no transaction": weakness.naive,
    "no lease": forget_dead_leases,
}
