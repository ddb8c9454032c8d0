"""The door for counterparties: takes a signed message, says 200 once it is stored."""

import logging

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from redis.exceptions import RedisError

from offers.crashpoints import crashpoint
from offers.services import inbox

log = logging.getLogger(__name__)

RATE_SECONDS = 60


@csrf_exempt
def message(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    address = request.META.get("REMOTE_ADDR", "")
    crashpoint("endpoint.arrived")
    try:
        inbox.receive(_body(request, address), address, now)
    except inbox.NotTaken as error:
        return _refuse(error, address)
    except (DatabaseError, InterfaceError, OSError):
        log.exception("A message could not be stored")
        return _plain(503, "The message could not be stored; send it again.")
    crashpoint("endpoint.before_200")
    return HttpResponse(status=200)


def _body(request: HttpRequest, address: str) -> bytes:
    """Everything about a request that can be refused before its content is looked at."""
    if request.method != "POST":
        raise inbox.NotTaken(405, "Post a SignedMessage to this address.")
    _within_rate(address)
    length = request.headers.get("Content-Length", "")
    if not length or request.headers.get("Transfer-Encoding"):
        raise inbox.NotTaken(411, "Content-Length is missing.")
    if not length.isascii() or not length.isdigit():
        raise inbox.NotTaken(400, "Content-Length is no number.")
    if int(length[:12]) > inbox.MAX_BYTES or len(length) > 12:
        raise inbox.NotTaken(413, f"A message may have {inbox.MAX_BYTES} bytes at most.")
    charset = (request.content_params or {}).get("charset", "utf-8")
    if request.content_type not in ("text/xml", "application/xml") or charset.lower() not in (
        "utf-8",
        "utf8",
    ):
        raise inbox.NotTaken(400, "Content-Type must be text/xml; charset=utf-8.")
    return request.read(int(length))


def _within_rate(address: str) -> None:
    """At most so many messages a minute from one address; a cache that is down lets everybody pass."""
    key = f"rate:{address}:{int(timezone.now().timestamp()) // RATE_SECONDS}"
    try:
        cache.add(key, 0, timeout=2 * RATE_SECONDS)
        count = cache.incr(key)
    except (ValueError, OSError, RedisError):
        return
    if count > settings.MESSAGES_PER_MINUTE:
        raise inbox.NotTaken(429, f"More than {settings.MESSAGES_PER_MINUTE} messages in a minute.")


def _refuse(error: inbox.NotTaken, address: str) -> HttpResponse:
    try:
        inbox.note_refusal(error, address, timezone.now())
    except (DatabaseError, InterfaceError, OSError):
        log.exception("A refusal could not be noted")
    response = _plain(error.status, error.text)
    if error.status == 405:
        response["Allow"] = "POST"
    if error.status == 429:
        response["Retry-After"] = str(RATE_SECONDS)
    return response


def _plain(status: int, text: str) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, content_type="text/plain; charset=utf-8")
