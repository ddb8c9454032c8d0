"""What a visitor finds at the first start: the DSO has asked, by the same verbs as everybody."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model

from offers import figures
from offers.management import opening
from offers.management.commands import demo
from offers.models import FlexRequest, Message
from offers.services import market
from tests.cast import NOON, TOMORROW

pytestmark = pytest.mark.django_db


@pytest.fixture
def fresh() -> None:
    market.load((settings.BASE_DIR / demo.MARKET).read_text(), NOON)


@pytest.mark.usefixtures("fresh")
def test_the_station_is_short_tomorrow_and_every_aggregator_is_asked() -> None:
    rows = opening.ask_first(NOON)
    assert {row.counterparty.domain for row in rows} == {"agr.demo.example", "agr.sim.example"}
    assert {(row.state, row.period) for row in rows} == {("sent", TOMORROW)}
    row = FlexRequest.objects.get(pk=rows[0].pk)
    assert len(row.forecast_w) == 96
    assert max(row.forecast_w.values()) > (row.congestion_point.capacity_w or 0)
    assert figures.peak_w(figures.need_w(row.isps)) < 0
    assert not row.congestion_point.answers_automatically  # what comes in waits to be reviewed
    assert row.expires_at is not None and row.expires_at - NOON > timedelta(hours=2)


@pytest.mark.usefixtures("fresh")
def test_it_goes_out_signed_like_any_request_of_the_dso() -> None:
    opening.ask_first(NOON)
    sent = Message.objects.filter(owner__domain="dso.demo.example")
    assert {(row.type, row.state, bool(row.sealed and row.key_used)) for row in sent} == {
        ("FlexRequest", "queued", True)
    }
    events = FlexRequest.objects.earliest("pk").events.values_list("event", "user__username")
    assert list(events) == [("draft", "dso"), ("send", "dso")]


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("hours", range(0, 24 * 8, 5))
def test_it_can_be_sent_at_any_hour_of_any_day(hours: int) -> None:
    assert opening.ask_first(NOON + timedelta(hours=hours))


def test_a_market_without_that_station_is_left_alone() -> None:
    assert opening.ask_first(NOON) == []


def test_only_an_empty_database_gets_the_market_and_the_request(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "STATE_DIR", tmp_path)
    command = demo.Command()
    assert command._prepare()
    assert not command._prepare()
    assert get_user_model().objects.filter(username="dso").count() == 1
