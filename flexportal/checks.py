"""What `manage.py check --deploy` refuses beside what Django itself does."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security, deploy=True)
def second_factor(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A stolen password must not be enough to trade."""
    if settings.REQUIRE_MFA:
        return []
    hint = "Leave REQUIRE_MFA unset, or set it to 1."
    return [Error("Whoever trades logs in with a password alone.", hint=hint, id="flexportal.E001")]
