"""The one Django app of the portal."""

from django.apps import AppConfig


class OffersConfig(AppConfig):
    name = "offers"
    verbose_name = "Flexportal"
    default_auto_field = "django.db.models.BigAutoField"
