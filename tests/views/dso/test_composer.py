"""The composer: begins with what is known, loses nothing, sends to all or to none."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from offers.models import CongestionPoint, FlexRequest
from offers.views.dso import starting
from tests import cast
from tests.cast import NOON, TOMORROW, Cast

from .conftest import FORECAST, Address, drafted, sent

pytestmark = pytest.mark.usefixtures("at_noon")
VERBS = ["check", "save", "send", "preview", "delete"]


def started(client: Client, address: Address, everybody: Cast, day: date = TOMORROW) -> list[FlexRequest]:
    answer: Any = client.post(
        address("dso-request-new"), {"point": everybody.point.pk, "day": day.isoformat()}
    )
    rows = list(FlexRequest.objects.filter(owner=everybody.dso, state="draft").order_by("pk"))
    assert answer.status_code == 302 and answer.url == address("dso-request-edit", rows[-1].group)
    return rows


def post(client: Client, where: str, draft: Any) -> Any:
    return client.post(where, json.dumps(draft), content_type="application/json")


def data_of(response: HttpResponse) -> dict[str, Any]:
    found: dict[str, Any] = response.context["composer_data"]  # type: ignore[attr-defined]
    return found


# --- starting ---------------------------------------------------------------------------------------


def test_a_new_request_asks_first_for_point_and_day(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    seen = dispatcher.get(address("dso-request-new")).content.decode()
    assert "Station West" in seen and TOMORROW.isoformat() in seen
    assert not FlexRequest.objects.exists()


def test_it_starts_for_all_aggregators_with_the_band_that_the_capacity_leaves(
    two_agrs: Cast, dispatcher: Client, address: Address
) -> None:
    rows = started(dispatcher, address, two_agrs)
    assert {row.counterparty for row in rows} == {two_agrs.agr, two_agrs.rival}
    draft = rows[0].draft
    assert draft["expires_at"] == "2026-03-02T13:00:00Z" and draft["forecast_w"] == {}
    assert len(draft["isps"]) == 96
    first = {"start": 1, "duration": 1, "disposition": "Available"}
    assert draft["isps"][0] == {**first, "min_power": -2_000_000, "max_power": 2_000_000}


def test_it_starts_with_the_last_forecast_and_what_that_leaves(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    sent(everybody, forecast_w=FORECAST)
    draft = started(dispatcher, address, everybody)[0].draft
    assert draft["forecast_w"] == FORECAST
    short = [isp for isp in draft["isps"] if isp["disposition"] == "Requested"]
    assert [isp["start"] for isp in short] == [69, 70, 71, 72]
    assert {(isp["min_power"], isp["max_power"]) for isp in short} == {(-4_300_000, -300_000)}


def test_a_forecast_of_another_number_of_isps_is_left_out(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    sent(everybody, forecast_w=FORECAST)
    draft = started(dispatcher, address, everybody, date(2026, 3, 29))[0].draft  # a day of 23 hours
    assert draft["forecast_w"] == {} and len(draft["isps"]) == 92


def test_a_forecast_with_holes_is_left_out(everybody: Cast, dispatcher: Client, address: Address) -> None:
    sent(everybody, forecast_w={n: watts for n, watts in FORECAST.items() if n != "40"})
    assert started(dispatcher, address, everybody)[0].draft["forecast_w"] == {}


@pytest.mark.parametrize(
    ("first", "closes"),
    [
        (None, "13:00"),
        (datetime(2026, 3, 3, 16, 0, tzinfo=UTC), "13:00"),
        (datetime(2026, 3, 2, 12, 30, tzinfo=UTC), "12:00"),  # half an hour before it
        (datetime(2026, 3, 2, 11, 30, tzinfo=UTC), "11:15"),  # but an AGR needs a moment
    ],
)
def test_it_closes_in_two_hours_and_in_time_to_act(first: datetime | None, closes: str) -> None:
    assert f"{starting.expiry(NOON + timedelta(seconds=119), first):%H:%M}" == closes


def test_today_begins_with_what_can_still_be_done(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    sent(everybody, forecast_w=FORECAST)
    draft = started(dispatcher, address, everybody, NOON.date())[0].draft
    assert draft["isps"][0]["start"] == 57  # 14:00, when the request closes
    assert draft["expires_at"] == "2026-03-02T13:00:00Z"


@pytest.mark.parametrize(
    ("point", "day", "status"), [("", "2026-03-03", 404), ("9999", "2026-03-03", 404), (None, "soon", 422)]
)
def test_what_is_no_point_or_no_day_starts_nothing(
    everybody: Cast, dispatcher: Client, address: Address, point: str | None, day: str, status: int
) -> None:
    typed = {"point": point if point is not None else str(everybody.point.pk), "day": day}
    assert dispatcher.post(address("dso-request-new"), typed).status_code == status
    assert not FlexRequest.objects.exists()


def test_a_point_without_aggregators_says_so(everybody: Cast, dispatcher: Client, address: Address) -> None:
    everybody.point.agrs.clear()
    answer = dispatcher.post(address("dso-request-new"), {"point": everybody.point.pk, "day": "2026-03-03"})
    assert answer.status_code == 422 and "has no AGR to ask" in answer.content.decode()


# --- while somebody types ---------------------------------------------------------------------------


def test_the_page_has_the_isps_of_the_day_and_the_recipients(
    two_agrs: Cast, dispatcher: Client, address: Address
) -> None:
    group = drafted(two_agrs)[0].group
    response = dispatcher.get(address("dso-request-edit", group))
    data = data_of(response)
    assert len(data["isps"]) == 96 and data["capacity_w"] == 2_000_000
    assert data["draft"]["period"] == TOMORROW.isoformat()
    assert sorted(data["draft"]["recipients"]) == sorted([two_agrs.agr.pk, two_agrs.rival.pk])
    assert "agr.rival.example" in response.content.decode() and data["findings"] == []


def test_checking_tells_every_reason_draws_and_stores_nothing(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    row = drafted(everybody)[0]
    draft = cast.request_draft(NOON - timedelta(hours=1), forecast_w=FORECAST, recipients=[])
    draft["isps"][4]["max_power"] = 50_000
    answer = post(dispatcher, address("dso-request-check", row.group), draft).json()
    fields = {finding["field"] for finding in answer["findings"]}
    assert fields == {"ExpirationDateTime", "ISP[69].MinPower", "Recipients"}
    assert set(answer["figures"]) == {"load", "space"}
    row.refresh_from_db()
    assert row.draft["expires_at"] != draft["expires_at"]


@pytest.mark.parametrize("draft", [{}, {"isps": "x"}, {"isps": [{"start": "?"}], "forecast_w": [1]}])
def test_half_a_draft_is_checked_without_a_figure(
    everybody: Cast, dispatcher: Client, address: Address, draft: Any
) -> None:
    group = drafted(everybody)[0].group
    answer = post(dispatcher, address("dso-request-check", group), draft)
    assert answer.status_code == 200
    assert answer.json()["findings"] and answer.json()["figures"] == {}


@pytest.mark.parametrize("body", ["", "[]", "{", '{"isps": NaN}', '"\\u0000"'])
def test_what_is_no_draft_is_refused_with_a_sentence(
    everybody: Cast, dispatcher: Client, address: Address, body: str
) -> None:
    group = drafted(everybody)[0].group
    for verb in ("check", "save"):
        where = address(f"dso-request-{verb}", group)
        answer = dispatcher.post(where, body, content_type="application/json")
        assert answer.status_code == 400 and "draft" in answer.json()["sentence"]


def test_saving_keeps_what_was_typed_right_or_wrong(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    row = drafted(everybody)[0]
    draft = {"expires_at": "later", "isps": [{"start": 69, "min_power": "1,5", "max_power": None}]}
    answer = post(dispatcher, address("dso-request-save", row.group), draft)
    assert answer.json() == {"saved_at": "2026-03-02T11:00:00Z"}
    row.refresh_from_db()
    assert row.draft == draft


def test_another_day_has_its_own_isps(everybody: Cast, dispatcher: Client, address: Address) -> None:
    group = drafted(everybody)[0].group
    draft = cast.request_draft(NOON + timedelta(hours=2), period="2026-03-29")
    assert post(dispatcher, address("dso-request-save", group), draft).status_code == 200
    assert len(data_of(dispatcher.get(address("dso-request-edit", group)))["isps"]) == 92


def test_no_day_is_refused_and_the_draft_stays(everybody: Cast, dispatcher: Client, address: Address) -> None:
    row = drafted(everybody)[0]
    answer = post(dispatcher, address("dso-request-save", row.group), {"period": "soon"})
    assert answer.status_code == 400 and "no day" in answer.json()["sentence"]
    row.refresh_from_db()
    assert row.draft["isps"]


def test_recipients_change_with_what_is_ticked(two_agrs: Cast, dispatcher: Client, address: Address) -> None:
    group = drafted(two_agrs)[0].group
    where = address("dso-request-save", group)
    for ticked in ([two_agrs.rival.pk], [two_agrs.rival.pk, two_agrs.agr.pk]):
        draft = cast.request_draft(NOON + timedelta(hours=2), recipients=ticked)
        assert post(dispatcher, where, draft).status_code == 200
        rows = FlexRequest.objects.filter(group=group)
        assert sorted(row.counterparty_id for row in rows) == sorted(ticked)


def test_nobody_ticked_is_kept_but_not_sent(two_agrs: Cast, dispatcher: Client, address: Address) -> None:
    group = drafted(two_agrs)[0].group
    draft = cast.request_draft(NOON + timedelta(hours=2), recipients=[])
    assert post(dispatcher, address("dso-request-save", group), draft).status_code == 200
    response = dispatcher.get(address("dso-request-edit", group))
    assert data_of(response)["draft"]["recipients"] == []
    answer = dispatcher.post(address("dso-request-send", group), {"draft": json.dumps(draft)})
    assert answer.status_code == 422 and "choose at least one AGR" in answer.content.decode()


def test_the_preview_is_the_xml_or_the_reasons(everybody: Cast, dispatcher: Client, address: Address) -> None:
    group = drafted(everybody)[0].group
    answer = dispatcher.post(address("dso-request-preview", group))
    assert answer["Content-Type"] == "text/plain; charset=utf-8" and b"<FlexRequest" in answer.content
    typed = {"draft": json.dumps({"expires_at": "later", "isps": []})}
    answer = dispatcher.post(address("dso-request-preview", group), typed)
    assert answer.status_code == 422 and b"ExpirationDateTime" in answer.content


# --- sending ----------------------------------------------------------------------------------------


def test_sending_takes_what_was_typed_last_and_keeps_the_forecast(
    two_agrs: Cast, dispatcher: Client, address: Address
) -> None:
    group = drafted(two_agrs)[0].group
    typed = cast.request_draft(NOON + timedelta(hours=3), forecast_w=FORECAST)
    answer: Any = dispatcher.post(address("dso-request-send", group), {"draft": json.dumps(typed)})
    assert answer.status_code == 302 and answer.url == address("dso-request", group)
    rows = list(FlexRequest.objects.filter(group=group))
    assert {row.state for row in rows} == {"sent"} and len(rows) == 2
    assert rows[0].expires_at == NOON + timedelta(hours=3) and rows[0].forecast_w == FORECAST


def test_equal_neighbours_go_out_as_one_segment(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    group = drafted(everybody)[0].group
    dispatcher.post(address("dso-request-send", group))
    segments = FlexRequest.objects.get(group=group).isps
    assert [(s["start"], s["duration"], s["disposition"]) for s in segments] == [
        (65, 4, "Available"),
        (69, 8, "Requested"),
        (77, 4, "Available"),
    ]


def test_a_refusal_shows_the_composer_again_with_nothing_lost(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    group = drafted(everybody)[0].group
    typed = cast.request_draft(NOON - timedelta(minutes=1), contract_id="NO-SUCH")
    response = dispatcher.post(address("dso-request-send", group), {"draft": json.dumps(typed)})
    data = data_of(response)
    assert response.status_code == 422
    assert {f["field"] for f in data["findings"]} >= {"ExpirationDateTime", "ContractID"}
    assert data["draft"]["contract_id"] == "NO-SUCH" and data["draft"]["isps"] == typed["isps"]
    assert FlexRequest.objects.get(group=group).state == "draft"


def test_what_was_sent_is_not_composed_any_more(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    group = sent(everybody)[0].group
    response: Any = dispatcher.get(address("dso-request-edit", group))
    assert response.status_code == 302 and response.url == address("dso-request", group)
    answer = post(dispatcher, address("dso-request-save", group), {})
    assert answer.status_code == 409 and "cannot be changed" in answer.json()["sentence"]
    assert dispatcher.post(address("dso-request-send", group)).status_code == 409
    assert dispatcher.post(address("dso-request-delete", group)).status_code == 409


def test_a_draft_is_thrown_away(everybody: Cast, dispatcher: Client, address: Address) -> None:
    group = drafted(everybody)[0].group
    assert dispatcher.post(address("dso-request-delete", group)).status_code == 302
    assert not FlexRequest.objects.exists()
    assert dispatcher.get(address("dso-request-edit", group)).status_code == 404


# --- who may ----------------------------------------------------------------------------------------


def test_a_watcher_may_not_compose(everybody: Cast, watcher: Client, address: Address) -> None:
    group = drafted(everybody)[0].group
    assert watcher.get(address("dso-request-new")).status_code == 403
    assert watcher.get(address("dso-request-edit", group)).status_code == 403
    for verb in VERBS:
        assert watcher.post(address(f"dso-request-{verb}", group)).status_code == 403


def test_a_strangers_group_and_point_do_not_exist(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    theirs = cast.answerable_request(everybody)  # the row of the AGR
    for verb in VERBS:
        assert post(dispatcher, address(f"dso-request-{verb}", theirs.group), {}).status_code == 404
    other = cast.participant("dso.other.example", "DSO", "Other DSO")
    point = CongestionPoint.objects.create(entity_address="ea1.2026-01.example.other:x", name="X", dso=other)
    typed = {"point": point.pk, "day": TOMORROW.isoformat()}
    assert dispatcher.post(address("dso-request-new"), typed).status_code == 404


def test_it_warns_that_a_running_request_for_the_day_is_replaced(
    everybody: Cast, dispatcher: Client, address: Address
) -> None:
    group = drafted(everybody)[0].group
    assert data_of(dispatcher.get(address("dso-request-edit", group)))["findings"] == []
    older = sent(everybody)[0]
    (said,) = data_of(dispatcher.get(address("dso-request-edit", group)))["findings"]
    assert (said["field"], said["severity"]) == ("", "warning")  # no field is marked as wrong
    assert said["text"].startswith(f"{older} for this day runs until 14:00")
    assert "becomes revision 2" in said["text"]
    assert dispatcher.post(address("dso-request-send", group)).status_code == 302
    assert FlexRequest.objects.get(group=group).revision == 2
