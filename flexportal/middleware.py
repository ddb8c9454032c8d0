"""What holds for every response and request: headers for browsers, and the client's true address."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control

from offers import transport
from offers.views import endpoint

Handler = Callable[[HttpRequest], HttpResponseBase]


def headers(get_response: Handler) -> Handler:
    """Nothing is loaded from, or sent to, another host; and what somebody saw stays in no cache.

    Django has a middleware for the policy only from 6.0.
    """
    policy = "; ".join(f"{name} {value}" for name, value in settings.CONTENT_SECURITY_POLICY.items())
    private = {"no_store": True, "private": True}

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        somebody = settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers
        if somebody and "Cache-Control" not in response.headers:
            patch_cache_control(response, **private)
        return response

    return middleware


def client_address(get_response: Handler) -> Handler:
    """Behind N trusted proxies the client is the Nth address from the right; left of it is hearsay."""
    proxies = settings.TRUSTED_PROXIES

    def middleware(request: HttpRequest) -> HttpResponseBase:
        hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        if proxies and len(hops) >= proxies:
            request.META["REMOTE_ADDR"] = hops[-proxies]
        return get_response(request)

    return middleware


def door(get_response: Handler) -> Handler:
    """A counterparty's message has no session, no form and no person: it passes by all that serves those."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info == transport.MESSAGE_PATH:
            return endpoint.message(request)
        return get_response(request)

    return middleware
