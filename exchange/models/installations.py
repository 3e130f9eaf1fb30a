"""Stores integrations, and end users' installations of them."""

import uuid
from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db import models

from credservice.core.names import NameField
from credservice.core.placed_errors import PlacedError
from credservice.credentials.models import CredentialPolicy
from exchange.models.end_users import EndUser, clean_attributes
from exchange.models.platforms import MAX_ID, Platform
from exchange.shapes import ShapeError, check_field_names, check_shape, fault_of_field_name


class Integration(models.Model):
    """An integration that end users can install. Names the shape of the answer and the policy of its credentials."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, related_name="integrations", db_index=False)
    integration_id = NameField(max_length=MAX_ID, help_text="The platform's integrationId.")
    name = NameField(max_length=255, blank=True)
    policy = models.ForeignKey(CredentialPolicy, on_delete=models.PROTECT, related_name="integrations")
    response_shape = models.JSONField(
        help_text='Fields of the answer, such as {"apiKey": "$credential.apiKey"}. See docs/protocols/mindcloud.md.'
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    belongs_to = "platform"

    class Meta:
        permissions = [("suspend_integration", "Can suspend and resume an integration")]
        constraints = [
            models.UniqueConstraint(fields=["platform", "integration_id"], name="exchange_integration_id"),
        ]

    def __str__(self) -> str:
        return self.name or self.integration_id

    def clean(self) -> None:
        """Raise ValidationError where the shape asks for what the policy's issuer does not make."""
        if self.policy_id is None or self.response_shape is None:
            return  # the fields' own errors say so
        try:
            check_shape(self.response_shape, self.policy.value_names())
            check_field_names(self._new_fields())
        except ShapeError as error:
            place = () if error.field is None else (error.field,)
            raise ValidationError({"response_shape": PlacedError(str(error), place)}) from None

    def _new_fields(self) -> Collection[str]:
        """List the fields that the stored answer has not: one that is handed out already keeps its name."""
        bad = [name for name in self.response_shape if fault_of_field_name(name)]
        if not bad:
            return ()
        stored = type(self).objects.filter(pk=self.pk).values_list("response_shape", flat=True).first() or {}
        return [name for name in bad if name not in stored]


class Installation(models.Model):
    """One end user's instance of an integration."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting for approval"
        ACTIVE = "active"
        SUSPENDED = "suspended"
        REFUSED = "refused"  # instead of approved: nothing but an approval lets it in

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, related_name="installations", db_index=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="installations")
    end_user = models.ForeignKey(EndUser, on_delete=models.PROTECT, related_name="installations")
    installation_id = NameField(max_length=MAX_ID, help_text="The platform's installationId.")
    state = models.CharField(max_length=16, choices=State, default=State.ACTIVE)
    attributes = models.JSONField(default=dict, blank=True, help_text="Facts that a response shape may use.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = [
            ("approve_installation", "Can approve and refuse an installation"),
            ("suspend_installation", "Can suspend and resume an installation"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["platform", "installation_id"], name="exchange_installation_id"),
        ]
        indexes = [
            models.Index(
                fields=["created_at"], condition=models.Q(state="pending"), name="exchange_installation_waiting"
            ),
            models.Index(
                fields=["created_at"], condition=models.Q(state="suspended"), name="exchange_installation_paused"
            ),
            models.Index(fields=["created_at", "id"], name="exchange_installation_newest"),
        ]

    def __str__(self) -> str:
        return self.installation_id

    @property
    def subject(self) -> str:
        return f"end_user:{self.end_user_id}"

    def clean(self) -> None:
        clean_attributes(self.attributes)
        if not (self.platform_id and self.integration_id and self.end_user_id):
            return  # the fields' own errors say so
        if {self.integration.platform_id, self.end_user.platform_id} != {self.platform_id}:
            raise ValidationError("Integration and end user must belong to the installation's platform.")
