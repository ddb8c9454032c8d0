"""G13: nothing is open past its deadline without somebody being told; the sweeps leave nothing of ours."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from offers.domain import Outcome, Verdict
from offers.models import FlexOffer, FlexRequest, Heartbeat, Message
from offers.services import gateway, heartbeat, overdue
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def kinds(now: datetime, owner: Any = None) -> set[str]:
    return {one.kind for one in overdue.overdue(now, owner)}


def queued(everybody: Cast) -> None:
    cast.send_request(everybody)


def received(everybody: Cast) -> None:
    cast.carry(cast.message_of(cast.send_request(everybody)), NOON)


def waiting(everybody: Cast) -> None:
    received(everybody)
    Message.objects.filter(state="received").update(state="waiting")


def parked(everybody: Cast) -> None:
    received(everybody)
    Message.objects.filter(state="received").update(state="parked")


def request_open(everybody: Cast) -> None:
    cast.answerable_request(everybody)


def offer_open(everybody: Cast) -> None:
    cast.accepted_offer(everybody)
    FlexRequest.objects.update(state="superseded")


def planned(everybody: Cast) -> None:
    offer_open(everybody)
    FlexOffer.objects.update(state="draft", send_at=NOON + timedelta(hours=1))


def unanswered(everybody: Cast) -> None:
    cast.accepted_offer(everybody)
    FlexRequest.objects.update(state="superseded")
    FlexOffer.objects.update(state="expired")
    Message.objects.filter(type="FlexOffer", direction="out").update(answer="")


def ordering(everybody: Cast) -> None:
    offer_open(everybody)
    FlexOffer.objects.update(state="ordering")


OPEN: dict[str, tuple[Callable[[Cast], None], timedelta]] = {
    "not_given_up": (queued, timedelta(hours=2, seconds=61)),
    "unprocessed": (received, timedelta(seconds=61)),
    "waiting": (waiting, timedelta(seconds=91)),
    "parked": (parked, timedelta(seconds=61)),
    "requests_open": (request_open, timedelta(hours=2, seconds=61)),
    "offers_open": (offer_open, timedelta(hours=1, seconds=61)),
    "planned_unsent": (planned, timedelta(hours=1, seconds=61)),
    "unanswered": (unanswered, timedelta(hours=2, seconds=1)),
    "orders_unanswered": (ordering, timedelta(hours=2, seconds=1)),
}


@pytest.mark.parametrize("kind", OPEN)
def test_g13_what_is_open_past_its_deadline_is_found(everybody: Cast, kind: str) -> None:
    prepare, deadline = OPEN[kind]
    prepare(everybody)
    assert kind not in kinds(NOON + deadline - timedelta(seconds=2))
    assert kind in kinds(NOON + deadline)


def test_g13_every_kind_is_tried_here() -> None:
    assert set(OPEN) == set(overdue.KINDS)


BY_HAND = {"parked"}  # a person has to see why


SWEPT = [name for name, kind in overdue.KINDS.items() if kind.ours and name not in BY_HAND]


@pytest.mark.parametrize("kind", SWEPT)
def test_g13_one_round_of_the_sweeps_leaves_nothing_of_ours_open(
    everybody: Cast, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was left behind, and although nobody can be reached any more."""
    monkeypatch.setattr("offers.transport.post", cast_away)
    OPEN[kind][0](everybody)
    round_of_sweeps(NOON + 2 * DAY)
    assert [one for one in overdue.overdue(NOON + 2 * DAY) if one.ours] == []


@pytest.mark.parametrize("sweep", ["deliver", "process", "expire"])
def test_g13_control_without_a_sweep_something_stays_open(
    everybody: Cast, sweep: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offers.transport.post", cast_away)
    {"deliver": queued, "process": received, "expire": offer_open}[sweep](everybody)
    round_of_sweeps(NOON + 2 * DAY, without=sweep)
    assert [one for one in overdue.overdue(NOON + 2 * DAY) if one.ours]


def cast_away(*args: Any, **options: Any) -> Outcome:
    return Outcome(Verdict.TEMPORARY, "no connection")


def round_of_sweeps(now: datetime, without: str = "") -> None:
    if without != "process":
        gateway.process(lambda: now)
    if without != "deliver":
        gateway.deliver(lambda: now, random.Random(1))
    if without != "expire":
        gateway.expire(lambda: now)


def test_g13_a_participant_sees_its_own(everybody: Cast, client: Client) -> None:
    ordering(everybody)
    client.force_login(everybody.operator)
    with time_machine.travel(NOON + timedelta(hours=3), tick=False):
        page = client.get("/dso/dso.demo.example/console/").content.decode()
    assert "Needs attention" in page and "the aggregator has not answered" in page
    assert kinds(NOON + timedelta(hours=3), everybody.rival) == set()


# --- what a monitor is told ------------------------------------------------------------------------------


def healthy(now: datetime) -> None:
    for sweep in heartbeat.SWEEPS:
        heartbeat.beat(sweep, now)


def deep(client: Client, now: datetime, **headers: str) -> tuple[int, dict[str, Any]]:
    with time_machine.travel(now, tick=False):
        answer = client.get("/health/deep", headers=headers)
    return answer.status_code, answer.json()


@pytest.fixture
def monitor(settings: Settings) -> dict[str, str]:
    settings.HEALTH_TOKEN = "let me see"
    return {"authorization": "Bearer let me see"}


def test_g13_a_monitor_hears_that_all_is_well(client: Client, monitor: dict[str, str]) -> None:
    healthy(NOON)
    status, said = deep(client, NOON + timedelta(seconds=59), **monitor)
    assert (status, said["status"], said["problems"]) == (200, "ok", [])


def test_g13_a_monitor_hears_what_is_open(everybody: Cast, client: Client, monitor: dict[str, str]) -> None:
    offer_open(everybody)
    now = NOON + timedelta(hours=2)
    healthy(now)
    status, said = deep(client, now, **monitor)
    assert (status, said["problems"]) == (503, ["2 × offer open past its expiry"])


def test_g13_what_a_counterparty_owes_is_counted_and_no_alarm(
    everybody: Cast, client: Client, monitor: dict[str, str]
) -> None:
    ordering(everybody)
    now = NOON + timedelta(hours=2, seconds=1)
    healthy(now)
    status, said = deep(client, now, **monitor)
    assert (status, said["open_past_deadline"]) == (200, {"orders_unanswered": 2})


def test_g13_a_message_that_no_worker_takes_is_an_alarm(
    everybody: Cast, client: Client, monitor: dict[str, str]
) -> None:
    cast.send_request(everybody)
    now = NOON + timedelta(minutes=6)
    healthy(now)
    assert deep(client, now, **monitor)[1]["problems"] == ["a message has been due for 360 s"]
    everybody.agr.failing_since = NOON
    everybody.agr.save()
    assert deep(client, now, **monitor)[0] == 200


def test_g13_nothing_is_said_about_a_tenant(everybody: Cast, client: Client, monitor: dict[str, str]) -> None:
    offer_open(everybody)
    said = str(deep(client, NOON + DAY, **monitor))
    assert not any(word in said for word in ("demo", "Demo", "AGR", "O-1"))


@pytest.mark.parametrize("given", [{}, {"authorization": "Bearer let me in"}, {"authorization": "Bearer "}])
def test_g13_a_stranger_is_told_nothing(client: Client, given: dict[str, str], settings: Settings) -> None:
    settings.HEALTH_TOKEN = "let me see"
    assert deep(client, NOON, **given) == (403, {"status": "for the operator"})
    settings.HEALTH_TOKEN = ""
    assert deep(client, NOON, **given)[0] == 403


def test_g13_a_trader_is_no_operator_and_an_admin_is(everybody: Cast, client: Client) -> None:
    client.force_login(everybody.manager)
    assert deep(client, NOON)[0] == 403
    client.force_login(everybody.admin)
    assert deep(client, NOON)[0] == 503


# --- G26: no beat, and two --------------------------------------------------------------------------------


@pytest.mark.parametrize("sweep", heartbeat.SWEEPS)
def test_g26_without_a_beat_health_is_red_after_a_minute(
    client: Client, monitor: dict[str, str], sweep: str
) -> None:
    healthy(NOON)
    later = NOON + timedelta(seconds=61)
    for other in set(heartbeat.SWEEPS) - {sweep}:
        heartbeat.beat(other, later)
    status, said = deep(client, later, **monitor)
    assert (status, said["problems"]) == (503, [f"no worker ran the sweep “{sweep}” within a minute"])


def test_g26_each_sweep_leaves_its_sign(everybody: Cast) -> None:
    round_of_sweeps(NOON)
    assert heartbeat.silent(NOON) == []


def test_g26_a_sign_is_not_written_at_every_ring(django_assert_num_queries: Any, db: None) -> None:
    healthy(NOON)
    with django_assert_num_queries(1):
        heartbeat.beat("deliver", NOON + timedelta(seconds=14))
    heartbeat.beat("deliver", NOON + timedelta(seconds=15))
    assert Heartbeat.objects.get(name="deliver").at == NOON + timedelta(seconds=15)


def test_g26_a_clock_that_was_set_back_hides_no_silence(client: Client, monitor: dict[str, str]) -> None:
    healthy(NOON)
    earlier = NOON - timedelta(hours=1)
    assert heartbeat.silent(earlier) == list(heartbeat.SWEEPS)
    healthy(earlier)
    assert heartbeat.silent(earlier) == []
