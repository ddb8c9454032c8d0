"""The programs that the tests need beside Python: where apt can bring what is missing, it is asked to.

`python -m tests.packages` needs nothing but Python itself: `make test` runs it while pip is at work.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from tests import servers

NEEDED: Mapping[
    str, tuple[Callable[[], object], Sequence[Sequence[str]]]
] = {  # each with what serves as well
    "PostgreSQL": (servers.postgresql_programs, [["postgresql"]]),
    "Redis": (servers.redis_program, [["redis-server"]]),
    "Chromium": (
        servers.chromium_program,
        [["chromium-headless-shell", "fonts-dejavu-core"], ["chromium", "fonts-dejavu-core"]],
    ),
}


def missing() -> list[str]:
    """The names of what is not there."""
    return [name for name, (find, _) in NEEDED.items() if not find()]


def install() -> None:
    """What is missing, where this machine can; says what apt complained of."""
    wanted = missing()
    become_root = [] if os.getuid() == 0 else ["sudo", "-n"]
    if not wanted or not shutil.which("apt-get") or not _works([*become_root, "true"]):
        return
    started = time.monotonic()
    print(f"Installing {', '.join(wanted)} …", flush=True)
    apt = [*become_root, "apt-get", "--quiet", "--quiet"]
    said = _complaint([*apt, "update"])
    for find, choices in (NEEDED[name] for name in wanted):
        for packages in choices:
            if not find():
                said += _complaint([*apt, "install", "--yes", "--no-install-recommends", *packages])
    print(f"{said}… {', '.join(wanted)}: {time.monotonic() - started:.1f} s", flush=True)


def _complaint(command: Sequence[str]) -> str:
    """Run it; what it says when it does not succeed."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def _works(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    install()
