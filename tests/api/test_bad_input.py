"""Whatever is sent, the answer says what is wrong with it, and it is never a 5xx."""

import json

import pytest
from django.conf import settings as portal

from offers.services import drafts
from tests.cast import POINT, Cast

from .program import Program, fields

TARGET = {"congestion_point": POINT, "period": "2026-03-03"}


def raw(agr: Program, body: bytes, kind: str = "application/json") -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {agr.secret}"}
    answer = agr.client.generic("POST", "/api/v1/offers/", body, content_type=kind, headers=headers)
    return answer.status_code, answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "The body is no JSON"),
        (b"[]", "must be a JSON object"),
        (b"\xff{}", "The body is no JSON"),
        (b'{"expires_at": "2026-03-02", "expires_at": ""}', "“expires_at” is given twice"),
        (b'{"options": [{"price": "1.00", "price": "9.00"}]}', "“price” is given twice"),
        (b'{"expires_at": NaN}', "NaN is no number"),
        (b'{"expires_at": 1e999}', "1e999 is no number"),
        (b'{"expires_at": ' + b"1" * 5000 + b"}", "The body is no JSON"),
        (b'{"expires_at": "\\u0000"}', "has U+0000"),
        (b'{"expires_at": "\\ud800"}', "has U+D800"),
        (b'{"expires_at": "\\u0001"}', "has U+0001"),
        (b'{"options": ' + b"[" * 100 + b"]" * 100 + b"}", "nested more than"),
        (b'{"options": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "The body is no JSON"),
    ],
)
def test_what_is_no_json_is_said(everybody: Cast, agr: Program, body: bytes, says: str) -> None:
    status, detail = raw(agr, body)
    assert status == 400 and says in detail


def test_another_type_of_body_is_not_read(everybody: Cast, agr: Program) -> None:
    assert raw(agr, b"<FlexOffer/>", "text/xml")[0] == 415
    assert raw(agr, b"a=1", "application/x-www-form-urlencoded")[0] == 415


def test_a_body_has_its_limit(everybody: Cast, agr: Program) -> None:
    body = json.dumps({"expires_at": "x" * portal.DATA_UPLOAD_MAX_MEMORY_SIZE}).encode()
    assert raw(agr, body)[0] == 413


def test_a_draft_is_no_place_for_megabytes(everybody: Cast, agr: Program) -> None:
    large = [{"option_reference": "A", "price": "1.00", "isps": [{"note": "x" * (drafts.LARGEST - 200)}]}]
    made = agr.post("offers/", {**TARGET, "options": large})
    assert made.status_code == 201, made.content
    large[0]["isps"] = [{"note": "x" * drafts.LARGEST}]
    for answer in (
        agr.post("offers/", {**TARGET, "options": large}),
        agr.put(f"offers/{made.json()['id']}/", {"options": large}),
    ):
        assert answer.status_code == 422
        assert f"at most {drafts.LARGEST}" in answer.content.decode()


def test_what_is_wrong_thousands_of_times_is_said_often_enough(everybody: Cast, agr: Program) -> None:
    isps = [{"start": 1, "power": "x"}] * drafts.MAX_SEGMENTS
    made = agr.post("offers/", {**TARGET, "options": [{"isps": isps}]}).json()["id"]
    reasons = agr.post(f"offers/{made}/check/").json()["reasons"]
    assert len(reasons) == drafts.MOST_REASONS


@pytest.mark.parametrize(
    ("period", "far"),
    [("0001-01-01", "0001-01-01T00:00:00+12:00"), ("9999-12-31", "9999-12-31T23:59:59-12:00")],
)
def test_nobody_trades_at_the_ends_of_the_calendar(
    everybody: Cast, agr: Program, period: str, far: str
) -> None:
    isps = [{"start": 1, "duration": 1, "power": -1}]
    option = {"option_reference": "A", "price": "1.00", "isps": isps}
    made = agr.post(
        "offers/",
        {**TARGET, "period": period, "expires_at": far, "options": [option]},
    )
    assert fields(made) == ["period"]
    made = agr.post("offers/", {**TARGET, "expires_at": far, "options": [option]}).json()["id"]
    for verb in ("check", "preview", "send"):
        answer = agr.post(f"offers/{made}/{verb}/")
        assert answer.json()["reasons"][0]["field"] == "ExpirationDateTime"
    assert fields(agr.post(f"offers/{made}/schedule/", {"at": far})) == ["at"]


VALUES: list[object] = [None, 1, -1, 1.5, True, "", "x", [], [[]], {}, {"a": {}}]
VALUES += ["9" * 40, "1e39", 10**300, "-0", "∞", "١"]


def offer_with(where: str, value: object) -> dict[str, object]:
    """A draft in which one thing is `value`."""
    isp = {"start": 69, "duration": 1, "power": -1, **({where: value} if where in ("start", "power") else {})}
    isps: object = [value if where == "isp" else isp]
    option = {"option_reference": "A", "price": "1.00", "isps": isps}
    option |= {where: value} if where in ("price", "isps") else {}
    options: object = value if where == "options" else [value if where == "option" else option]
    return {"expires_at": value if where == "expires_at" else "2026-03-02T12:00:00Z", "options": options}


@pytest.mark.parametrize(
    "where", ["expires_at", "options", "option", "price", "isps", "isp", "start", "power"]
)
def test_no_value_of_a_draft_breaks_the_check(everybody: Cast, agr: Program, where: str) -> None:
    made = agr.post("offers/", TARGET).json()["id"]
    for value in VALUES:
        kept = agr.put(f"offers/{made}/", offer_with(where, value))
        assert kept.status_code == 200, value
        assert agr.post(f"offers/{made}/check/").status_code == 200, value
        assert agr.post(f"offers/{made}/preview/").status_code in (200, 422), value


@pytest.mark.parametrize(
    ("query", "says"),
    [
        *((f"limit={n}", "from 1 to 500") for n in ("0", "-1", "x", "501", "9" * 40, "")),
        ("created_from=2026-03-02T12:00:00", "has no offset from UTC"),
        ("expires_to=2026-03-02T12:00", "has no offset from UTC"),
    ],
)
def test_a_filter_that_is_none_is_said(everybody: Cast, agr: Program, query: str, says: str) -> None:
    answer = agr.get(f"offers/?{query}")
    assert answer.status_code == 422 and says in answer.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "flex_request=1e5",
        "flex_request=99999999999999999999",
        "flex_request=NaN",
        "expires_from=9999-12-31T23:59:59-12:00",
        "expires_from=0001-01-01T00:00:00%2B12:00",
        "conversation_id=%00",
        "period=9999-99-99",
        "cursor=%00",
        "state=%00",
    ],
)
def test_no_filter_breaks_a_list(everybody: Cast, agr: Program, query: str) -> None:
    assert agr.get(f"offers/?{query}").status_code in (200, 404, 422)
