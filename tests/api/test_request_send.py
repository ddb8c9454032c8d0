"""request-groups/: a DSO drafts, changes, checks and sends one request to several AGRs."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from offers.models import FlexRequest
from tests.cast import NOON, POINT, Cast, deliver_all, request_draft

from .program import Program, fields

NEED = {"congestion_point": POINT, "period": "2026-03-03"}
DRAFT = request_draft(NOON + timedelta(hours=2))


@pytest.fixture
def group(everybody: Cast, dso: Program) -> str:
    return str(dso.post("request-groups/", {**NEED, **DRAFT}).json()["group"])


def test_a_draft_asks_all_of_the_point(everybody: Cast, dso: Program) -> None:
    everybody.point.agrs.add(everybody.rival)
    answer = dso.post("request-groups/", {**NEED, **DRAFT})
    assert answer.status_code == 201
    made = answer.json()
    assert [party["domain"] for party in made["recipients"]] == ["agr.demo.example", "agr.rival.example"]
    assert made["draft"] == DRAFT
    assert [row["state"] for row in made["requests"]] == ["draft", "draft"]


def test_or_those_that_are_named(everybody: Cast, dso: Program) -> None:
    everybody.point.agrs.add(everybody.rival)
    made = dso.post("request-groups/", {**NEED, **DRAFT, "recipients": ["agr.rival.example"]}).json()
    assert [party["domain"] for party in made["recipients"]] == ["agr.rival.example"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"recipients": ["agr.rival.example", "x"]}, ["recipients", "recipients"]),
        ({"recipients": []}, ["recipients"]),
        ({"recipients": "all"}, ["recipients"]),
        ({"congestion_point": "elsewhere"}, ["congestion_point"]),
        ({"period": "soon", "expires": 1}, ["period", "expires"]),
    ],
)
def test_what_cannot_be_drafted_is_named(
    everybody: Cast, dso: Program, changes: dict[str, Any], named: list[str]
) -> None:
    assert fields(dso.post("request-groups/", {**NEED, **DRAFT, **changes})) == named
    assert not FlexRequest.objects.exists()


def test_a_draft_is_changed(everybody: Cast, dso: Program, group: str) -> None:
    everybody.point.agrs.add(everybody.rival)
    changed = {"period": "2026-03-04", "recipients": ["agr.rival.example"], "expires_at": "later"}
    answer = dso.put(f"request-groups/{group}/", changed)
    assert answer.status_code == 200
    assert (answer.json()["period"], answer.json()["draft"]) == ("2026-03-04", {"expires_at": "later"})
    assert [row["counterparty"]["domain"] for row in answer.json()["requests"]] == ["agr.rival.example"]
    answer = dso.put(f"request-groups/{group}/", DRAFT)
    assert answer.json()["period"] == "2026-03-04" and len(answer.json()["recipients"]) == 1


def test_it_is_checked_and_previewed(dso: Program, group: str) -> None:
    assert dso.post(f"request-groups/{group}/check/").json() == {"ok": True, "reasons": []}
    assert "<FlexRequest" in dso.post(f"request-groups/{group}/preview/").json()["xml"]
    dso.put(f"request-groups/{group}/", {"isps": [{"start": 1, "disposition": "Maybe"}]})
    verdict = dso.post(f"request-groups/{group}/check/").json()
    assert {reason["field"] for reason in verdict["reasons"]} == {
        "ExpirationDateTime",
        "ISP[1].MinPower",
        "ISP[1].MaxPower",
        "ISP[1].Disposition",
        "ISP",
    }
    assert len(fields(dso.post(f"request-groups/{group}/preview/"))) == 5


def test_it_is_sent_and_arrives(dso: Program, agr: Program, group: str) -> None:
    answer = dso.post(f"request-groups/{group}/send/")
    assert answer.status_code == 200
    assert [(row["state"], row["revision"]) for row in answer.json()["requests"]] == [("sent", 1)]
    assert answer.json()["draft"] is None
    deliver_all(NOON)
    got = agr.get("requests/?state=accepted").json()["results"][0]
    assert got["isps"][0] == {
        "start": 65,
        "duration": 4,
        "disposition": "Available",
        "min_power": -3000000,
        "max_power": 100000,
    }
    assert dso.get(f"requests/?group={group}").json()["results"][0]["state"] == "accepted"
    assert dso.post(f"request-groups/{group}/send/").status_code == 409
    assert dso.delete(f"request-groups/{group}/").status_code == 409


def test_a_wrong_one_is_refused_with_all_reasons(dso: Program, group: str) -> None:
    dso.put(f"request-groups/{group}/", {"expires_at": "soon"})
    assert fields(dso.post(f"request-groups/{group}/send/")) == ["ExpirationDateTime", "ISP"]
    assert FlexRequest.objects.get().state == "draft"


def test_a_draft_is_thrown_away(dso: Program, group: str) -> None:
    assert dso.delete(f"request-groups/{group}/").status_code == 204
    assert dso.get(f"request-groups/{group}/").status_code == 404


@pytest.mark.parametrize("call", ["", "check/", "preview/", "send/"])
def test_nobody_else_does_it(
    everybody: Cast, agr: Program, watcher: Program, rival: Program, dso: Program, group: str, call: str
) -> None:
    for program in (agr, watcher, rival):
        verb = program.post if call else program.delete
        assert verb(f"request-groups/{group}/{call}").status_code == 403
    absent = f"request-groups/{uuid4()}/{call}"
    assert (dso.post if call else dso.delete)(absent).status_code == 404
