"""Signs of life: when each sweep last ran, so that its silence is seen."""

from django.db import models


class Heartbeat(models.Model):
    """The last time that a sweep was seen to run, by any worker on any machine."""

    name = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}"
