"""Set-ups in which data would be lost or spoiled sooner or later (G22): found before the first request."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from offers.services import alone

# Locks of these do not hold, or not always, between two machines or even two processes.
NETWORK = frozenset("nfs nfs4 cifs smb2 smb3 smbfs 9p afs ceph gfs2 glusterfs lustre ocfs2 beegfs".split())
MOUNTS = Path("/proc/self/mounts")
WAL_MENDED = (3, 51, 3)
KEEPS_ALL = "noeviction"


def file_system_of(path: Path, mounts: str) -> str:
    """The kind of file system that `path` lies on, by the list of mounts; empty where it says nothing."""
    found = ("", "")
    for line in mounts.splitlines():
        where, kind = line.split()[1:3]
        folder = where.replace("\\040", " ")
        if path.is_relative_to(folder) and len(folder) >= len(found[0]):
            found = (folder, kind)
    return found[1].removeprefix("fuse.")


def _mounts() -> str:
    return MOUNTS.read_text() if MOUNTS.exists() else ""


def sqlite_faults(entry: dict[str, Any], mounts: str, version: tuple[int, ...]) -> Iterator[CheckMessage]:
    """What is wrong with an SQLite database that several processes write."""
    options = entry.get("OPTIONS", {})
    kind = file_system_of(Path(entry["NAME"]).resolve(), mounts)
    if kind in NETWORK or kind == "sshfs":
        yield Error(
            f"The database lies on a network file system ({kind}), where its locks do not hold.",
            hint="Put STATE_DIR on a local disk, or use PostgreSQL.",
            id="flexportal.E010",
        )
    if options.get("transaction_mode") != "IMMEDIATE":
        yield Error(
            "SQLite transactions do not begin IMMEDIATE: two that write would fail instead of waiting.",
            hint='Set OPTIONS["transaction_mode"] to "IMMEDIATE".',
            id="flexportal.E011",
        )
    if "journal_mode=wal" in options.get("init_command", "").lower() and version < WAL_MENDED:
        yield Error(
            f"SQLite {'.'.join(map(str, version))} can spoil a database in WAL mode with several processes.",
            hint="Use journal_mode=TRUNCATE, or SQLite 3.51.3.",
            id="flexportal.E012",
        )


@register(Tags.compatibility)
def database(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    entry = settings.DATABASES["default"]
    if not entry["ENGINE"].endswith("sqlite3"):
        return []
    return list(sqlite_faults(entry, _mounts(), sqlite3.sqlite_version_info))


@register(Tags.compatibility)
def broker(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A Redis that throws keys away throws bells away; the rows bring them back, but late."""
    policy = redis_policy(settings.REDIS_URL) if settings.REDIS_URL else KEEPS_ALL
    if policy in ("", KEEPS_ALL):
        return []
    hint = "Set maxmemory-policy noeviction, in an instance of its own."
    return [Warning(f"Redis may throw away what it holds ({policy}).", hint=hint, id="flexportal.W013")]


def redis_policy(url: str) -> str:
    """What Redis does when its memory is full; empty when it does not say."""
    import redis

    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as server:
            said: Any = server.config_get("maxmemory-policy")
    except redis.RedisError:
        return ""
    return str(said.get("maxmemory-policy", ""))


_claims: list[object] = []  # held until this process ends


def refuse() -> None:
    """For the processes that run no checks of their own, such as a web server."""
    faults = database(None)
    if faults:
        raise ImproperlyConfigured("\n".join(f"{one.msg} {one.hint}" for one in faults))
    _claims[:] = [alone.claim()]
