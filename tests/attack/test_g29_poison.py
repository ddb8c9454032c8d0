"""G29: what only the schema takes is rejected by a message or refused with 400, and harms no page either."""

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from offers import uftp
from offers.models import FlexOffer, FlexRequest, Message, Participant
from offers.services import bell, inbox, keys
from offers.transport import MESSAGE_PATH
from offers.uftp import codec, isp, simple
from tests import snapshots
from tests.attack import poison
from tests.attack.market import Desks, Fit, Fits, fitted, seed
from tests.cast import NOON, Cast

LATER = NOON + timedelta(minutes=2)  # when nothing waits for a reference any more
XML = "text/xml; charset=utf-8"
UNJUDGED = ("received", "waiting", "parked")


@dataclass
class Open(Cast):
    """The cast, with something that stands open for every message."""

    fits: Fits

    def fit(self, type_name: str) -> Fit:
        """The first; the MessageID is one that nobody used."""
        found = self.fits[type_name][0]
        return Fit(found.role, found.attributes | {"MessageID": str(uuid.UUID(int=29))})


@pytest.fixture
def market(everybody: Cast, monkeypatch: pytest.MonkeyPatch, settings) -> Iterator[Open]:
    monkeypatch.setattr(bell, "ring", lambda task: None)
    settings.MESSAGES_PER_MINUTE = 10**6
    with time_machine.travel(NOON, tick=False):
        fits = snapshots.copied("open for all", lambda: seeded(everybody), upon="everybody")
        yield Open(**vars(everybody), fits=fits)


def seeded(everybody: Cast) -> Fits:
    return seed(Desks(everybody.agr, everybody.dso, everybody.point, everybody.admin, NOON), times=1)


def parties(type_name: str, market: Open) -> tuple[Participant, Participant]:
    us, them = market.agr, market.dso
    return (us, them) if market.fit(type_name).role == "AGR" else (them, us)


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
    type_name: str, market: Open
) -> None:
    client, (sender, _), fates = Client(raise_request_exception=False), parties(type_name, market), {}
    for name, payload in poison.poisoned(type_name, market.fit(type_name)):
        with transaction.atomic():
            fates[name] = fate(client, sender, payload)
            transaction.set_rollback(True)
    print(type_name, len(fates), dict(Counter(fates.values())))
    assert fates.pop("nothing") == "accepted"
    allowed = {"400", "413", "rejected", "accepted", "pending", "a copy"}
    assert {name: found for name, found in fates.items() if found not in allowed} == {}


def test_g29_every_simple_type_has_its_poison() -> None:
    assert set(poison.POISON) == {
        found.name for found in vars(simple).values() if isinstance(found, simple.SimpleType)
    } - {"base64Binary"}
    assert sum(map(len, poison.POISON.values())) >= 30


LONG = [(name, *where) for name in uftp.CATALOGUE for where in poison.texts(name)]


@pytest.mark.parametrize("type_name,path,attribute", LONG)
def test_g29_a_long_text_that_nothing_compresses_is_answered_and_holds_nobody_up(
    type_name: str, path: str, attribute: str, market: Open
) -> None:
    """PostgreSQL takes no more than 2,704 bytes into a row of an index, after compression."""
    client, (sender, recipient) = Client(raise_request_exception=False), parties(type_name, market)
    assert len(poison.HARD.encode()) == 4 * simple.MAX_TEXT
    text = poison.with_text(type_name, market.fit(type_name), poison.HARD, [(path, attribute)])
    behind = Fit(sender.role, {"SenderDomain": sender.domain, "RecipientDomain": recipient.domain})
    last = Message.objects.latest("pk").pk
    assert post(client, sender, text) == 200
    assert post(client, sender, poison.written(fitted(poison.golden("TestMessage"), behind))) == 200
    judged()
    rows = Message.objects.filter(pk__gt=last, direction="in").order_by("pk")
    assert [row.state for row in rows] in (["accepted", "accepted"], ["rejected", "accepted"])
    answered = [row.type for row in rows if row.answered_by.exists()]
    assert answered == [name for name in (type_name, "TestMessage") if not uftp.CATALOGUE[name].is_response]


def test_g29_no_isp_is_expanded_before_the_bounds_are_checked(
    market: Open, monkeypatch: pytest.MonkeyPatch
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
        huge = poison.poisoned(type_name, market.fit(type_name))
        for name, payload in huge:
            if "@Duration" in name or "@Start" in name:
                with transaction.atomic():
                    assert fate(Client(), sender, payload) in ("400", "rejected")
                    transaction.set_rollback(True)


def test_g29_control_without_the_bounds_of_days_messages_are_errors_or_parked(
    market: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simple, "EARLIEST", date.min)
    monkeypatch.setattr(simple, "LATEST", date.max)
    sender, _ = parties("FlexRequest", market)
    fates = set()
    for name, payload in poison.poisoned("FlexRequest", market.fit("FlexRequest")):
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
def test_g29_no_text_of_a_counterparty_becomes_a_part_of_a_page(type_name: str, market: Open) -> None:
    """In all fields at once that take any text."""
    sender, recipient = parties(type_name, market)
    reader = Client()
    reader.force_login(market.manager if recipient == market.agr else market.operator)
    anywhere = [one for one in poison.texts(type_name) if one[1] != "OptionReference"]
    payload = poison.with_text(type_name, market.fit(type_name), poison.EVERYTHING, anywhere)
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
