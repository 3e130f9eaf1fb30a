"""Stores which credential a caller is handed."""

import uuid

from django.core.exceptions import ValidationError
from django.db import models

from exchange.models.end_users import EndUser
from exchange.models.installations import Installation, Integration


class Grant(models.Model):
    """Names the credential that is handed out: for an (integration, end user), or narrower, for one installation.

    By its line (see Credential): a rotation needs no change here.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="grants", db_index=False)
    end_user = models.ForeignKey(EndUser, on_delete=models.PROTECT, related_name="grants")
    installation = models.ForeignKey(
        Installation, null=True, blank=True, on_delete=models.PROTECT, related_name="grants", db_index=False
    )
    line = models.UUIDField(help_text="The line of credentials that is handed out.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = [("withdraw_grant", "Can withdraw a grant")]
        constraints = [
            models.UniqueConstraint(
                fields=["end_user", "integration"],
                condition=models.Q(installation__isnull=True),
                name="exchange_grant_one_for_end_user",
            ),
            models.UniqueConstraint(
                fields=["installation"],
                condition=models.Q(installation__isnull=False),
                name="exchange_grant_one_for_installation",
            ),
        ]
        indexes = [
            models.Index(fields=["line"], name="exchange_grant_line"),
            models.Index(fields=["created_at", "id"], name="exchange_grant_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.end_user} for {self.integration}"

    @property
    def subject(self) -> str:
        return f"end_user:{self.end_user_id}"

    def clean(self) -> None:
        """Raise ValidationError where the parties do not belong together: such a grant would never be found."""
        if not (self.integration_id and self.end_user_id):
            return
        if self.integration.platform_id != self.end_user.platform_id:
            raise ValidationError("Integration and end user must belong to the same platform.")
        narrower = self.installation
        if narrower and (narrower.integration_id, narrower.end_user_id) != (self.integration_id, self.end_user_id):
            raise ValidationError({"installation": "This installation is of another integration or end user."})
