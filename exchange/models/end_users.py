"""The vendor's customers, and the facts that answers may hold about them."""

import uuid
from typing import Any

from django.contrib.postgres.indexes import OpClass
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Upper

from exchange.models.ids import MAX_ID
from exchange.models.platforms import Platform
from exchange.shapes import check_attributes


class EndUser(models.Model):
    """The vendor's customer, as the platform knows it (``end_user_id``) and as the vendor does (``external_id``)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, related_name="end_users", db_index=False)
    end_user_id = models.CharField(max_length=MAX_ID, help_text="The platform's endUserId.")
    external_id = models.CharField(max_length=MAX_ID, blank=True, help_text="The vendor's own id.")
    name = models.CharField(max_length=255, blank=True)
    attributes = models.JSONField(default=dict, blank=True, help_text="Facts that a response shape may use.")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = [("suspend_enduser", "Can suspend and resume an end user")]
        constraints = [
            models.UniqueConstraint(fields=["platform", "end_user_id"], name="exchange_enduser_id"),
            models.UniqueConstraint(
                fields=["platform", "external_id"],
                condition=~models.Q(external_id=""),
                name="exchange_enduser_external_id",
            ),
        ]
        indexes = [
            models.Index(fields=["external_id"], name="exchange_enduser_external"),
            # For whoever looks one up by how its name begins, in whatever case.
            models.Index(OpClass(Upper("name"), name="text_pattern_ops"), name="exchange_enduser_name"),
            # For the console's lists: newest first, and the few that are suspended.
            models.Index(fields=["created_at", "id"], name="exchange_enduser_newest"),
            models.Index(fields=["created_at"], condition=models.Q(is_active=False), name="exchange_enduser_suspended"),
        ]

    def __str__(self) -> str:
        return self.name or self.external_id or self.end_user_id

    @property
    def subject(self) -> str:
        return f"end_user:{self.pk}"

    def clean(self) -> None:
        clean_attributes(self.attributes)


class UnsettledEndUser(models.Model):
    """An end user that is being created at MindCloud; one whose row stays is one of which it is not known."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, related_name="+", db_index=False)
    external_id = models.CharField(max_length=MAX_ID, help_text="The vendor's own id.")
    name = models.CharField(max_length=255, blank=True)
    sent_at = models.DateTimeField(null=True, help_text="From then on MindCloud may have created it.")
    why = models.CharField(max_length=255, blank=True, help_text="Why it is not known.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "unsettled end user"
        permissions = [("settle_unsettledenduser", "Can settle whether an end user was created")]
        constraints = [
            models.UniqueConstraint(fields=["platform", "external_id"], name="exchange_unsettled_once"),
        ]

    def __str__(self) -> str:
        return self.external_id


def clean_attributes(attributes: Any) -> None:
    try:
        check_attributes(attributes)
    except ValueError as error:
        raise ValidationError({"attributes": str(error)}) from None
