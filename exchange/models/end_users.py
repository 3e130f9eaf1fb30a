"""Stores the vendor's customers, and the facts that answers may hold about them."""

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self

from django.contrib.postgres.indexes import OpClass
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Upper

from credservice.core.names import NameField
from exchange.models.platforms import MAX_ID, Platform
from exchange.shapes import check_attributes


class EndUser(models.Model):
    """The vendor's customer, as the platform knows it (``end_user_id``) and as the vendor does (``external_id``)."""

    IDS: ClassVar = ("platform_id", "end_user_id", "external_id")
    _ids: Mapping[str, Any] = MappingProxyType({})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, related_name="end_users", db_index=False)
    end_user_id = NameField(max_length=MAX_ID, help_text="The platform's endUserId.")
    external_id = NameField(max_length=MAX_ID, blank=True, help_text="The vendor's own id.")
    name = NameField(max_length=255, blank=True)
    attributes = models.JSONField(default=dict, blank=True, help_text="Facts that a response shape may use.")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = [
            ("suspend_enduser", "Can suspend and resume an end user"),
            ("rebind_enduser", "Can say which customer of the vendor's an end user is"),
        ]
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

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        """Remember by which ids the row is known: see :meth:`clean`."""
        found = super().from_db(*args, **kwargs)
        found._ids = {name: found.__dict__[name] for name in cls.IDS if name in found.__dict__}
        return found

    def clean(self) -> None:
        """Raise ValidationError also where an id would change: credentials are made and handed out by them.

        ``exchange.services.rebinding`` alone gives another ``external_id``, and ends what was made by the one before.
        """
        clean_attributes(self.attributes)
        changed = [name for name, value in self._ids.items() if value and getattr(self, name) != value]
        if changed:
            hint = " Re-bind the end user in the console." if changed == ["external_id"] else ""
            raise ValidationError({name: f"It is {self._ids[name]}, and never changes.{hint}" for name in changed})


class UnsettledEndUser(models.Model):
    """An end user that is being created at MindCloud; one whose row stays is one of which it is not known."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, related_name="+", db_index=False)
    external_id = NameField(max_length=MAX_ID, help_text="The vendor's own id.")
    name = NameField(max_length=255, blank=True)
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
