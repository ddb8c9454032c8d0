"""People who never sleep: a DSO that asks and orders, an AGR that offers, each by what its database says.

Whatever they did when the process or the database died under them, they look again and go on: a person
would do the same. A conversation is a request, its answer, an offer, its answer, an order, its answer.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef

from offers import models
from offers.services import trading

from . import introductions

ISPS = (40, 41)
POWER = -100_000


def request_draft(expires_at: datetime) -> dict[str, Any]:
    isp = {"duration": 1, "disposition": "Requested", "min_power": -500_000, "max_power": 0}
    isps = [{"start": n, **isp} for n in ISPS]
    return {"expires_at": expires_at.isoformat(), "contract_id": "", "service_type": "", "isps": isps}


def offer_draft(expires_at: datetime) -> dict[str, Any]:
    isps = [{"start": n, "duration": 1, "power": POWER} for n in ISPS]
    option = {"option_reference": "A", "price": "12.50", "min_activation_factor": "0.50", "isps": isps}
    return {"expires_at": expires_at.isoformat(), "contract_id": "", "options": [option]}


class Trader:
    """One side's people. `step` does what can be done now and says how much that was."""

    role = ""

    def __init__(self, first_day: date, conversations: int, window: int, valid_for: timedelta) -> None:
        self.first_day, self.conversations, self.window = first_day, conversations, window
        self.valid_for = valid_for
        self.me = models.Participant.objects.get(domain=introductions.DOMAINS[self.role])
        self.other = models.Participant.objects.get(
            domain=introductions.DOMAINS[introductions.OTHER[self.role]]
        )
        self.user = User.objects.get()
        self.points = {point.entity_address: point for point in models.CongestionPoint.objects.all()}

    def step(self, now: datetime) -> int:
        raise NotImplementedError

    def closed(self) -> int:
        """How many conversations have come to their end on this side."""
        return models.FlexOrder.objects.filter(owner=self.me, state="accepted").count()

    def open_messages(self) -> int:
        return models.Message.objects.queued().count() + models.Message.objects.unprocessed().count()


class DSO(Trader):
    role = "DSO"
    orders = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.asked = 0

    def step(self, now: datetime) -> int:
        return self._ask(now) + (self._order(now) if self.orders else 0)

    def _ask(self, now: datetime) -> int:
        """Keep `window` conversations open."""
        last = min(self.conversations, self.closed() + self.window)
        count = 0
        while self.asked < last:
            self._ask_once(*introductions.place_of(self.asked, self.first_day), now)
            self.asked += 1
            count += 1
        return count

    def _ask_once(self, point: str, day: date, now: datetime) -> None:
        row = models.FlexRequest.objects.filter(congestion_point=self.points[point], period=day).first()
        if row is None:
            draft = request_draft(now + self.valid_for)
            row = trading.draft_requests(self.me, self.points[point], day, draft, self.user, now)[0]
        if row.state == "draft":
            trading.send_requests(self.me, row.group, self.user, now)

    def _order(self, now: datetime) -> int:
        placed = models.FlexOrder.objects.filter(flex_offer=OuterRef("pk"))
        offers = models.FlexOffer.objects.filter(~Exists(placed), owner=self.me, state="accepted")
        found = list(offers.order_by("pk").values_list("pk", flat=True)[: self.window])
        for pk in found:
            trading.order(self.me, pk, "A", Decimal("0.80"), self.user, now)
        return len(found)


class AGR(Trader):
    role = "AGR"

    def step(self, now: datetime) -> int:
        sent = models.FlexOffer.objects.filter(flex_request=OuterRef("pk")).exclude(state="draft")
        requests = models.FlexRequest.objects.filter(~Exists(sent), owner=self.me, state="accepted")
        found = list(requests.select_related("congestion_point", "message").order_by("pk")[: self.window])
        for request in found:
            self._offer(request, now)
        return len(found)

    def _offer(self, request: models.FlexRequest, now: datetime) -> None:
        row = models.FlexOffer.objects.filter(owner=self.me, flex_request=request).first()
        if row is None:
            draft = offer_draft(now + self.valid_for)
            row = trading.draft_offer(
                self.me,
                request.congestion_point,
                self.other,
                request.period,
                draft,
                self.user,
                now,
                request=request,
            )
        if row.state == "draft":
            self._send(row, now)

    def _send(self, row: models.FlexOffer, now: datetime) -> None:
        trading.send_offer(self.me, row.pk, self.user, now)


SIDES: dict[str, type[Trader]] = {"AGR": AGR, "DSO": DSO}
