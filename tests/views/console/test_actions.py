"""Sending again, and asking a counterparty whether it hears us."""

import csv
import io
import zipfile

import pytest
from django.contrib.auth.models import User

from offers.models import Key, Message
from offers.views.console import archive

from .conftest import Console


def post(console: Console, user: User, name: str, *args: object, **data: object) -> int:
    return console.client(user).post(console.url(name, *args), data).status_code


def test_send_again_queues_the_same_bytes(console: Console) -> None:
    row = console.message("FlexOrderResponse")
    before = bytes(row.sealed or b"")
    response = console.client(console.people.trader).post(console.url("console-again", row.pk), follow=True)
    assert "goes out again, with the same bytes" in response.content.decode()
    row.refresh_from_db()
    assert (row.state, bytes(row.sealed or b"")) == ("queued", before)


@pytest.mark.parametrize(("kind", "direction"), [("FlexOrder", "in"), ("FlexOffer", "out")])
def test_what_cannot_be_sent_again_is_a_conflict_with_a_sentence(
    console: Console, kind: str, direction: str
) -> None:
    """An order of the other side, and an offer that has expired."""
    row = console.message(kind, direction)
    response = console.client(console.people.trader).post(console.url("console-again", row.pk))
    assert response.status_code == 409
    assert row.type in response.content.decode()
    assert Message.objects.filter(state="queued").count() == 0


def test_a_test_message_goes_to_the_chosen_counterparty(console: Console) -> None:
    before = Message.objects.filter(type="TestMessage", direction="out").count()
    assert post(console, console.people.trader, "console-test", counterparty=console.people.dso.pk) == 302
    sent = Message.objects.filter(type="TestMessage", direction="out").order_by("-pk")
    assert sent.count() == before + 1
    assert (sent[0].counterparty, sent[0].state) == (console.people.dso, "queued")


@pytest.mark.parametrize("who", ["rival", "nobody", "rubbish", "self"])
def test_only_a_counterparty_of_the_market_can_be_tested(console: Console, who: str) -> None:
    pk = {"rival": console.people.rival.pk, "nobody": "", "rubbish": "x" * 50, "self": console.people.agr.pk}[
        who
    ]
    assert post(console, console.people.trader, "console-test", counterparty=pk) == 404


def test_without_a_key_of_our_own_there_is_no_test(console: Console) -> None:
    Key.objects.filter(participant=console.people.agr).delete()
    response = console.client(console.people.trader).post(
        console.url("console-test"), {"counterparty": console.people.dso.pk}
    )
    assert response.status_code == 409
    assert "signing key" in response.content.decode()


def test_who_may_what(console: Console) -> None:
    row = console.message("FlexOrderResponse")
    people = console.people
    for user, status in (
        (people.reader, 403),
        (people.stranger, 404),
        (people.operator, 404),
        (people.admin, 404),
    ):
        assert post(console, user, "console-again", row.pk) == status
        assert post(console, user, "console-test", counterparty=people.dso.pk) == status
    for user, status in (
        (people.reader, 200),
        (people.stranger, 404),
        (people.operator, 404),
        (people.admin, 404),
    ):
        for url in (
            console.url(),
            console.url("console-message", row.pk),
            console.url("console-raw", row.pk),
        ):
            assert console.client(user).get(url).status_code == status


def test_a_link_cannot_send_anything(console: Console) -> None:
    row = console.message("FlexOrderResponse")
    client = console.client(console.people.trader)
    assert client.get(console.url("console-again", row.pk)).status_code == 405
    assert client.get(console.url("console-test")).status_code == 405


def parked(console: Console, answered: bool = False) -> Message:
    """An answer of the other side that could not be processed; or an order, to which we said Rejected."""
    row = console.message("FlexOrder" if answered else "FlexOfferResponse", "in")
    Message.objects.filter(pk=row.pk).update(state="parked", error="KeyError: what broke")
    return row


def test_a_parked_message_is_processed_again(console: Console) -> None:
    row = parked(console)
    assert "Process again" in console.page("console-message", row.pk)
    response = console.client(console.people.trader).post(console.url("console-process", row.pk), follow=True)
    assert "is processed again" in response.content.decode()
    assert "process again" in console.page("console-message", row.pk, view="events")
    row.refresh_from_db()
    assert row.state == "received"


def test_what_was_answered_stays_parked_and_the_page_says_why(console: Console) -> None:
    row = parked(console, answered=True)
    page = console.page("console-message", row.pk)
    assert "What the counterparty was told stands" in page
    assert console.url("console-process", row.pk) not in page
    response = console.client(console.people.trader).post(console.url("console-process", row.pk))
    assert response.status_code == 409
    assert "What the counterparty was told stands" in response.content.decode()


def test_a_reader_sees_why_a_parked_message_is_not_theirs_to_process(console: Console) -> None:
    row = parked(console)
    page = console.page("console-message", row.pk, user=console.people.reader)
    assert "Only members who may trade can have it processed again" in page
    assert post(console, console.people.reader, "console-process", row.pk) == 403


def test_a_whole_conversation_comes_as_one_file(console: Console) -> None:
    row = console.message("FlexOrder", "in")
    response = console.client(console.people.trader).get(console.url("console-download", row.pk))
    assert response["Content-Disposition"] == f'attachment; filename="conversation-{row.conversation_id}.zip"'
    file = zipfile.ZipFile(io.BytesIO(response.content))
    same = Message.objects.filter(owner=console.people.agr, conversation_id=row.conversation_id)
    lines = list(csv.DictReader(io.StringIO(file.read("messages.csv").decode())))
    assert [line["message_id"] for line in lines] == list(
        same.order_by("pk").values_list("message_id", flat=True)
    )
    name = next(line["file"] for line in lines if line["message_id"] == row.message_id)
    assert file.read(f"{name}.sealed.xml") == bytes(row.sealed or b"")
    assert row.message_id in file.read(f"{name}.decoded.xml").decode()


def test_a_conversation_that_is_too_large_or_too_old_is_listed_at_least(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = list(Message.objects.filter(owner=console.people.agr).order_by("pk"))
    monkeypatch.setattr(archive, "MOST_BYTES", len(bytes(rows[0].sealed or b"")))
    rows[1].sealed = None
    file = zipfile.ZipFile(io.BytesIO(archive.zipped(rows[:3])))
    assert len(file.namelist()) == 3  # the first message, sealed and decoded, and the list
    said = [line["file"] for line in csv.DictReader(io.StringIO(file.read("messages.csv").decode()))]
    assert said[1:] == [archive.GONE, archive.TOO_LARGE]
