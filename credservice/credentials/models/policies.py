"""Keeps the policies that credentials are made by."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import models, transaction
from django.utils import timezone

from credservice.core.jobs import enqueue
from credservice.core.names import AddressNameField
from credservice.core.placed_errors import PlacedError
from credservice.core.time_spans import spoken
from credservice.issuers import get_issuer
from credservice.issuers.base import Issuer
from credservice.issuers.options import OptionsError
from credservice.issuers.probes import check_probe

DEFAULT_OVERLAP = timedelta(hours=24)
MADE_BY_NOW = timedelta(minutes=10)  # longer than an issuer's call takes
MAX_EARLIER_NAMES = 50  # changes that are kept in mind: each is a part of a query


def fitting_overlap(lifetime: timedelta | None) -> timedelta:
    """Choose the overlap of a policy for which none is written: it has to be shorter than the lifetime."""
    return DEFAULT_OVERLAP if lifetime is None or lifetime > DEFAULT_OVERLAP else max(lifetime, timedelta(0)) / 2


class CredentialPolicy(models.Model):
    """A way to make credentials: by which issuer, with what options, and for how long."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = AddressNameField(max_length=128, unique=True)
    issuer = models.CharField(max_length=64, help_text="An alias in CREDENTIAL_ISSUERS.")
    options = models.JSONField(default=dict, blank=True, help_text="The issuer's options, a JSON object.")
    lifetime = models.DurationField(
        null=True, blank=True, help_text="Each credential expires after this; empty: never."
    )
    rotation_period = models.DurationField(null=True, blank=True, help_text="Rotate after this; empty: by hand.")
    overlap = models.DurationField(
        default=DEFAULT_OVERLAP, help_text="How long the predecessor stays good after a rotation."
    )
    multiple = models.BooleanField(default=True, help_text="Several credentials of one owner may be live at once.")
    stale_for = models.DurationField(
        default=timedelta(hours=1),
        help_text="While the issuer is down, a still valid credential is handed out for this long after it was due.",
    )
    probe = models.JSONField(
        default=dict, blank=True, help_text="A trial of each new credential before it is handed out. Empty: none."
    )
    # A credential keeps its names, sealed with its values: so when it was made tells what it lacks.
    earlier_names = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        editable=False,
        help_text="What its values were called before, the oldest first: [until when, names].",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "credential policies"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(lifetime__isnull=True) | models.Q(lifetime__gt=models.F("overlap")),
                name="credentials_policy_lifetime_over_overlap",
                violation_error_message="The lifetime must be longer than the overlap.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, **kwargs: Any) -> None:
        """Save it, and note until when its values had other names. Another rotation period reaches what is live by a
        job."""
        written = kwargs.get("update_fields")
        if self._state.adding or (written is not None and not {"issuer", "options", "rotation_period"} & {*written}):
            super().save(**kwargs)
            return
        with transaction.atomic():
            before = CredentialPolicy.objects.select_for_update(no_key=True).get(pk=self.pk)
            self.earlier_names = before.earlier_names
            old, new = before.names_or_none(), self.names_or_none()
            if old is not None and new is not None and {*old} != {*new}:
                noted = [*before.earlier_names, [timezone.now().isoformat(), [*old]]]
                self.earlier_names = noted[-MAX_EARLIER_NAMES:]
            if written is not None:
                kwargs["update_fields"] = {*written, "earlier_names"}
            super().save(**kwargs)
            if before.rotation_period != self.rotation_period:
                # One after the other; the later one finds what was being made by the old period. Its lock is another:
                # whatever shares one waits for the older job's time.
                task, lock = "credentials.reschedule", f"credentials.reschedule:{self.pk}"
                enqueue(task, policy_id=self.pk, lock=lock)
                enqueue(task, policy_id=self.pk, at=timezone.now() + MADE_BY_NOW, lock=f"{lock}:later")

    def names_or_none(self) -> tuple[str, ...] | None:
        """Find the names of its values; None where settings have lost its issuer, or its options are of an older kind.

        Those are then nobody's to compare.
        """
        try:
            return self.value_names()
        except (ImproperlyConfigured, OptionsError, KeyError, TypeError):
            return None

    def gains(self) -> list[tuple[datetime | None, datetime, list[str]]]:
        """List when credentials were made, from and until, without values that it has by now, and the names of these.

        The first time begins with the policy.
        """
        names, found = self.names_or_none() or (), list[tuple[datetime | None, datetime, list[str]]]()
        since: datetime | None = None
        for text, had in self.earlier_names:
            until = datetime.fromisoformat(text)
            if lacked := [name for name in names if name not in had]:
                found.append((since, until, lacked))
            since = until
        return found

    def ends_unrenewed_after(self) -> timedelta | None:
        """Find the life of what it makes, where that ends before a successor was made; None where it does not.

        Of entered values, each ends so.
        """
        own = self.backend().own_lifetime(self.options)
        lifetime = self.lifetime or (own if isinstance(own, timedelta) else None)
        period = self.rotation_period if self.backend().generates else None
        return None if lifetime is None or (period is not None and period < lifetime) else lifetime

    def backend(self) -> Issuer:
        return get_issuer(self.issuer)

    def value_names(self) -> tuple[str, ...]:
        """The names of the values of every credential made by this policy."""
        return self.backend().value_names(self.options)

    def clean(self) -> None:
        """Raises ValidationError where credentials could not be made by this policy."""
        self._clean_times()
        if not isinstance(self.options, dict):
            raise ValidationError({"options": "Write a JSON object."})
        try:
            self.backend().check_options(self.options)
        except ImproperlyConfigured as error:
            raise ValidationError({"issuer": str(error)}) from None
        except OptionsError as error:
            raise ValidationError({"options": _told(error)}) from None
        self._clean_rotation()
        try:
            self.backend().check_lifetime(self.options, self.lifetime)
        except OptionsError as error:
            raise ValidationError({"lifetime" if self.lifetime else "options": _told(error)}) from None
        try:
            if self.probe:
                check_probe(self.probe, self.value_names())
        except OptionsError as error:
            raise ValidationError({"probe": _told(error)}) from None

    def _clean_times(self) -> None:
        if self.overlap is not None and self.overlap < timedelta(0):
            raise ValidationError({"overlap": "The overlap must be at least zero."})
        if self.stale_for is not None and self.stale_for < timedelta(0):
            raise ValidationError({"stale_for": "This time must be at least zero."})
        if self.lifetime is not None and self.lifetime <= timedelta(0):
            raise ValidationError({"lifetime": "The lifetime must be longer than zero."})
        if self.lifetime is not None and self.overlap is not None and self.lifetime <= self.overlap:
            sentence = "The overlap must be shorter than the lifetime. Write one, such as half of it."
            raise ValidationError({"overlap": sentence})
        if self.rotation_period is not None and self.rotation_period <= timedelta(0):
            raise ValidationError({"rotation_period": "The rotation period must be longer than zero."})

    def _clean_rotation(self) -> None:
        if self.rotation_period is not None and not self.backend().generates:
            sentence = "Its values are entered: nothing can rotate them by itself. Leave this empty."
            raise ValidationError({"rotation_period": sentence})
        if self.rotation_period is not None and self.overlap is not None and self.rotation_period <= self.overlap:
            sentence = f"The rotation period must be longer than the overlap, {spoken(self.overlap)}."
            raise ValidationError({"rotation_period": f"{sentence} Write a longer one, or a shorter overlap."})


def _told(error: OptionsError) -> ValidationError:
    """Say it with the option that is at fault as code, by which a form finds the field, and its place for an API."""
    return PlacedError(f"{error}.", error.place, code=error.option or None)
