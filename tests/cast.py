"""The cast of the tests: an aggregator, a DSO, a rival who must see nothing, and their people."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User

from offers import models, uftp
from offers.models import CongestionPoint, FlexOffer, FlexRequest, Membership, Message, Participant, Right
from offers.services import inbox, keys, trading
from tests import snapshots

NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)  # 12:00 in Amsterdam, a Monday
TOMORROW = date(2026, 3, 3)
POINT = "ea1.2026-01.example.demo:station-west"
PASSWORD = "correct horse battery staple"  # noqa: S105  # of users that live for one test


@dataclass
class Cast:
    """Everybody, by name."""

    agr: Participant
    dso: Participant
    rival: Participant
    point: CongestionPoint
    trader: User
    reader: User
    manager: User
    operator: User
    watcher: User
    stranger: User
    admin: User


def participant(domain: str, role: str, name: str, now: datetime = NOON) -> Participant:
    row = Participant.objects.create(domain=domain, role=role, name=name, hosted=True)
    keys.add_signing_key(row, now - timedelta(days=30))
    return row


def user(name: str, *acts_for: tuple[Participant, Right]) -> User:
    person = User.objects.create_user(name, password=PASSWORD)
    for whom, right in acts_for:
        Membership.objects.create(user=person, participant=whom, right=right)
    return person


def assemble(now: datetime = NOON) -> Cast:
    agr = participant("agr.demo.example", "AGR", "Demo AGR", now)
    dso = participant("dso.demo.example", "DSO", "Demo DSO", now)
    rival = participant("agr.rival.example", "AGR", "Rival AGR", now)
    point = CongestionPoint.objects.create(
        entity_address=POINT, name="Station West", dso=dso, capacity_w=2_000_000
    )
    point.agrs.add(agr)
    return Cast(
        agr=agr,
        dso=dso,
        rival=rival,
        point=point,
        trader=user("trader", (agr, Right.TRADE)),
        reader=user("reader", (agr, Right.VIEW)),
        manager=user("manager", (agr, Right.MANAGE)),
        operator=user("operator", (dso, Right.TRADE)),
        watcher=user("watcher", (dso, Right.VIEW)),
        stranger=user("stranger", (rival, Right.MANAGE)),
        admin=User.objects.create_superuser("admin", password=PASSWORD),
    )


# --- what they say ------------------------------------------------------------------------------------


def request_draft(expires_at: datetime, **changes: Any) -> dict[str, Any]:
    """ISP 69 to 76 are Requested, 65 to 68 and 77 to 80 Available."""
    isps = [_request_isp(n, "Requested" if 69 <= n <= 76 else "Available") for n in range(65, 81)]
    return {
        "expires_at": expires_at.isoformat(),
        "contract_id": "",
        "service_type": "",
        "isps": isps,
        **changes,
    }


def _request_isp(number: int, disposition: str) -> dict[str, Any]:
    most = -200_000 if disposition == "Requested" else 100_000
    return {
        "start": number,
        "duration": 1,
        "disposition": disposition,
        "min_power": -3_000_000,
        "max_power": most,
    }


def option(reference: str, price: str, power: int, least: str = "1.00") -> dict[str, Any]:
    isps = [{"start": n, "duration": 1, "power": power} for n in range(69, 77)]
    return {"option_reference": reference, "price": price, "min_activation_factor": least, "isps": isps}


def offer_draft(expires_at: datetime, **changes: Any) -> dict[str, Any]:
    """Three options on ISP 69 to 76."""
    options = [
        option("A", "101.40", -200_000, "0.40"),
        option("B", "55.00", -120_000, "0.50"),
        option("C", "126.15", -260_000),
    ]
    return {"expires_at": expires_at.isoformat(), "contract_id": "", "options": options, **changes}


def send_request(cast: Cast, now: datetime = NOON, valid_for: timedelta = timedelta(hours=2)) -> FlexRequest:
    """The DSO asks its AGR; the request is queued."""
    draft = request_draft(now + valid_for)
    rows = trading.draft_requests(cast.dso, cast.point, TOMORROW, draft, cast.operator, now)
    return trading.send_requests(cast.dso, rows[0].group, cast.operator, now)[0]


def answerable_request(cast: Cast, now: datetime = NOON) -> FlexRequest:
    """A request that has arrived at the AGR and was accepted there: the AGR's row of it."""

    def build() -> FlexRequest:
        send_request(cast, now)
        deliver_all(now)
        return FlexRequest.objects.get(owner=cast.agr)

    return snapshots.copied(f"answerable at {now}", build, upon="everybody")


def send_offer(
    cast: Cast,
    request: FlexRequest,
    now: datetime = NOON,
    valid_for: timedelta = timedelta(hours=1),
    **changes: Any,
) -> FlexOffer:
    """The AGR answers a request with three options; the offer is queued."""
    draft = offer_draft(now + valid_for, **changes)
    row = trading.draft_offer(
        cast.agr, cast.point, cast.dso, TOMORROW, draft, cast.trader, now, request=request
    )
    return trading.send_offer(cast.agr, row.pk, cast.trader, now)


def accepted_offer(cast: Cast, now: datetime = NOON) -> tuple[FlexOffer, FlexOffer]:
    """An offer that the DSO took in and accepted: the AGR's row and the DSO's row of it."""

    def build() -> tuple[FlexOffer, FlexOffer]:
        mine = send_offer(cast, answerable_request(cast, now), now)
        deliver_all(now)
        mine.refresh_from_db()
        return mine, FlexOffer.objects.get(owner=cast.dso, message__message_id=message_of(mine).message_id)

    return snapshots.copied(f"accepted at {now}", build, upon="everybody")


def message_of(row: FlexRequest | FlexOffer) -> Message:
    assert row.message is not None
    return row.message


def order(
    cast: Cast, theirs: FlexOffer, now: datetime = NOON, reference: str = "A", factor: str = "1.00"
) -> models.FlexOrder:
    return trading.order(cast.dso, theirs.pk, reference, Decimal(factor), cast.operator, now)


# --- a post office without sockets --------------------------------------------------------------------


def sealed_by(sender: Participant, payload: bytes, now: datetime = NOON) -> bytes:
    """Any bytes as a message of this hosted participant."""
    body = uftp.seal.seal(payload, keys.signing_key(sender, now)[1])
    return uftp.encode_envelope(
        uftp.SignedMessage(sender_domain=sender.domain, sender_role=sender.role, body=body)
    )


def carry(row: Message, now: datetime) -> None:
    """Hand the sealed bytes of an outgoing message to the inbox of the same installation."""
    inbox.receive(bytes(row.sealed or b""), "127.0.0.1", now)
    Message.objects.filter(pk=row.pk).update(state="delivered", state_at=now)


def deliver_all(now: datetime) -> None:
    """Carry and process until nothing is under way any more."""
    while queued := list(Message.objects.queued().order_by("pk")):
        for row in queued:
            carry(row, now)
        inbox.process_due(lambda: now)
