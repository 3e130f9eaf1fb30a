"""Marketplaces, what they may order, and what they have ordered."""

import uuid
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.crypto import Place, unseal
from credservice.crypto.fields import SealedField

# Forms of the marketplace's names (manifold-provider-api.yaml, definitions).
label_form = RegexValidator(r"\A[a-z0-9][a-z0-9_-]{1,128}\Z", "Write 2 to 129 of a-z, 0-9, - and _.")
region_form = RegexValidator(
    r"\A[a-z0-9][a-z0-9_-]{1,63}::[a-z0-9][a-z0-9_-]{1,63}\Z", "Write PLATFORM::LOCATION, such as aws::us-east-1."
)
VALUE_NAME = r"[A-Z][A-Z0-9_]{0,127}"
ID_LENGTH = 29


class Marketplace(models.Model):
    """One marketplace account: its connector, our OAuth client there, and the master keys that we trust for it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.SlugField(max_length=64, unique=True)
    is_active = models.BooleanField(default=True, help_text="A suspended marketplace is refused everything.")
    connector_url = models.URLField(max_length=255, help_text="Such as https://api.connector.manifold.co/v1")
    client_id = models.CharField(max_length=255, blank=True)
    sealed_client_secret = SealedField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def client_secret_place(self) -> Place:
        return Place("provisioning.marketplace", self.pk, "sealed_client_secret")

    def open_client_secret(self) -> str:
        return unseal(bytes(self.sealed_client_secret or b""), self.client_secret_place).decode()


class TrustedKeyQuerySet(models.QuerySet["TrustedKey"]):
    def live(self, now: datetime | None = None) -> "TrustedKeyQuerySet":
        """Those that may endorse now."""
        unended = models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=now or timezone.now())
        return self.filter(unended, is_enabled=True, marketplace__is_active=True)


class TrustedKey(models.Model):
    """A master key whose endorsement of a live key we accept. Tells which marketplace a request came from."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.CASCADE, related_name="trusted_keys")
    label = models.CharField(max_length=128)
    public_key = models.CharField(max_length=43, unique=True, help_text="Ed25519, base64url without padding.")
    is_enabled = models.BooleanField(default=True)
    is_test = models.BooleanField(default=False, help_text="A key for trials, whose private half others may hold.")
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TrustedKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["marketplace", "label"], name="provisioning_trustedkey_label"),
        ]

    def __str__(self) -> str:
        return f"{self.marketplace}: {self.label}"


class LiveKey(models.Model):
    """A live key that a trusted key endorsed. The endorsement is remembered, so that it is verified once."""

    trusted_key = models.ForeignKey(TrustedKey, on_delete=models.CASCADE, related_name="live_keys")
    public_key = models.CharField(max_length=43)
    endorsement = models.CharField(max_length=86)
    is_denied = models.BooleanField(default=False, help_text="Refuse what this key signs; endorsements never expire.")
    first_used_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_key", "trusted_key"], name="provisioning_livekey_once"),
        ]

    def __str__(self) -> str:
        return self.public_key


class Product(models.Model):
    """What can be ordered."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="products")
    label = models.CharField(max_length=129, validators=[label_form])
    name = models.CharField(max_length=255, blank=True)
    policy = models.ForeignKey(CredentialPolicy, on_delete=models.PROTECT, related_name="products")
    regions = models.JSONField(default=list, help_text='Such as ["aws::us-east-1"]; ["all::global"] where it has none.')
    is_active = models.BooleanField(default=True, help_text="An inactive product takes no new resources.")

    class Meta:
        ordering = ["label"]
        constraints = [models.UniqueConstraint(fields=["marketplace", "label"], name="provisioning_product_label")]

    def __str__(self) -> str:
        return self.name or self.label

    def clean(self) -> None:
        """Raises ValidationError where the marketplace could not use the product."""
        from provisioning.catalogue import check_regions, check_value_names

        if self.policy_id is not None:
            check_value_names(self.policy)
        check_regions(self.regions)


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


class Resource(models.Model):
    """One provisioned instance of a product on a plan. A deprovisioned one stays: its id is never used again."""

    class State(models.TextChoices):
        PROVISIONING = "provisioning"
        ACTIVE = "active"
        SUSPENDED = "suspended"
        DEPROVISIONING = "deprovisioning"
        DEPROVISIONED = "deprovisioned"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="resources")
    partner_id = models.CharField("resource id", max_length=ID_LENGTH, help_text="The marketplace's id.")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="resources")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="resources")
    region = models.CharField(max_length=130, validators=[region_form])
    features = models.JSONField(default=dict, blank=True)
    # What was first asked for: a repeated PUT is compared with this, also after a plan change.
    request_fingerprint = models.BinaryField(max_length=32, editable=False)
    state = models.CharField(max_length=16, choices=State, default=State.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    deprovisioned_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["marketplace", "partner_id"], name="provisioning_resource_id"),
        ]
        indexes = [models.Index(fields=["partner_id"], name="provisioning_resource_search")]

    def __str__(self) -> str:
        return self.partner_id

    @property
    def subject(self) -> str:
        return f"resource:{self.pk}"


class ResourceCredential(models.Model):
    """The marketplace's credential id, bound to a credential of a resource. Kept after its end, like a resource."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="resource_credentials")
    partner_id = models.CharField("credential id", max_length=ID_LENGTH, help_text="The marketplace's id.")
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="resource_credentials")
    credential = models.OneToOneField(Credential, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    deprovisioned_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["marketplace", "partner_id"], name="provisioning_credential_id"),
        ]
        indexes = [models.Index(fields=["partner_id"], name="provisioning_credential_search")]

    def __str__(self) -> str:
        return self.partner_id
