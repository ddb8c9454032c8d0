"""How often something was done, so that it cannot be done too often."""

from django.db import models


class Tally(models.Model):
    """How many of one kind were counted in the window that ends at `until`.

    The key is a digest: people type passwords where a user name belongs, and none may lie here.
    """

    key = models.CharField(max_length=64, unique=True)
    count = models.PositiveIntegerField()
    until = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return f"{self.count} until {self.until:%H:%M:%S}"
