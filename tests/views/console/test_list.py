"""The list of messages: what it shows, how it is narrowed, how it goes away as CSV."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from offers.models import Message, Refusal
from tests.cast import NOON

from .conftest import Console


def types(page: str) -> list[str]:
    """The types in the list, as they stand, newest first."""
    table = page.partition('id="messages"')[2].partition("</section>")[0]
    found = re.findall(r"<th scope=\"row\"><a [^>]*>(.*?)</a>", table)
    return [one.replace("<wbr>", "") for one in found]


def test_every_message_stands_there_newest_first(console: Console) -> None:
    found = types(console.page())
    rows = Message.objects.filter(owner=console.people.agr).order_by("-pk")
    assert found == [row.type for row in rows]
    assert len(found) == 12


def test_nothing_of_another_participant_stands_there(console: Console) -> None:
    page = console.page()
    for row in Message.objects.filter(owner=console.people.dso):
        assert f'id="m-{row.pk}"' not in page


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"direction": "in", "type": "FlexOrder"}, ["FlexOrder"]),
        ({"type": "FlexOffer"}, ["FlexOffer", "FlexOffer"]),
        ({"state": "rejected"}, []),
        ({"q": "station w"}, None),
        ({"type": "FlexRumour"}, None),
        ({"direction": "sideways", "state": "confused", "counterparty": "x", "tab": "?"}, None),
    ],
)
def test_the_address_narrows_the_list(
    console: Console, query: dict[str, str], wanted: list[str] | None
) -> None:
    found = types(console.page(**query))
    if wanted is not None:
        assert found == wanted
    else:
        assert found


def test_a_counterparty_narrows_the_list(console: Console) -> None:
    assert len(types(console.page(counterparty=str(console.people.dso.pk)))) == 12
    assert types(console.page(counterparty=str(console.people.rival.pk))) == []


def test_the_beginning_of_an_id_finds_its_message_in_either_case(console: Console) -> None:
    row = console.message("FlexOrder", "in")
    for text in (row.message_id, row.message_id[:8].upper()):
        assert types(console.page(q=text)) == ["FlexOrder"]
    assert len(types(console.page(q=row.conversation_id[:13]))) == 10


def test_tabs_count_what_needs_somebody(console: Console) -> None:
    mine = Message.objects.filter(owner=console.people.agr, direction="out").order_by("pk")
    for row, state in zip(mine, ["failed", "expired", "queued", "parked"], strict=False):
        Message.objects.filter(pk=row.pk).update(state=state, error="HTTP 403 Forbidden: who are you?")
    page = re.sub(r"\s+", " ", console.page())
    assert re.search(r'Failed <span class="n">2</span>', page)
    assert re.search(r'Queued <span class="n">1</span>', page)
    assert re.search(r'Parked <span class="n">1</span>', page)
    assert len(types(console.page(tab="failed"))) == 2
    assert "HTTP 403 Forbidden" in console.page(tab="failed")


def test_an_offer_that_nobody_answers_stands_under_unanswered(console: Console) -> None:
    row = console.message("FlexOffer")
    assert types(console.page(tab="unanswered")) == []
    Message.objects.filter(pk=row.pk).update(answer="", answered_at=None)
    page = console.page(tab="unanswered")
    assert types(page) == ["FlexOffer"]
    assert "No answer" in page


def test_a_list_without_rows_says_what_to_do(console: Console) -> None:
    page = console.page(q="nothing is called this")
    assert "No message is like that" in page
    assert "All messages" in page


@pytest.mark.parametrize("text", ["\0", "a\0b", "%", "_", "\\", "'; --", "é" * 500, "deadbeef" * 5, "\ud800"])
def test_whatever_is_searched_for_the_page_stands(console: Console, text: str) -> None:
    console.page(q=text.encode("utf-8", "replace").decode())


def copies(console: Console, count: int, kind: str = "TestMessage") -> None:
    row = console.message(kind)
    for n in range(count):
        row.pk, row.message_id = None, f"00000000-0000-0000-0000-{n:012}"
        row.save(force_insert=True)


def test_a_long_list_is_cut_by_key(console: Console) -> None:
    copies(console, 60)
    first = console.page()
    assert len(types(first)) == 50
    before = re.search(r'href="(\?before=\d+)" rel="next"', first)
    assert before is not None
    second = console.page(before=before[1].partition("=")[2])
    assert len(types(second)) == 22
    assert 'rel="prev"' in second


def test_the_number_of_queries_does_not_grow_with_the_list(console: Console) -> None:
    client = console.client(console.people.trader)

    def queries(url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            client.get(url)
        return len(seen)

    few = queries(console.url())
    conversation = console.url("console-message", console.message("FlexOrder", "in").pk)
    few_talk = queries(conversation)
    copies(console, 40, "FlexOffer")
    assert queries(console.url()) == few
    assert queries(conversation) == few_talk


def test_the_list_goes_away_as_csv(console: Console) -> None:
    Message.objects.filter(pk=console.message("TestMessage").pk).update(about="=cmd|' /C calc'!A0")
    response = console.client(console.people.reader).get(console.url(), {"format": "csv", "direction": "out"})
    assert response["Content-Type"].startswith("text/csv")
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["direction"] for row in rows} == {"out"}
    assert rows[0]["type"] == "TestMessage"
    assert rows[0]["about"].startswith("'=")
    assert rows[0]["at"] == (NOON + timedelta(minutes=3)).isoformat()


def test_htmx_gets_the_part_alone_and_nothing_when_nothing_changed(console: Console) -> None:
    client = console.client(console.people.trader)
    part = client.get(console.url(), headers={"HX-Request": "true"})
    assert b"<html" not in part.content
    assert part.content.strip().startswith(b'<div class="cols talk')
    headers = {"HX-Request": "true", "If-None-Match": part["ETag"]}
    assert client.get(console.url(), headers=headers).status_code == 304
    copies(console, 1)
    assert client.get(console.url(), headers=headers).status_code == 200


# --- what was refused at the door ------------------------------------------------------------------------


def test_a_manager_sees_what_was_refused_and_how_often(console: Console) -> None:
    for status, sender in ((401, "dso.demo.example/DSO"), (401, "dso.demo.example/DSO"), (400, "")):
        Refusal.objects.create(status=status, sender=sender, text="The signature <b>does not fit</b>.")
    page = console.page(tab="refused", user=console.people.manager)
    assert "&lt;b&gt;does not fit&lt;/b&gt;" in page
    assert re.search(r"dso\.demo\.example/DSO</b> 2 ×", page)
    assert "sender unknown" in page


def test_a_trader_does_not_see_what_was_refused(console: Console) -> None:
    Refusal.objects.create(status=401, sender="dso.demo.example/DSO", text="The signature does not fit.")
    page = console.page(tab="refused")
    assert "does not fit" not in page
    assert ">Refused" not in page
