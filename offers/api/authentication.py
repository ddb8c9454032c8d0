"""Who asks: a program by its token, or a person of the portal by the session."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from offers.models import ApiToken, Right
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
        if _lacks_factor(token):
            raise PermissionDenied(
                "Whoever may trade here has a second factor: set it up in the browser first."
            )
        return token.membership.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _lacks_factor(token: ApiToken) -> bool:
    """A token may be older than the right: no program does what its user may not do in the browser."""
    if not settings.REQUIRE_MFA or token.membership.right == Right.VIEW:
        return False
    return not Authenticator.objects.filter(
        user_id=token.membership.user_id, type=Authenticator.Type.TOTP
    ).exists()


def token_of(request: Request) -> ApiToken | None:
    """The token that the request came with; None for a session."""
    found: Any = request.auth
    return found if isinstance(found, ApiToken) else None
