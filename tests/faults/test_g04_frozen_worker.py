"""G04: a worker that is frozen in the middle of a post and wakes after its leases changes nothing twice."""

import pytest

from bench.faults import g04, town

pytestmark = pytest.mark.django_db


def test_g04_a_worker_that_wakes_late_is_fenced_off(kind: str) -> None:
    with town.hamlet(kind, settings={"LEASE_SECONDS": str(g04.LEASE)}) as place:
        found = g04.run(place)
    assert found["taken_over"] and not found["lost"] and not found["doubled"], found
    assert found["fenced"], "the frozen one must have ended its attempts, too"


@pytest.mark.control
def test_g04_control_without_the_fence_it_changes_what_another_one_has_settled(kind: str) -> None:
    with town.hamlet(kind, settings=town.weakened("unfenced", LEASE_SECONDS=str(g04.LEASE))) as place:
        found = g04.run(place)
    assert found["doubled"], found
