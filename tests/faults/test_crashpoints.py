"""The crash points themselves: every name is a place, every place has a name, and nobody dies unasked."""

import re
import subprocess
import sys
from collections import Counter

import pytest
from django.conf import settings

from offers import crashpoints


def _places() -> Counter[str]:
    files = (settings.BASE_DIR / "offers").rglob("*.py")
    return Counter(
        name for file in files for name in re.findall(r'crashpoint\("([^"]+)"\)', file.read_text())
    )


def test_g02_every_crash_point_is_one_place_in_the_code() -> None:
    assert _places() == Counter(crashpoints.POINTS)


@pytest.mark.parametrize("where", ["no.such.place:1", "inbox.stored", "inbox.stored:0", "inbox.stored:x"])
def test_g02_a_crash_point_that_does_not_exist_is_an_error(where: str) -> None:
    with pytest.raises(crashpoints.NoSuchPoint):
        crashpoints.arm(where)


@pytest.mark.parametrize(("where", "lives"), [("inbox.stored:1", 0), ("inbox.stored:3", 2), ("", 5)])
def test_g02_a_process_dies_at_the_visit_that_was_named_and_not_before(where: str, lives: int) -> None:
    visits = (
        "for n in range(5): c.crashpoint('inbox.stored'); c.crashpoint('inbox.opened'); print(n, flush=True)"
    )
    program = f"from offers import crashpoints as c\nc.arm({where!r})\n{visits}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=settings.BASE_DIR, capture_output=True, check=False
    )
    assert len(done.stdout.split()) == lives
    assert done.returncode == (crashpoints.EXIT_CODE if where else 0)
