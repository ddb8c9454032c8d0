"""G29: what only the schema takes is rejected by a message or refused with 400, and harms no page either."""

import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from offers import uftp
from offers.models import FlexOffer, FlexOrder, FlexRequest, Message, Participant
from offers.services import bell, inbox, keys
from offers.transport import MESSAGE_PATH
from offers.uftp import codec, isp, simple
from tests import cast
from tests.attack import poison
from tests.cast import NOON, POINT, TOMORROW, Cast

LATER = NOON + timedelta(minutes=2)  # when nothing waits for a reference any more
XML = "text/xml; charset=utf-8"
UNJUDGED = ("received", "waiting", "parked")


@pytest.fixture
def market(everybody: Cast, monkeypatch: pytest.MonkeyPatch, settings) -> Iterator[Cast]:
    """A request and its offer, both accepted, and an order that is not answered yet."""
    monkeypatch.setattr(bell, "ring", lambda task: None)
    settings.MESSAGES_PER_MINUTE = 10**6
    with time_machine.travel(NOON, tick=False):
        _, theirs = cast.accepted_offer(everybody)
        cast.order(everybody, theirs)
        yield everybody


def parties(type_name: str, market: Cast) -> tuple[Participant, Participant]:
    kind = uftp.CATALOGUE[type_name]
    sides = {"AGR": market.agr, "DSO": market.dso}
    sender = sides[kind.SENDER_ROLE or "DSO"]
    return sender, market.agr if sender == market.dso else market.dso


def given(type_name: str, market: Cast) -> dict[str, str]:
    """What makes a golden message of a type fit this market."""
    sender, recipient = parties(type_name, market)
    sent = {row.type: row for row in Message.objects.filter(direction="out").order_by("-pk")}
    order = FlexOrder.objects.get(owner=market.dso)
    return {
        "SenderDomain": sender.domain,
        "RecipientDomain": recipient.domain,
        "MessageID": str(uuid.UUID(int=29)),
        "ConversationID": sent["FlexRequest"].conversation_id,
        "TimeStamp": NOON.isoformat(),
        "Period": str(TOMORROW),
        "TimeZone": "Europe/Amsterdam",
        "ISP-Duration": "PT15M",
        "CongestionPoint": POINT,
        "ExpirationDateTime": (NOON + timedelta(hours=1)).isoformat(),
        "Currency": "EUR",
        "FlexRequestMessageID": sent["FlexRequest"].message_id,
        "FlexOfferMessageID": sent["FlexOffer"].message_id,
        "FlexOrderMessageID": sent["FlexOrder"].message_id,
        "OptionReference": order.option_reference,
    }


def post(client: Client, sender: Participant, payload: bytes) -> int:
    body = uftp.seal.seal(payload, keys.signing_key(sender, NOON)[1])
    signed = uftp.SignedMessage(sender_domain=sender.domain, sender_role=sender.role, body=body)
    return client.post(MESSAGE_PATH, uftp.encode_envelope(signed), content_type=XML).status_code


def judged() -> None:
    inbox.process_due(lambda: NOON)
    inbox.process_due(lambda: LATER)


def fate(client: Client, sender: Participant, payload: bytes) -> str:
    """What becomes of a message: the status of its refusal, or the state in which its row ends."""
    last = Message.objects.latest("pk").pk
    status = post(client, sender, payload)
    if status != 200:
        return str(status)
    judged()
    rows = Message.objects.filter(pk__gt=last, direction="in")
    return next((row.state for row in rows if row.state in UNJUDGED), rows[0].state if rows else "a copy")


@pytest.mark.parametrize("type_name", uftp.CATALOGUE)
def test_g29_poison_in_every_field_of_every_message_is_refused_or_judged(
    type_name: str, market: Cast
) -> None:
    client, (sender, _), fates = Client(raise_request_exception=False), parties(type_name, market), {}
    for name, payload in poison.poisoned(type_name, given(type_name, market)):
        with transaction.atomic():
            fates[name] = fate(client, sender, payload)
            transaction.set_rollback(True)
    print(type_name, len(fates), dict(Counter(fates.values())))
    assert fates.pop("nothing") not in ("400", *UNJUDGED)
    allowed = {"400", "413", "rejected", "accepted", "pending", "a copy"}
    assert {name: found for name, found in fates.items() if found not in allowed} == {}


def test_g29_every_simple_type_has_its_poison() -> None:
    assert set(poison.POISON) == {
        found.name for found in vars(simple).values() if isinstance(found, simple.SimpleType)
    } - {"base64Binary"}
    assert sum(map(len, poison.POISON.values())) >= 30


def test_g29_no_isp_is_expanded_before_the_bounds_are_checked(
    market: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever expands a duration of 2,000,000,000 needs 100 GB; here, who would is found at once."""

    class Bounded:
        def __call__(self, *given: int) -> range:
            found = range(*given)
            assert len(found) <= isp.MAX_COUNT, found
            return found

    for module in (isp, codec):
        monkeypatch.setattr(module, "range", Bounded(), raising=False)
    for type_name in uftp.CATALOGUE:
        sender, _ = parties(type_name, market)
        huge = poison.poisoned(type_name, given(type_name, market))
        for name, payload in huge:
            if "@Duration" in name or "@Start" in name:
                with transaction.atomic():
                    assert fate(Client(), sender, payload) in ("400", "rejected")
                    transaction.set_rollback(True)


def test_g29_control_without_the_bounds_of_days_messages_are_errors_or_parked(
    market: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simple, "EARLIEST", date.min)
    monkeypatch.setattr(simple, "LATEST", date.max)
    sender, _ = parties("FlexRequest", market)
    fates = set()
    for name, payload in poison.poisoned("FlexRequest", given("FlexRequest", market)):
        if "@Period" in name or "@ExpirationDateTime" in name:
            with transaction.atomic():
                fates.add(fate(Client(raise_request_exception=False), sender, payload))
                transaction.set_rollback(True)
    assert fates & {"500", "received", "parked"}, fates


# --- what a person sees of it ---------------------------------------------------------------------------


def pages(row: Message, whose: Participant) -> list[str]:
    home = f"/{whose.role.lower()}/{whose.domain}"
    lists = [f"{home}/{name}/" for name in ("requests", "offers", "orders")]
    console = [f"{home}/console/", f"{home}/console/{row.pk}/", f"{home}/console/{row.pk}/raw/"]
    return [f"{home}/", *lists, *(f"{one}?format=csv" for one in lists), *console]


@pytest.mark.parametrize("type_name", uftp.CATALOGUE)
def test_g29_no_text_of_a_counterparty_becomes_a_part_of_a_page(type_name: str, market: Cast) -> None:
    """In all fields at once that take any text."""
    sender, recipient = parties(type_name, market)
    reader = Client()
    reader.force_login(market.manager if recipient == market.agr else market.operator)
    payload = with_text(type_name, given(type_name, market), poison.EVERYTHING)
    assert post(Client(), sender, payload) == 200
    judged()
    row = Message.objects.filter(owner=recipient, direction="in").latest("pk")
    for page in [*pages(row, recipient), *trades(row, recipient)]:
        clean(reader, page)


def trades(row: Message, whose: Participant) -> list[str]:
    """The pages of what came of it, if anything."""
    home = f"/{whose.role.lower()}/{whose.domain}"
    offers = FlexOffer.objects.filter(owner=whose, message=row)
    requests = FlexRequest.objects.filter(owner=whose, message=row)
    return [
        *(f"{home}/offers/{one.pk}/" for one in offers),
        *(f"{home}/requests/{one.pk}/" for one in requests),
    ]


def with_text(type_name: str, fitting: dict[str, str], text: str) -> bytes:
    root = poison.fitted(type_name, fitting)
    for path, record in poison.places(uftp.CATALOGUE[type_name], "."):
        for field in uftp.messages.attributes(record):
            if field.spec.type is simple.STRING and field.spec.name != "OptionReference":
                for element in root.findall(path) if path != "." else [root]:
                    element.set(field.spec.name, text)
    return poison.written(root)


def clean(reader: Client, page: str) -> None:
    answer = reader.get(page)
    assert answer.status_code == 200, page
    shown = b"".join(answer) if answer.streaming else answer.content
    if page.endswith("/raw/"):
        assert answer["Content-Type"].startswith(("application/xml", "text/plain")), page
        assert answer["X-Content-Type-Options"] == "nosniff"
        return
    text = shown.decode()
    if "csv" in page:
        cells = [cell for line in text.splitlines() for cell in line.split(",")]
        assert not any(cell.lstrip('"')[:1] in tuple("=@") for cell in cells), page
        return
    assert "<script>alert" not in text and "<img src=x" not in text, page
    if "/console/" in page:  # where the XML is shown as it came
        assert "\u202e" not in text.partition("<pre")[2].partition("</pre>")[0], page
