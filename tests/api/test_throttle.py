"""Each token has its own measure of reading and of acting."""

import pytest

from offers.api import throttling
from offers.services.away import REDIS_AWAY
from tests.cast import Cast

from .program import Program


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling.SimpleRateThrottle, "THROTTLE_RATES", {"read": "3/min", "act": "1/min"})


def test_who_asks_too_often_is_told_when_to_come_back(
    tight: None, everybody: Cast, agr: Program, dso: Program
) -> None:
    assert [agr.get("").status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = agr.get("")
    assert 0 < int(answer["Retry-After"]) <= 60 and "throttled" in answer.json()["detail"]
    assert dso.get("").status_code == 200


def test_acting_is_counted_apart(tight: None, everybody: Cast, agr: Program) -> None:
    body = {"recipient": "dso.demo.example/DSO"}
    assert [agr.post("messages/test/", body).status_code for _ in range(2)] == [201, 429]
    assert agr.get("").status_code == 200


def test_a_cache_that_is_down_stops_nobody(
    tight: None, everybody: Cast, agr: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object) -> None:
        raise REDIS_AWAY[-1]

    monkeypatch.setattr(throttling.SimpleRateThrottle.cache, "get", away)
    assert [agr.get("").status_code for _ in range(5)] == [200] * 5
