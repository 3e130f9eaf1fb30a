"""Keeps hourly sums for the console's first page, which never counts the tables themselves."""

from datetime import timedelta
from typing import ClassVar

from django.db import models


class Tally(models.Model):
    """Count of ``name`` in one hour (UTC) of a series; of ``credentials``, of those in that state.

    Series: ``exchange`` (``granted``, or the reason of a refusal), ``exchange.granted`` and ``exchange.refused`` (a
    platform), ``exchange.seconds`` (the upper bound of a latency bucket), ``marketplace.answered`` and
    ``marketplace.refused`` (a marketplace), ``credentials`` (a state).
    """

    KEPT: ClassVar = timedelta(days=35)

    hour = models.DateTimeField()
    series = models.CharField(max_length=32)
    name = models.CharField(max_length=64)
    count = models.BigIntegerField()
    written_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()
        constraints = [
            # In the order in which they are read and pruned: no other index is needed.
            models.UniqueConstraint(fields=["series", "hour", "name"], name="statistics_tally_once"),
        ]

    def __str__(self) -> str:
        return f"{self.series} {self.name} {self.hour:%Y-%m-%d %H}h: {self.count}"
