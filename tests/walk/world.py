"""A market in which everything exists once on both sides, and everybody who may come by."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from offers.models import Contract, FlexOffer, FlexOrder, FlexRequest, Membership, Message, Participant, Right
from offers.services import tokens, trading
from tests import cast
from tests.cast import NOON, TOMORROW, Cast

from .routes import Route

ABSENT = 987654321
SIDES = ("agr", "dso")


@dataclass
class World:
    """`own[side][what]` is a row's key on that side; `clients[who]` is signed in as somebody."""

    cast: Cast
    rival_dso: Participant
    own: dict[str, dict[str, Any]] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    token: dict[tuple[str, str], int] = field(default_factory=dict)

    def participant(self, side: str) -> Participant:
        return self.cast.agr if side == "agr" else self.cast.dso

    def rival(self, side: str) -> Participant:
        return self.cast.rival if side == "agr" else self.rival_dso

    def counterparty(self, who: str) -> Participant:
        return self.cast.dso if who.startswith("agr") else self.cast.agr

    def call(self, who: str, method: str, address: str, data: Any = None, json: bool = False) -> HttpResponse:
        """One request, after which everything is as it was before."""
        kind = "application/json" if json else "application/x-www-form-urlencoded"
        client = self.clients[who]
        cookies = copy.deepcopy(client.cookies)
        with transaction.atomic():
            try:
                answer: Any = client.generic(method, address, data or "", content_type=kind)
                if answer.streaming:
                    b"".join(answer.streaming_content)
            finally:
                transaction.set_rollback(True)
                client.cookies = cookies
        found: HttpResponse = answer
        return found

    def key(self, route: Route, side: str, who: str, absent: bool = False) -> dict[str, Any]:
        """What fills the varying part of a route: a row of the side, or one that there is not."""
        if absent:
            return {"pk": ABSENT, "group": uuid4()}
        own = self.own[side]
        if "token" in route.name:
            return {"pk": self.token.get((side, who), self.token[side, "trader"])}
        return {
            "pk": own.get(OBJECTS.get(route.name, ""), ABSENT),
            "group": self.own["dso"]["sent" if route.name == "dso-request" else "group"],
        }


# Which row a route is tried with.
OBJECTS = {
    "agr-request": "request",
    "agr-offer-new": "request",
    "agr-offer": "offer",
    "agr-offer-copy": "offer",
    "agr-offer-edit": "draft",
    "agr-offer-check": "draft",
    "agr-offer-save": "draft",
    "agr-offer-send": "draft",
    "agr-offer-schedule": "draft",
    "agr-offer-preview": "draft",
    "agr-offer-delete": "draft",
    "agr-offer-revoke": "offer",
    "agr-order": "order",
    "dso-point-answers": "point",
    "dso-offer": "offer",
    "dso-offer-accept": "waiting",
    "dso-offer-reject": "waiting",
    "dso-offer-order": "offer",
    "dso-order": "order",
    "console-message": "message",
    "console-raw": "message",
    "console-download": "message",
    "console-again": "failed",
    "console-process": "parked",
    "api-point-detail": "point",
    "api-contract-detail": "contract",
    "api-request-detail": "request",
    "api-offer-detail": "offer",
    "api-offer-check": "draft",
    "api-offer-preview": "draft",
    "api-offer-send": "draft",
    "api-offer-schedule": "draft",
    "api-offer-revoke": "offer",
    "api-offer-accept": "waiting",
    "api-offer-reject": "waiting",
    "api-offer-order": "offer",
    "api-order-detail": "order",
    "api-message-detail": "message",
    "api-message-raw": "message",
    "api-message-xml": "message",
    "api-message-again": "failed",
}


@contextmanager
def built() -> Iterator[World]:
    """The world, in a transaction that never happened."""
    with transaction.atomic():
        yield _build()
        transaction.set_rollback(True)


def _build() -> World:
    everybody = cast.assemble()
    rival_dso = cast.participant("dso.rival.example", "DSO", "Rival DSO")
    Membership.objects.create(user=everybody.stranger, participant=rival_dso, right=Right.MANAGE)
    world = World(everybody, rival_dso)
    mine, theirs = cast.accepted_offer(everybody)
    cast.order(everybody, _one_more(everybody)[1])
    cast.deliver_all(NOON)
    world.own = {
        "agr": _of_agr(everybody, mine),
        "dso": _of_dso(everybody, theirs),
    }
    for side in SIDES:
        world.own[side] |= _of_both(everybody, world.participant(side))
    _sign_in(world)
    return world


def _one_more(everybody: Cast) -> tuple[FlexOffer, FlexOffer]:
    request = FlexRequest.objects.get(owner=everybody.agr)
    mine = cast.send_offer(everybody, request)
    cast.deliver_all(NOON)
    theirs = FlexOffer.objects.get(owner=everybody.dso, message__message_id=cast.message_of(mine).message_id)
    return mine, theirs


def _of_agr(everybody: Cast, offer: FlexOffer) -> dict[str, Any]:
    request = FlexRequest.objects.get(owner=everybody.agr)
    draft = trading.draft_offer(
        everybody.agr,
        everybody.point,
        everybody.dso,
        TOMORROW,
        cast.offer_draft(NOON + timedelta(hours=1)),
        everybody.trader,
        NOON,
        request=request,
    )
    return {"request": request.pk, "draft": draft.pk, "offer": offer.pk}


def _of_dso(everybody: Cast, offer: FlexOffer) -> dict[str, Any]:
    everybody.point.answers_automatically = False
    everybody.point.save()
    waiting = _one_more(everybody)[1]
    draft = cast.request_draft(NOON + timedelta(hours=2))
    group = trading.draft_requests(everybody.dso, everybody.point, TOMORROW, draft, everybody.operator, NOON)[
        0
    ].group
    sent = FlexRequest.objects.filter(owner=everybody.dso).exclude(state="draft").get()
    return {"request": sent.pk, "sent": sent.group, "group": group, "offer": offer.pk, "waiting": waiting.pk}


def _of_both(everybody: Cast, participant: Participant) -> dict[str, Any]:
    other = everybody.dso if participant == everybody.agr else everybody.agr
    failed = trading.send_test(participant, other, NOON)
    Message.objects.filter(pk=failed.pk).update(state="failed")
    parked = _parked(participant, other)
    contract, _ = Contract.objects.get_or_create(
        contract_id="FLEX-7",
        dso=everybody.dso,
        agr=everybody.agr,
        congestion_point=everybody.point,
        valid_from=date(2026, 1, 1),
        activation_price=Decimal(20),
    )
    return {
        "order": FlexOrder.objects.get(owner=participant).pk,
        "message": Message.objects.filter(owner=participant, direction="in").earliest("pk").pk,
        "failed": failed.pk,
        "parked": parked.pk,
        "point": everybody.point.pk,
        "contract": contract.pk,
    }


def _parked(participant: Participant, other: Participant) -> Message:
    """An answer that could not be processed: an answer is never answered, so it may be tried again."""
    test = trading.send_test(participant, other, NOON)
    return Message.objects.create(
        owner=participant,
        direction="in",
        counterparty=other,
        type="TestMessageResponse",
        version=test.version,
        message_id=str(uuid4()),
        conversation_id=test.conversation_id,
        sealed=b"<",
        sha256="0" * 64,
        created_at=NOON,
        received_at=NOON,
        state="parked",
        state_at=NOON,
        next_attempt_at=NOON,
    )


def _sign_in(world: World) -> None:
    """Who comes by: `trader` and `viewer` of each side, a member of rivals, the admin, and nobody."""
    people: dict[str, User | None] = {
        "nobody": None,
        "stranger": world.cast.stranger,
        "admin": world.cast.admin,
        "agr trader": world.cast.trader,
        "agr viewer": world.cast.reader,
        "dso trader": world.cast.operator,
        "dso viewer": world.cast.watcher,
        "agr manager": world.cast.manager,
        "dso manager": cast.user("keeper", (world.cast.dso, Right.MANAGE)),
    }
    for who, person in people.items():
        world.clients[who] = Client(raise_request_exception=False)
        if person is not None:
            world.clients[who].force_login(person)
    for side in SIDES:
        for right in ("trader", "viewer"):
            person = people[f"{side} {right}"]
            membership = Membership.objects.get(user=person, participant=world.participant(side))
            row, _ = tokens.create(membership, right, membership.user, NOON)
            world.token[side, right] = row.pk
            world.token[side, f"{side} {right}"] = row.pk
