"""Keeps what a marketplace may order."""

import uuid

from django.core.exceptions import ValidationError
from django.db import models

from credservice.core.names import NameField
from credservice.credentials.models import CredentialPolicy
from provisioning.models.marketplaces import Marketplace
from provisioning.models.validators import (
    check_dashboard_url,
    check_object,
    check_provisioner,
    check_regions,
    check_shape,
    check_tags,
    check_value_names,
    label_form,
    version_form,
)


class Product(models.Model):
    """Something that can be ordered."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="products")
    label = models.CharField(max_length=129, validators=[label_form])
    name = NameField(max_length=255, blank=True)
    policy = models.ForeignKey(CredentialPolicy, on_delete=models.PROTECT, related_name="products")
    regions = models.JSONField(
        default=list,
        blank=True,
        help_text='Such as ["aws::us-east-1"]; ["all::global"] where it has none. Empty where the protocol knows none.',
    )
    description = models.CharField(
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text="For the customer, in catalogues that we serve.",
    )
    tags = models.JSONField(default=list, blank=True, db_default=models.Value([], models.JSONField()))
    metadata = models.JSONField(
        default=dict,
        blank=True,
        db_default=models.Value({}, models.JSONField()),
        help_text='What catalogues that we serve say of it besides, such as {"displayName": "Bear"}.',
    )
    credentials_shape = models.JSONField(
        default=dict,
        blank=True,
        db_default=models.Value({}, models.JSONField()),
        help_text="The JSON object that a credential is handed out as, for protocols that leave it to you: texts such "
        'as "$API_KEY" stand for the values. Empty: the values by their names.',
    )
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

    belongs_to = "marketplace"

    class Meta:
        permissions = [("suspend_product", "Can suspend and resume a product")]
        ordering = ["label"]
        constraints = [models.UniqueConstraint(fields=["marketplace", "label"], name="provisioning_product_label")]

    def __str__(self) -> str:
        return self.name or self.label

    @property
    def subject(self) -> str:
        return self.marketplace.subject

    def clean(self) -> None:
        """Raises ValidationError where the marketplace could not use the product."""
        if self.marketplace_id is None:
            return  # the field's own rule says so
        if self.policy_id is not None:
            check_value_names(self.policy, self.marketplace.protocol_name)
            check_shape(self.credentials_shape, self.policy.value_names())
        check_regions(self.regions, self.marketplace.protocol_name)
        check_object("metadata", self.metadata)
        check_tags(self.tags)
        check_dashboard_url(self.dashboard_url)
        check_provisioner(self.provisioner)


class Plan(models.Model):
    """One of a product's plans, and the plans that a resource may change to from it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="plans")
    label = models.CharField(max_length=129, validators=[label_form])
    name = NameField(max_length=255, blank=True)
    description = models.CharField(
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text="For the customer, in catalogues that we serve.",
    )
    is_free = models.BooleanField("free", default=True, db_default=True, help_text="So catalogues that we serve say.")
    metadata = models.JSONField(
        default=dict,
        blank=True,
        db_default=models.Value({}, models.JSONField()),
        help_text='What those say of it besides, such as {"bullets": ["2 CPU"], "costs": [{"amount": {"eur": 9}, '
        '"unit": "MONTHLY"}]}.',
    )
    maintenance_version = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        validators=[version_form],
        help_text="Of what is behind the plan, such as 2.1.0 (semantic versioning), where its customers should know.",
    )
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

    @property
    def subject(self) -> str:
        return self.product.subject

    def clean(self) -> None:
        check_object("metadata", self.metadata)


class Feature(models.Model):
    """A choice that a customer makes with a plan, or a measure of use."""

    class Type(models.TextChoices):
        BOOLEAN = "boolean"
        STRING = "string"
        NUMBER = "number"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="features")
    label = models.CharField(max_length=129, validators=[label_form])
    name = NameField(max_length=255, blank=True)
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

    @property
    def subject(self) -> str:
        return self.product.subject

    def clean(self) -> None:
        listed = isinstance(self.values, list) and self.values and all(isinstance(v, str) for v in self.values)
        if self.type == self.Type.STRING and not self.is_metered and not listed:
            raise ValidationError({"values": 'List what it may be, such as ["red", "blue"].'})
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValidationError({"maximum": "The maximum is under the minimum."})
        if self.is_metered and self.type != self.Type.NUMBER:
            raise ValidationError({"type": "A metered feature is a number."})
