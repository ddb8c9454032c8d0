"""The project as an app of its own: so that its checks and receivers are there from the start."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "flexportal"
    verbose_name = "Flexportal, the project"

    def ready(self) -> None:
        from flexportal import checks, sessions, unsafe  # noqa: F401  # all register what they have
