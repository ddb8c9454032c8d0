"""Who asks: a program by its token, or a person of the portal by the session."""

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from offers.models import ApiToken
from offers.services import tokens

SCHEME = "bearer"
LONGEST = 200


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer fxp_…`; another scheme is left to whoever knows it."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME:
            return None
        token = tokens.authenticate(secret.strip(), timezone.now()) if len(secret) <= LONGEST else None
        if token is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked.")
        return token.membership.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def token_of(request: Request) -> ApiToken | None:
    """The token that the request came with; None for a session."""
    found: Any = request.auth
    return found if isinstance(found, ApiToken) else None
