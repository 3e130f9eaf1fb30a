"""Keeps what resources have used of metered features, as the vendor reports it. See docs/usage.md."""

from django.db import models

from provisioning.models.catalogue import Feature
from provisioning.models.orders import Resource

KEY_LENGTH = 255
MAX_QUANTITY = 2**63 - 1


class UsageReport(models.Model):
    """One report. Its content never changes: a correction is a report of its own that takes the place of another.

    ``received_at`` is the time of the transaction, which the line about it in the trail has as well.
    """

    id = models.BigAutoField(primary_key=True)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="+", db_index=False)
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=KEY_LENGTH, help_text="The reporter's own; one report for each of a resource.")
    quantity = models.BigIntegerField()
    at = models.DateTimeField("used at")
    corrects = models.CharField(max_length=KEY_LENGTH, blank=True, help_text="The key of the report it replaces.")
    is_corrected = models.BooleanField(default=False, help_text="Replaced, so it does not count.")
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            # The key first: the console looks for it without knowing the resource.
            models.UniqueConstraint(fields=["key", "resource"], name="provisioning_usage_key"),
            models.CheckConstraint(condition=models.Q(quantity__gte=0), name="provisioning_usage_quantity"),
        ]
        indexes = [
            # For the parts of an hour at the ends of a period.
            models.Index(
                fields=["resource", "feature", "at"],
                include=["quantity", "is_corrected"],
                name="provisioning_usage_at",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class UsageHour(models.Model):
    """The sum of the reports that count for one hour. Kept up in the transaction that writes them."""

    id = models.BigAutoField(primary_key=True)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="+", db_index=False)
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="+", db_index=False)
    hour = models.DateTimeField(help_text="Its first moment, in UTC.")
    # Sums of 64-bit numbers need more than 64 bits.
    quantity = models.DecimalField(max_digits=38, decimal_places=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["resource", "feature", "hour"], name="provisioning_usage_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00}: {self.quantity}"
