"""Keeps what a marketplace has ordered."""

import uuid

from django.db import models

from credservice.credentials.models import Credential
from provisioning.models.catalogue import Plan, Product
from provisioning.models.marketplaces import Marketplace

ID_LENGTH = 255


def subject_of(resource_id: uuid.UUID) -> str:
    """Name a resource as credentials name whose they are."""
    return f"resource:{resource_id}"


class Resource(models.Model):
    """One provisioned instance of a product on a plan. A deprovisioned one stays: its id is never used again."""

    class State(models.TextChoices):
        PROVISIONING = "provisioning"
        ACTIVE = "active"
        SUSPENDED = "suspended"
        DEPROVISIONING = "deprovisioning"
        DEPROVISIONED = "deprovisioned"
        FAILED = "failed"  # it could not be provisioned

    # Gone for everybody but the marketplace's next DELETE, which may find something left to end.
    GONE = (State.DEPROVISIONING, State.DEPROVISIONED, State.FAILED)
    ENDED = (State.DEPROVISIONED, State.FAILED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="resources")
    partner_id = models.CharField("resource id", max_length=ID_LENGTH, help_text="The marketplace's id.")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="resources")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="resources")
    region = models.CharField(max_length=130, blank=True)
    features = models.JSONField(default=dict, blank=True)
    # What was first asked for: a repeated PUT is compared with this, also after a plan change.
    request_fingerprint = models.BinaryField(max_length=32, editable=False)
    state = models.CharField(max_length=16, choices=State, default=State.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    deprovisioned_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        permissions = [("suspend_resource", "Can suspend and resume a resource")]
        constraints = [
            models.UniqueConstraint(fields=["marketplace", "partner_id"], name="provisioning_resource_id"),
        ]
        indexes = [
            models.Index(fields=["partner_id"], name="provisioning_resource_search"),
            # For the console's lists: newest first, and those that are not simply active.
            models.Index(fields=["created_at", "id"], name="provisioning_resource_newest"),
            models.Index(
                fields=["state", "created_at"],
                condition=models.Q(
                    state__in=["provisioning", "suspended", "deprovisioning", "deprovisioned", "failed"]
                ),
                name="provisioning_resource_rare",
            ),
        ]

    def __str__(self) -> str:
        return self.partner_id

    @property
    def subject(self) -> str:
        return subject_of(self.pk)


class ResourceCredential(models.Model):
    """The marketplace's credential id, bound to a credential of a resource. Kept after its end, like a resource."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="resource_credentials")
    partner_id = models.CharField("credential id", max_length=ID_LENGTH, help_text="The marketplace's id.")
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="resource_credentials")
    # The first of its line: after a rotation the line's active credential is the one that is handed out.
    credential = models.OneToOneField(Credential, on_delete=models.PROTECT, related_name="+")
    is_exclusive = models.BooleanField(
        default=False, editable=False, help_text="Made while only one credential of the resource could be live."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    deprovisioned_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["marketplace", "partner_id"], name="provisioning_credential_id"),
            # Two first credentials at once: the database takes one of them.
            models.UniqueConstraint(
                fields=["resource"],
                condition=models.Q(is_exclusive=True, deprovisioned_at__isnull=True),
                name="provisioning_credential_exclusive",
            ),
        ]
        indexes = [
            models.Index(fields=["partner_id"], name="provisioning_credential_search"),
            models.Index(fields=["created_at", "id"], name="provisioning_credential_newest"),
        ]

    def __str__(self) -> str:
        return self.partner_id

    @property
    def subject(self) -> str:
        return self.resource.subject
