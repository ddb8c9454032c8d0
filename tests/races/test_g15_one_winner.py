"""G15: whoever falls out over an offer, in however many processes: one wins, others hear why."""

from collections import defaultdict

import pytest

from bench.races import g15
from bench.races.guard import unguarded

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

SEED = 20260302


def test_g15_one_winner_of_each_offer_and_the_right_reason_for_the_others() -> None:
    verdict = g15.run(offers=500, seed=SEED)
    assert verdict.held, str(verdict)
    won = verdict.figures["won"]
    assert set(won) == {f"{side} {verb}" for side in ("AGR", "DSO") for verb in ("order", "revoke", "expire")}
    assert verdict.recovered, "nothing expired before it was decided: the clock did not take part"


def test_g15_at_the_very_same_moment_there_is_one_winner_too() -> None:
    """As the control, but for the guard."""
    verdict = g15.run(offers=30, seed=SEED, crowded=True)
    assert verdict.held, str(verdict)


def test_g15_a_reason_that_names_what_never_was_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(g15, "_states_of_offers", lambda: defaultdict(set))
    assert g15.run(offers=10, seed=SEED, crowded=True).unexpected


def test_g15_without_the_guard_most_offers_have_several_winners() -> None:
    with unguarded():
        verdict = g15.run(offers=30, seed=SEED, crowded=True)
    assert verdict.doubled * 2 > verdict.tried, str(verdict)
