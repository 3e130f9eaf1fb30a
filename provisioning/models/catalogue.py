"""What a marketplace may order."""

import uuid

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from credservice.credentials.models import CredentialPolicy
from provisioning.models.marketplaces import Marketplace

# Forms of the marketplace's names (manifold-provider-api.yaml, definitions).
label_form = RegexValidator(r"\A[a-z0-9][a-z0-9_-]{1,128}\Z", "Write 2 to 129 of a-z, 0-9, - and _.")
region_form = RegexValidator(
    r"\A[a-z0-9][a-z0-9_-]{1,63}::[a-z0-9][a-z0-9_-]{1,63}\Z", "Write PLATFORM::LOCATION, such as aws::us-east-1."
)


class Product(models.Model):
    """What can be ordered."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="products")
    label = models.CharField(max_length=129, validators=[label_form])
    name = models.CharField(max_length=255, blank=True)
    policy = models.ForeignKey(CredentialPolicy, on_delete=models.PROTECT, related_name="products")
    regions = models.JSONField(default=list, help_text='Such as ["aws::us-east-1"]; ["all::global"] where it has none.')
    provisioner = models.CharField(
        max_length=64,
        blank=True,
        help_text="An alias in PROVISIONERS: the endpoint of yours that provisions its resources, in its own time. "
        "Empty: a resource is ours alone, and there at once.",
    )
    slow_credentials = models.BooleanField(
        default=False, help_text="Its credentials take long: they are made and ended by the worker, and called back."
    )
    dashboard_url = models.URLField(
        "dashboard URL",
        max_length=255,
        blank=True,
        help_text="Your own dashboard, which a marketplace's user is handed over to. Empty: our page of the resource.",
    )
    is_active = models.BooleanField(default=True, help_text="An inactive product takes no new resources.")

    class Meta:
        permissions = [("suspend_product", "Can suspend and resume a product")]
        ordering = ["label"]
        constraints = [models.UniqueConstraint(fields=["marketplace", "label"], name="provisioning_product_label")]

    def __str__(self) -> str:
        return self.name or self.label

    def clean(self) -> None:
        """Raises ValidationError where the marketplace could not use the product."""
        from provisioning.catalogue import check_dashboard_url, check_provisioner, check_regions, check_value_names

        if self.policy_id is not None:
            check_value_names(self.policy)
        check_regions(self.regions)
        check_dashboard_url(self.dashboard_url)
        check_provisioner(self.provisioner)


class Plan(models.Model):
    """One of a product's plans, and the plans that a resource may change to from it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="plans")
    label = models.CharField(max_length=129, validators=[label_form])
    name = models.CharField(max_length=255, blank=True)
    restricts_changes = models.BooleanField(
        default=False, help_text="Only to the plans listed below; otherwise to any."
    )
    changes_to = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="changes_from")
    is_active = models.BooleanField(default=True, help_text="An inactive plan takes no new resources.")

    class Meta:
        permissions = [("suspend_plan", "Can suspend and resume a plan")]
        ordering = ["label"]
        constraints = [models.UniqueConstraint(fields=["product", "label"], name="provisioning_plan_label")]

    def __str__(self) -> str:
        return self.name or self.label


class Feature(models.Model):
    """A choice that a customer makes with a plan, or a measure of use."""

    class Type(models.TextChoices):
        BOOLEAN = "boolean"
        STRING = "string"
        NUMBER = "number"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="features")
    label = models.CharField(max_length=129, validators=[label_form])
    name = models.CharField(max_length=255, blank=True)
    type = models.CharField(max_length=16, choices=Type)
    values = models.JSONField(default=list, blank=True, help_text="What a string feature may be.")
    minimum = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    maximum = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    is_metered = models.BooleanField(default=False, help_text="Measured, not chosen: reported by GET measures.")
    plans = models.ManyToManyField(Plan, blank=True, related_name="features", help_text="Empty: every plan has it.")

    class Meta:
        ordering = ["label"]
        constraints = [models.UniqueConstraint(fields=["product", "label"], name="provisioning_feature_label")]

    def __str__(self) -> str:
        return self.name or self.label

    def clean(self) -> None:
        listed = isinstance(self.values, list) and self.values and all(isinstance(v, str) for v in self.values)
        if self.type == self.Type.STRING and not self.is_metered and not listed:
            raise ValidationError({"values": 'List what it may be, such as ["red", "blue"].'})
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValidationError({"maximum": "The maximum is under the minimum."})
        if self.is_metered and self.type != self.Type.NUMBER:
            raise ValidationError({"type": "A metered feature is a number."})
