"""What the sweeps ask must not cost more with more rows; `bench.expire` measures it on a million."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from offers.models import Message
from offers.services import trading
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db


@pytest.mark.postgres
def test_what_expires_next_stands_in_an_index_in_its_order(everybody: Cast) -> None:
    """Sorting means to read all that is due for each chunk, and every message with it."""
    cast.send_request(everybody)
    with CaptureQueriesContext(connection) as captured:
        assert trading.expire_due(NOON + timedelta(days=2)) == 1
    asked = [one["sql"] for one in captured if "ORDER BY" in one["sql"]]
    assert {sql.split('"')[1] for sql in asked} == {"offers_flexoffer", "offers_flexrequest"}
    with connection.cursor() as cursor:
        for way in ("sort", "incremental_sort", "seqscan", "bitmapscan"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        for sql in asked:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Sort" not in plan and "_to_expire on" in plan, plan


def test_a_sweep_with_nothing_to_do_asks_one_question(everybody: Cast) -> None:
    """Each worker sweeps every five seconds, and nearly always there is nothing."""
    for sweep in (trading.expire_due, trading.fail_undelivered, trading.send_planned):
        with CaptureQueriesContext(connection) as captured:
            assert sweep(NOON) == 0
        assert len(captured) == 1, [one["sql"] for one in captured]


def test_a_request_that_never_arrived_has_failed(everybody: Cast) -> None:
    asked = cast.send_request(everybody)
    Message.objects.filter(pk=cast.message_of(asked).pk).update(state="failed", error="nobody answers")
    assert trading.fail_undelivered(NOON) == 1
    asked.refresh_from_db()
    assert (asked.state, asked.reason) == ("failed", "nobody answers")


def test_what_somebody_planned_stays_a_draft_when_he_has_lost_the_right(everybody: Cast) -> None:
    request, draft = cast.answerable_request(everybody), cast.offer_draft(NOON + timedelta(hours=1))
    row = trading.draft_offer(
        everybody.agr, everybody.point, everybody.dso, cast.TOMORROW, draft, everybody.trader, NOON, request
    )
    trading.schedule_offer(everybody.agr, row.pk, NOON + timedelta(minutes=5), everybody.trader, NOON)
    everybody.trader.is_active = False
    everybody.trader.save()
    trading.send_planned(NOON + timedelta(minutes=6))
    row.refresh_from_db()
    assert (row.state, row.send_at) == ("draft", None)
    assert "trader may not trade" in row.reason
