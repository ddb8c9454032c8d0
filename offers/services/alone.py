"""One portal alone on an SQLite file: another one, with its own state folder, would hear none of its bells.

All processes of a portal share a lock beside the file, which says what their state folder is.
"""

import fcntl
import time
from pathlib import Path
from typing import TextIO

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

WITHIN = 5.0  # seconds; whoever is the first holds the lock alone while it writes
PAUSE = 0.05


def claim() -> TextIO | None:
    """Our share of the lock, for as long as it is open; None where the database is a server.

    Raises ImproperlyConfigured where a portal with another state folder runs on the same file.
    """
    entry = settings.DATABASES["default"]
    if not entry["ENGINE"].endswith("sqlite3"):
        return None
    database = Path(entry["NAME"]).resolve()
    database.parent.mkdir(parents=True, exist_ok=True)
    mark = database.with_name(f"{database.name}.lock").open("a+")
    ours = str(Path(settings.STATE_DIR).resolve())
    if _lock(mark, fcntl.LOCK_EX):
        mark.truncate(0)
        mark.write(ours)
        mark.flush()
    _share(mark)
    mark.seek(0)  # read under the share: somebody may have come in between
    if (theirs := mark.read()) != ours:
        mark.close()
        raise ImproperlyConfigured(
            f"A portal with the state folder {theirs} already runs on {database}: stop it, or take another"
            " DATABASE_URL."
        )
    return mark


def _lock(mark: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(mark, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _share(mark: TextIO) -> None:
    """A lock that is held alone becomes a share; others wait for the moment in which one is written."""
    deadline = time.monotonic() + WITHIN
    while not _lock(mark, fcntl.LOCK_SH):
        if time.monotonic() > deadline:
            raise ImproperlyConfigured(f"{mark.name} is locked by another program.")
        time.sleep(PAUSE)
