"""How many messages came from one address in this minute: counted over all processes, at next to no cost.

With Redis its counter is taken: `INCR` is one step, and the key has the minute in its name.
Without it the processes of this machine share a little SQLite file of its own in STATE_DIR that is never
synced: a count may be lost with the machine, and the writers of the real database never wait for it.
"""

import functools
import ipaddress
import logging
import sqlite3
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from .away import REDIS_AWAY

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

SECONDS = 60
QUIET_MINUTES = 1
IPV6_SITE = 64  # bits: whoever has one address of it has them all
_here = threading.local()
_deaf_until = 0  # the minute from which Redis is asked again

TABLE = (
    "PRAGMA journal_mode=PERSIST; PRAGMA synchronous=OFF;"
    "CREATE TABLE IF NOT EXISTS arrivals (origin TEXT PRIMARY KEY, minute INTEGER, count INTEGER);"
)
COUNT = (
    "INSERT INTO arrivals VALUES (?, ?, 1) ON CONFLICT (origin) DO UPDATE SET"
    " count = CASE minute WHEN excluded.minute THEN count + 1 ELSE 1 END, minute = excluded.minute"
    " RETURNING count"
)


def count(address: str, now: datetime) -> int:
    """Count one more; which one of its minute it was. 0 if nothing can count now: then everybody passes."""
    minute = int(now.timestamp()) // SECONDS
    try:
        return (
            _by_redis(origin(address), minute) if _asks_redis(minute) else _by_file(origin(address), minute)
        )
    except (sqlite3.Error, OSError) as error:
        log.warning("Arrivals are not counted: %s", error)
        return 0


def until_next(now: datetime) -> int:
    """Seconds until an address that sent too much may send again."""
    return SECONDS - int(now.timestamp()) % SECONDS


def origin(address: str) -> str:
    """What is counted as one: an IPv4 address, or the network of an IPv6 one."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        mapped = ip.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(ip), IPV6_SITE), strict=False))
    return str(ip)


def _asks_redis(minute: int) -> bool:
    return bool(settings.REDIS_URL) and minute >= _deaf_until


def _by_redis(key: str, minute: int) -> int:
    """By Redis, unless it fails: then by the file until the minute after."""
    global _deaf_until
    name = f"flexportal:arrivals:{key}:{minute}"
    try:
        redis = _redis(settings.REDIS_URL)
        if (found := int(redis.incr(name))) == 1:
            redis.expire(name, 2 * SECONDS)
        return found
    except REDIS_AWAY as error:
        _deaf_until = minute + QUIET_MINUTES
        log.warning("Redis does not count; a file does until the next minute: %s", error)
        return _by_file(key, minute)


@functools.cache
def _redis(url: str) -> "Redis":
    """Not by Django's cache, which asks three times where one is enough."""
    from redis import Redis

    return Redis.from_url(url, **settings.CACHE_SERVER["OPTIONS"])


def _by_file(key: str, minute: int) -> int:
    connection = _connection()
    ((found,),) = connection.execute(COUNT, (key, minute)).fetchall()
    if found == 1:
        connection.execute("DELETE FROM arrivals WHERE minute < ?", (minute - 1,))
    return int(found)


def _connection() -> sqlite3.Connection:
    path = Path(settings.STATE_DIR) / "arrivals.sqlite3"
    known: tuple[Path, sqlite3.Connection] | None = getattr(_here, "connection", None)
    if known is None or known[0] != path:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=1.0, isolation_level=None)
        connection.executescript(TABLE)
        _here.connection = known = (path, connection)
    return known[1]
