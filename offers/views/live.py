"""Pages that follow the market: the whole page once, then only the part that changes, or 304."""

import hashlib
import re
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers

from offers.models import Membership

from . import scope
from .waiting import waiting

# What is new in every answer although nothing happened: countdowns, ages and form tokens.
RESTLESS = re.compile(
    rb'(<time class="count[^"]*"[^>]*>[^<]*</time>)|(name="csrfmiddlewaretoken" value="[^"]*")'
    rb'|(<span class="ago">[^<]*</span>)'
)


def answer(
    request: HttpRequest, membership: Membership, page: str, part: str, context: dict[str, Any], now: datetime
) -> HttpResponse:
    """`page` for a visitor; for htmx, which asks every few seconds, `part` alone and only when it is new."""
    whole = request.headers.get("HX-Request") != "true"
    response = scope.render(request, membership, page if whole else part, context, now=now)
    # Both stand at one address: no cache may show the part where somebody goes back to the page.
    patch_vary_headers(response, ["HX-Request"])
    patch_cache_control(response, private=True, no_cache=True)
    if whole:
        return response
    etag = f'"{hashlib.sha256(RESTLESS.sub(b"", response.content)).hexdigest()[:32]}"'
    response["ETag"] = etag
    found = get_conditional_response(request, etag=etag, response=response)
    answered = found if isinstance(found, HttpResponse) else response
    answered["X-Waiting"] = "=".join(waiting(membership.participant, now))  # for the badge in the bar
    return answered
