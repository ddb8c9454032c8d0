"""G15: of several people who ask anew for one day, in however many processes, the last one alone is heard."""

import pytest

from bench.races import g15_requests
from bench.races.guard import unguarded

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

SEED = 20260302


def test_g15_of_several_new_requests_for_a_day_the_last_alone_is_open() -> None:
    verdict = g15_requests.run(days=20, seed=SEED)
    assert verdict.held, str(verdict)
    assert verdict.recovered, "no older request arrived after a newer one"


def test_g15_without_the_guard_most_days_have_several_open_requests() -> None:
    with unguarded():
        verdict = g15_requests.run(days=10, seed=SEED)
    assert verdict.doubled * 2 > verdict.tried, str(verdict)
