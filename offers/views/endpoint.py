"""The door for counterparties: takes a signed message, says 200 once it is stored."""

import logging
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from offers.crashpoints import crashpoint
from offers.services import arrivals, inbox

log = logging.getLogger(__name__)


@csrf_exempt
def message(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    address = request.META.get("REMOTE_ADDR", "")
    crashpoint("endpoint.arrived")
    try:
        number = arrivals.count(address, now)
        if number > settings.MESSAGES_PER_MINUTE:
            return _too_many(number, address, now)
        inbox.receive(_body(request), address, now)
    except inbox.NotTaken as error:
        return _refuse(error, address)
    except (DatabaseError, InterfaceError, OSError):
        log.exception("A message could not be stored")
        return _plain(503, "The message could not be stored; send it again.")
    crashpoint("endpoint.before_200")
    return HttpResponse(status=200)


def _body(request: HttpRequest) -> bytes:
    """Everything about a request that can be refused before its content is looked at."""
    if request.method != "POST":
        raise inbox.NotTaken(405, "Post a SignedMessage to this address.")
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


def _too_many(number: int, address: str, now: datetime) -> HttpResponse:
    """The operator reads of it once a minute: a flood must not become one of rows, too."""
    limit = settings.MESSAGES_PER_MINUTE
    error = inbox.NotTaken(429, f"More than {limit} messages in a minute.")
    response = _refuse(error, address) if number == limit + 1 else _plain(error.status, error.text)
    response["Retry-After"] = str(arrivals.until_next(now))
    return response


def _refuse(error: inbox.NotTaken, address: str) -> HttpResponse:
    try:
        inbox.note_refusal(error, address, timezone.now())
    except (DatabaseError, InterfaceError, OSError):
        log.exception("A refusal could not be noted")
    response = _plain(error.status, error.text)
    if error.status == 405:
        response["Allow"] = "POST"
    return response


def _plain(status: int, text: str) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, content_type="text/plain; charset=utf-8")
