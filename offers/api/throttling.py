"""How often a token or a person may ask; reading and acting are counted apart."""

import logging
from typing import Any

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from offers.services.away import REDIS_AWAY

from .authentication import token_of

log = logging.getLogger(__name__)


class _PerToken(SimpleRateThrottle):
    counts_safe = True

    def allow_request(self, request: Request, view: Any) -> bool:
        """A cache that is down lets everybody pass: trading goes on."""
        if (request.method in SAFE_METHODS) != self.counts_safe:
            return True
        try:
            return super().allow_request(request, view)
        except REDIS_AWAY:
            log.warning("The cache is away: requests are not counted.")
            return True

    def get_cache_key(self, request: Request, view: Any) -> str:
        token = token_of(request)
        who = f"token{token.pk}" if token is not None else f"user{request.user.pk}"
        return self.cache_format % {"scope": self.scope, "ident": who}


class ReadThrottle(_PerToken):
    scope = "read"


class ActThrottle(_PerToken):
    scope = "act"
    counts_safe = False
