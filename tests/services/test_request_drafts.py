"""A request draft as it was typed becomes what is sent: segments, forecast, recipients."""

from datetime import timedelta
from typing import Any

import pytest

from offers.models import FlexRequest
from offers.services import drafts, points, trading
from tests import cast
from tests.cast import NOON, TOMORROW, Cast


def isp(start: int, most: int = -1000, duration: int = 1, kind: str = "Requested") -> dict[str, Any]:
    return {
        "start": start,
        "duration": duration,
        "disposition": kind,
        "min_power": -5000,
        "max_power": most,
    }


def segments(*isps: dict[str, Any]) -> list[tuple[int, int, int]]:
    read, wrong = drafts.read_request(cast.request_draft(NOON, isps=list(isps)))
    assert read is not None and wrong == []
    return [(i.start, i.duration, i.max_power) for i in read.isps]


def test_equal_neighbours_become_one_segment_whatever_their_order() -> None:
    assert segments(isp(71), isp(69), isp(70), isp(72, -2000)) == [(69, 3, -1000), (72, 1, -2000)]


def test_a_gap_or_another_disposition_parts_them() -> None:
    assert segments(isp(69), isp(71)) == [(69, 1, -1000), (71, 1, -1000)]
    assert segments(isp(69), isp(70, kind="Available")) == [(69, 1, -1000), (70, 1, -1000)]


def test_what_is_addressed_twice_stays_for_the_rules_to_refuse() -> None:
    assert segments(isp(69, duration=2), isp(70, duration=2)) == [(69, 2, -1000), (70, 2, -1000)]


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ({"69": 1000, "70": "2000"}, {"69": 1000, "70": 2000}),
        ({"69": "1,5", "x": 1, "0": 1, "99999": 1, "70": None}, {}),
        ([1], {}),
        (None, {}),
    ],
)
def test_a_forecast_is_taken_as_far_as_it_can_be_read(typed: Any, known: dict[str, int]) -> None:
    assert drafts.read_forecast(typed) == known


def test_an_odd_forecast_stops_no_request(everybody: Cast) -> None:
    draft = cast.request_draft(NOON + timedelta(hours=2), forecast_w={"69": "?"})
    rows = trading.draft_requests(everybody.dso, everybody.point, TOMORROW, draft, everybody.operator, NOON)
    trading.send_requests(everybody.dso, rows[0].group, everybody.operator, NOON)
    assert FlexRequest.objects.get().forecast_w == {}


@pytest.mark.parametrize("typed", [["x"], [True], [10**30], "all", None])
def test_recipients_that_are_none_leave_the_rows_as_they_are(everybody: Cast, typed: Any) -> None:
    draft = cast.request_draft(NOON + timedelta(hours=2))
    rows = trading.draft_requests(everybody.dso, everybody.point, TOMORROW, draft, everybody.operator, NOON)
    changed = {**draft, "recipients": typed}
    kept = trading.save_request_draft(everybody.dso, rows[0].group, changed, everybody.operator, NOON)
    assert [row.counterparty for row in kept] == [everybody.agr]


def test_only_its_own_dso_sets_how_a_point_answers(everybody: Cast) -> None:
    points.set_answers_automatically(everybody.dso, everybody.point.pk, False)
    everybody.point.refresh_from_db()
    assert not everybody.point.answers_automatically
    with pytest.raises(type(everybody.point).DoesNotExist):
        points.set_answers_automatically(everybody.rival, everybody.point.pk, True)
