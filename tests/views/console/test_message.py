"""One message opened: its XML, its words, its seal; and whatever its bytes are, the page stands."""

import base64
import re

import pytest

from offers import uftp
from offers.models import Attempt, Message
from offers.services import keys
from tests.cast import NOON

from .conftest import Console


def text(page: str) -> str:
    """The page without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\u00a0", " ")


def test_the_decoded_xml_is_marked_and_escaped(console: Console) -> None:
    row = console.message("FlexOrder", "in")
    page = console.page("console-message", row.pk)
    assert '<span class="el">&lt;FlexOrder</span>' in page
    assert f'<span class="va">&quot;{row.message_id}&quot;</span>' in page
    assert "style=" not in page


def test_the_sealed_xml_is_the_envelope_as_it_went_over_the_wire(console: Console) -> None:
    row = console.message("FlexOffer")
    page = console.page("console-message", row.pk, view="sealed")
    body = base64.b64encode(uftp.decode_envelope(bytes(row.sealed or b"")).body).decode()
    assert "SignedMessage" in page
    assert body.replace("+", "+") in page.replace("&#x27;", "'")


def test_the_seal_is_checked_when_the_page_is_made(console: Console) -> None:
    row = console.message("FlexOrder", "in")
    page = text(console.page("console-message", row.pk))
    assert "Ed25519 signature verified with the key of Demo DSO" in page
    assert f"cs1.{row.key_used[:8]}" in page
    digest = row.sha256
    assert f"{digest[:8]} {digest[8:16]}" in page
    _, secret = keys.signing_key(console.people.rival, NOON)
    signed = uftp.decode_envelope(bytes(row.sealed or b""))
    forged = uftp.SignedMessage(
        sender_domain=signed.sender_domain,
        sender_role=signed.sender_role,
        body=uftp.seal.seal(uftp.seal.payload_of(signed.body), secret),
    )
    Message.objects.filter(pk=row.pk).update(sealed=uftp.encode_envelope(forged))
    assert "The signature does not fit" in text(console.page("console-message", row.pk))


@pytest.mark.parametrize(
    ("kind", "direction", "words"),
    [
        (
            "FlexRequest",
            "in",
            "Revision 1: 8 Requested and 8 Available ISPs, 17:00–19:00, peak −200 kW; closes",
        ),
        ("FlexRequestResponse", "out", "Accepted"),
        ("FlexOffer", "out", "Options A, B, C; 17:00–19:00, € 55.00 to € 126.15; expires"),
        ("FlexOfferResponse", "in", "Accepted. Not an order yet"),
        ("FlexOrder", "in", "Option B × 0.50: use up to 60 kW less, 17:00–19:00, for € 27.50"),
        ("FlexOfferRevocation", "out", "Withdraws the offer"),
        ("TestMessage", "out", "Asks whether we are heard"),
        ("TestMessageResponse", "in", "Heard"),
    ],
)
def test_a_conversation_says_each_message_in_words(
    console: Console, kind: str, direction: str, words: str
) -> None:
    row = console.message(kind, direction)
    assert words in text(console.page("console-message", row.pk))


def test_a_message_in_words_names_every_option_with_its_hours(console: Console) -> None:
    page = text(console.page("console-message", console.message("FlexOffer").pk, view="words"))
    assert "Option A: € 101.40, at least × 0.40 17:00–19:00 ISP 69–76 −200 kW" in page
    assert "ea1.2026-01.example.demo:station-west" in page
    assert "Tue 3 Mar 2026, Europe/Amsterdam, ISPs of 15 min" in page


def test_delivered_is_not_accepted(console: Console) -> None:
    page = console.page("console-message", console.message("FlexOffer").pk)
    step = page.partition(f'id="s-{console.message("FlexOffer").pk}"')[2].partition("</li>")[0]
    assert 'class="chip delivered"' in step
    assert 'class="chip accepted"' in step


def test_events_say_what_the_message_moved(console: Console) -> None:
    page = text(console.page("console-message", console.message("FlexOrder", "in").pk, view="events"))
    assert "order : accepted → ordered" in page or "order: accepted → ordered" in page


def test_attempts_stand_with_their_results(console: Console) -> None:
    row = console.message("FlexOffer")
    for n, (status, verdict, said) in enumerate(
        [(503, "temporary", "HTTP 503"), (200, "delivered", "HTTP 200")], 1
    ):
        Attempt.objects.create(
            message=row,
            number=n,
            started_at=NOON,
            ended_at=NOON.replace(microsecond=212_000),
            status=status,
            verdict=verdict,
            text=said,
            next_attempt_at=NOON.replace(second=2, microsecond=812_000) if status == 503 else None,
        )
    page = text(console.page("console-message", row.pk))
    assert "HTTP 503 , temporary 212 ms after 2.6 s" in page
    assert "HTTP 200 212 ms done" in page
    assert "Delivered in 212 ms" in page


# --- whatever the bytes are ------------------------------------------------------------------------------


def test_bytes_that_are_gone_are_said_to_be_gone(console: Console) -> None:
    row = console.message("FlexOrder", "in")
    Message.objects.filter(pk=row.pk).update(sealed=None)
    for view in ("", "sealed", "words", "events"):
        page = text(console.page("console-message", row.pk, view=view))
        assert "past their retention time" in page
    gone = console.client(console.people.trader).get(console.url("console-raw", row.pk))
    assert gone.status_code == 410
    assert "retention time" in gone.content.decode()


def payloads() -> list[bytes]:
    return [
        b"",
        b"hello <script>alert(1)</script>",
        b"\xff\xfe\x00",
        b"<a b='<'/>",
        b"<FlexOrder Version='9.9.9'/>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"<a>" * 2000,
        b'<x y="' + b"z" * 300_000 + b'"/>',
    ]


@pytest.mark.parametrize("n", range(len(payloads())))
@pytest.mark.parametrize("view", ["", "sealed", "words", "events"])
def test_a_payload_that_is_no_message_is_shown_all_the_same(console: Console, n: int, view: str) -> None:
    row = console.message("FlexOrder", "in")
    _, secret = keys.signing_key(console.people.dso, NOON)
    signed = uftp.SignedMessage(
        sender_domain=console.people.dso.domain,
        sender_role="DSO",
        body=uftp.seal.seal(payloads()[n], secret),
    )
    Message.objects.filter(pk=row.pk).update(sealed=uftp.encode_envelope(signed))
    page = console.page("console-message", row.pk, view=view)
    assert "It cannot be read as a message" in page
    assert "<script>alert" not in page
    assert "<!DOCTYPE a [" not in page


@pytest.mark.parametrize("sealed", [b"", b"rubbish", b"\x00\xff", b"<SignedMessage/>"])
def test_an_envelope_that_is_none_is_shown_all_the_same(console: Console, sealed: bytes) -> None:
    row = console.message("FlexOrder", "in")
    Message.objects.filter(pk=row.pk).update(sealed=sealed)
    assert "The envelope cannot be read" in console.page("console-message", row.pk, view="sealed")


def odd(console: Console, **changes: object) -> bytes:
    """The order as a stranger might have written it: valid, and strange."""
    row = console.message("FlexOrder", "in")
    signed = uftp.decode_envelope(bytes(row.sealed or b""))
    xml = uftp.seal.payload_of(signed.body).decode()
    for name, value in changes.items():
        xml = re.sub(rf'{name.replace("_", "-")}="[^"]*"', f'{name.replace("_", "-")}="{value}"', xml)
    _, secret = keys.signing_key(console.people.dso, NOON)
    body = uftp.seal.seal(xml.encode(), secret)
    return uftp.encode_envelope(
        uftp.SignedMessage(sender_domain=signed.sender_domain, sender_role="DSO", body=body)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"TimeZone": "Europe/Foo"},
        {"Start": "999999999"},
        {"Start": "1", "Duration": "2000000000"},
        {"Period": "9999-12-31"},
        {"Period": "0001-01-01"},
        {"ISP_Duration": "P1D"},
        {"ISP_Duration": "PT0S"},
        {"ISP_Duration": "-PT15M"},
        {"Power": "-" + "9" * 14},
        {"Price": "-99999999999.9999"},
        {"TimeStamp": "0001-01-01T00:00:00+14:00"},
        {"TimeStamp": "9999-12-31T23:59:59-14:00"},
        {"Currency": "ZZZ"},
        {"OrderReference": "a" * 1000},
    ],
)
@pytest.mark.parametrize("view", ["", "words"])
def test_odd_values_of_a_stranger_are_shown_all_the_same(
    console: Console, changes: dict[str, str], view: str
) -> None:
    row = console.message("FlexOrder", "in")
    Message.objects.filter(pk=row.pk).update(sealed=odd(console, **changes))
    console.page("console-message", row.pk, view=view)


# --- the file, and who may have it -------------------------------------------------------------------------


def test_the_file_is_the_envelope_and_is_never_shown_by_the_browser(console: Console) -> None:
    row = console.message("FlexOffer")
    response = console.client(console.people.reader).get(console.url("console-raw", row.pk))
    assert response.content == bytes(row.sealed or b"")
    assert response["Content-Disposition"] == f'attachment; filename="FlexOffer-{row.message_id}.xml"'
    assert response["Content-Type"].startswith("application/xml")
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["console-message", "console-raw"])
def test_a_message_of_somebody_else_does_not_exist(console: Console, name: str) -> None:
    theirs = Message.objects.filter(owner=console.people.dso).first()
    assert theirs is not None
    for pk in (theirs.pk, 10**9, 10**30):
        response = console.client(console.people.trader).get(
            f"{console.url()}{pk}/" + ("raw/" if name.endswith("raw") else "")
        )
        assert response.status_code == 404


def test_a_message_that_cannot_be_sent_again_says_why(console: Console) -> None:
    page = text(console.page("console-message", console.message("FlexOffer").pk))
    assert "It expired at 13:00" in page
    page = text(
        console.page("console-message", console.message("FlexOrderResponse").pk, user=console.people.reader)
    )
    assert "Only members who may trade can send again" in page
