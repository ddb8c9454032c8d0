"""Requests of the DSO: one line a need, and one need with its recipients and the offers on it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from offers.domain import Event
from offers.models import FlexOffer, FlexRequest, Message
from offers.services import trading
from offers.services.trading.moves import Cause, lock, move
from offers.services.trading.requests import supersede_older
from tests import cast
from tests.cast import NOON, TOMORROW, Cast

from .conftest import FORECAST, Address, drafted, sent

pytestmark = pytest.mark.usefixtures("at_noon")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, True),
        ({"state": "draft"}, False),
        ({"state": "all"}, True),
        ({"day": TOMORROW.isoformat()}, True),
        ({"day": "2026-03-09"}, False),
        ({"day": "nonsense", "point": "x", "state": "?"}, True),
        ({"point": "999999"}, False),
    ],
)
def test_the_list_is_filtered_by_its_address(
    everybody: Cast, dispatcher: Client, address: Address, query: dict[str, str], found: bool
) -> None:
    row = sent(everybody)[0]
    seen = dispatcher.get(address("dso-requests"), query).content.decode()
    assert (address("dso-request", row.group) in seen) is found
    assert ("Clear the filters" in seen) is not found


def test_the_list_is_cut_by_key_and_leads_on(two_agrs: Cast, dispatcher: Client, address: Address) -> None:
    groups = []
    for _ in range(51):
        rows = [_bare(two_agrs, agr, groups) for agr in (two_agrs.agr, two_agrs.rival)]
        groups.append(rows[0].group)
    first = dispatcher.get(address("dso-requests"))
    assert [row.key for row in first.context["requests"]] == groups[:0:-1]
    second = dispatcher.get(address("dso-requests") + first.context["slice"].next_url)
    assert [row.key for row in second.context["requests"]] == groups[:1]


def _bare(everybody: Cast, agr: Any, groups: list[Any]) -> FlexRequest:
    """A request to one AGR of a need, without its message."""
    latest = FlexRequest.objects.order_by("-pk").first()
    group = latest.group if latest is not None and latest.group not in groups else uuid4()
    return FlexRequest.objects.create(
        owner=everybody.dso,
        counterparty=agr,
        congestion_point=everybody.point,
        period=TOMORROW,
        group=group,
        state="sent",
        expires_at=NOON + timedelta(hours=1),
        state_at=NOON,
        created_at=NOON,
    )


def test_the_list_goes_out_as_csv_one_line_a_need(
    two_agrs: Cast, dispatcher: Client, address: Address
) -> None:
    row = sent(two_agrs)[0]
    response: Any = dispatcher.get(address("dso-requests"), {"format": "csv"})
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert lines[0].startswith("request,group,congestion_point")
    assert len(lines) == 2 and str(row.group) in lines[1]
    assert lines[1].endswith(",69,76,-200000,400.0,2,0,0,")


def test_a_recipient_has_one_chip_for_delivery_and_one_for_the_answer(
    two_agrs: Cast, dispatcher: Client, address: Address
) -> None:
    row = sent(two_agrs)[0]
    seen = dispatcher.get(address("dso-request", row.group)).content.decode()
    assert seen.count('class="chip queued"') == 2 and seen.count("none yet") >= 2
    cast.deliver_all(NOON)
    seen = dispatcher.get(address("dso-request", row.group)).content.decode()
    assert seen.count('class="chip delivered"') == 2 and seen.count('class="chip accepted"') == 2
    assert address("console-message", row.message_id) in seen


def test_a_refusal_stands_beside_its_recipient(everybody: Cast, dispatcher: Client, address: Address) -> None:
    row = sent(everybody)[0]
    Message.objects.filter(pk=row.message_id).update(
        answer="rejected", answer_reason="Contract unknown", answered_at=NOON
    )
    seen = dispatcher.get(address("dso-request", row.group)).content.decode()
    assert 'class="chip rejected"' in seen and "Contract unknown" in seen


def test_the_offers_on_it_stand_option_by_option(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    _, theirs = cast.accepted_offer(everybody)
    group = FlexRequest.objects.get(owner=everybody.dso).group
    response = dispatcher.get(address("dso-request", group))
    assert [answer.option.reference for answer in response.context["answers"]] == ["A", "B", "C"]
    seen = response.content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert address("dso-offer", theirs.pk) in seen
    assert "100.0 %" in seen and "60.0 %" in seen and "253.50" in seen  # 101.40 for 400 kWh


def test_power_space_and_load_are_drawn_with_their_values(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    row = sent(everybody, forecast_w=FORECAST)[0]
    seen = dispatcher.get(address("dso-request", row.group)).content.decode()
    assert 'data-figure="space-figure"' in seen and 'data-figure="load-figure"' in seen
    assert "2,300" in seen and "request closes" in seen


def test_without_a_forecast_there_is_no_load_chart(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    row = sent(everybody)[0]
    assert 'id="load-figure"' not in dispatcher.get(address("dso-request", row.group)).content.decode()


def test_a_newer_revision_is_named_on_the_older_one(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    older, newer = sent(everybody)[0], sent(everybody)[0]
    take(older)
    take(newer)
    seen = dispatcher.get(address("dso-request", older.group)).content.decode()
    assert "Revision 2 for the same day takes the place of this one." in seen
    assert address("dso-request", newer.group) in seen


def test_a_draft_opens_in_the_composer_for_who_may_trade(
    everybody: Cast, dispatcher: Client, watcher: Client, address: Address
) -> None:
    group = drafted(everybody)[0].group
    response: Any = dispatcher.get(address("dso-request", group))
    assert response.status_code == 302 and response.url == address("dso-request-edit", group)
    assert "nobody has been asked yet" in watcher.get(address("dso-request", group)).content.decode()


def test_what_happened_names_the_aggregators_once(
    two_agrs: Cast, dispatcher: Client, address: Address
) -> None:
    row = sent(two_agrs)[0]
    entries = dispatcher.get(address("dso-request", row.group)).context["timeline"]
    assert [(entry.title, entry.text) for entry in entries] == [
        ("Drafted", "Demo AGR, Rival AGR"),
        ("Signed and queued", "Demo AGR, Rival AGR"),
    ]


def test_another_ones_request_does_not_exist(everybody: Cast, dispatcher: Client, address: Address) -> None:
    theirs = cast.answerable_request(everybody)  # the row of the AGR, which has a group of its own
    assert dispatcher.get(address("dso-request", theirs.group)).status_code == 404
    assert dispatcher.get(address("dso-request", uuid4())).status_code == 404


def test_an_expired_request_says_so(everybody: Cast, dispatcher: Client, address: Address) -> None:
    row = sent(everybody)[0]
    trading.expire_due(NOON + timedelta(hours=3))
    seen = dispatcher.get(address("dso-request", row.group)).content.decode()
    assert 'class="chip expired"' in seen
    assert not FlexOffer.objects.exists()


@pytest.mark.parametrize("state", ["draft", "superseded", "expired", "rejected", "failed"])
def test_a_need_stands_under_the_state_of_any_of_its_requests(
    two_agrs: Cast, dispatcher: Client, address: Address, state: str
) -> None:
    row = sent(two_agrs)[0]
    where = address("dso-request", row.group)
    assert where not in dispatcher.get(address("dso-requests"), {"state": state}).content.decode()
    FlexRequest.objects.filter(pk=row.pk).update(state=state)
    response = dispatcher.get(address("dso-requests"), {"state": state})
    assert [found.key for found in response.context["requests"]] == [row.group]


def test_more_recipients_and_offers_do_not_mean_more_queries(
    everybody: Cast, dispatcher: Client, address: Address, django_assert_max_num_queries: Any
) -> None:
    _, theirs = cast.accepted_offer(everybody)
    first = FlexRequest.objects.get(owner=everybody.dso)
    where = address("dso-request", first.group)
    more(everybody, first, theirs, 2)
    dispatcher.get(where)
    with CaptureQueriesContext(connection) as few:
        assert len(dispatcher.get(where).context["offers"]) == 3
    more(everybody, first, theirs, 27)
    with django_assert_max_num_queries(len(few.captured_queries)):
        assert len(dispatcher.get(where).context["offers"]) == 30


def more(everybody: Cast, first: FlexRequest, offer: FlexOffer, count: int) -> None:
    """The same request to more AGRs, each of which made an offer."""
    known = FlexRequest.objects.filter(group=first.group).count()
    for number in range(known, known + count):
        agr = cast.participant(f"agr{number}.demo.example", "AGR", f"AGR {number}")
        row = FlexRequest.objects.get(pk=first.pk)
        row.pk, row.message, row.counterparty, row._state.adding = None, None, agr, True
        row.save()
        made = FlexOffer.objects.get(pk=offer.pk)
        made.pk, made.message, made.flex_request, made.counterparty = None, None, row, agr
        made._state.adding = True
        made.save()
        for option in offer.options.all():
            option.pk, option.flex_offer, option._state.adding = None, made, True
            option.save()


def sent_to_one(everybody: Cast) -> FlexRequest:
    """The same day once more, to the first of two aggregators only."""
    draft = cast.request_draft(NOON + timedelta(hours=2), recipients=[everybody.agr.pk])
    rows = trading.draft_requests(
        everybody.dso, everybody.point, TOMORROW, draft, everybody.operator, NOON, [everybody.agr.pk]
    )
    return trading.send_requests(everybody.dso, rows[0].group, everybody.operator, NOON)[0]


def take(row: FlexRequest, accepted: bool = True) -> None:
    cause = Cause.of(Message.objects.get(pk=row.message_id))
    moved = move(lock(row), Event.ACCEPT if accepted else Event.REJECT, cause, NOON)
    if accepted:
        supersede_older(moved, cause, NOON)


def test_a_request_that_one_aggregator_replaced_is_open_for_the_others_only(
    two_agrs: Cast, dispatcher: Client, address: Address
) -> None:
    older = sent(two_agrs)
    for row in older:
        take(row)
    newer = sent_to_one(two_agrs)
    seen = dispatcher.get(address("dso-request", older[0].group)).content.decode()
    assert "is on its way to Demo AGR" in seen and "It still stands for Rival" in seen
    assert "Open for" not in seen
    take(newer)
    seen = dispatcher.get(address("dso-request", older[0].group)).content.decode()
    assert "takes the place of this one for Demo AGR. It still stands for Rival" in seen
    recipients = seen.partition('id="h-off"')[0]
    assert "Open for 1 of 2" in recipients and recipients.count(">Superseded") == 1
    assert "Open for 1 of 2" in dispatcher.get(address("dso-requests")).content.decode()


def test_a_newer_revision_that_was_rejected_replaces_nothing(
    two_agrs: Cast, dispatcher: Client, address: Address
) -> None:
    older = sent(two_agrs)
    take(older[0])
    take(sent_to_one(two_agrs), accepted=False)
    seen = dispatcher.get(address("dso-request", older[0].group)).content.decode()
    assert "takes the place" not in seen and "Open for" not in seen
