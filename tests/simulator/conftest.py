"""The stage on which the simulated counterparties are tested."""

import pytest

from tests.simulator.stage import OURS, THEIRS, Stage, world_with


@pytest.fixture
def stage() -> Stage:
    return Stage(world_with(*THEIRS, OURS))
