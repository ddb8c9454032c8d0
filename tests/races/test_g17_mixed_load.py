"""G17, the short form: pages, programs, messages and sweeps at once, in processes of their own that deadlock.

Left to itself the load has no deadlock in half an hour, so these are made, and each must be run again.
"""

import json
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings

pytestmark = pytest.mark.postgres


def program(minutes: float, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.races.g17", "--minutes", str(minutes), "--colliding", "--json"]
    done = subprocess.run(
        [*command, *options], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_g17_what_collides_under_mixed_load_is_run_again_and_nobody_notices() -> None:
    found = program(0.1)
    assert found["held"], found
    assert found["figures"]["deadlocks"] and sum(found["figures"]["run again"].values()), found


def test_g17_control_what_collides_and_is_not_run_again_is_an_error() -> None:
    found = program(0.05, "--weak", "once")
    assert found["unexpected"] and not found["held"], found
    assert found["figures"]["deadlocks"] and not found["recovered"], found
