"""The one Django app of the portal."""

from django.apps import AppConfig
from django.conf import settings

from offers import crashpoints


class OffersConfig(AppConfig):
    name = "offers"
    verbose_name = "Flexportal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        crashpoints.arm(settings.CRASH_AT)
