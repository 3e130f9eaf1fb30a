"""Stores the platforms that call, with their signature profiles."""

import copy
import uuid
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.utils import timezone

from credservice.core.names import AddressNameField
from credservice.crypto import Place, unseal
from credservice.crypto.fields import SealedField, place_of
from credservice.http.client_address import parse_networks
from credservice.http.outgoing import check_url
from credservice.keys.models import SigningSecretSet
from exchange.signatures.attempts import CONSTRUCTION_NAMES, SIGNED_PATH_NAMES
from exchange.signatures.verify import Profile

# Partners' ids are opaque and case-sensitive, at most this long (protocol notes, MindCloud).
MAX_ID = 255
# The shortest prefix of a network that may call unsigned, by IP version.
WIDEST_UNSIGNED = {4: 8, 6: 32}
# The settings by which a call is taken for the platform's.
PROFILE = (
    *("require_signature", "source_networks", "construction", "timestamp_header", "signed_path", "public_prefix"),
    *("lower_case_method", "tolerance_seconds", "single_use_signatures", "ids_from_query"),
)
MAX_EARLIER_PROFILES = 50


class Platform(models.Model):
    """One embedded-integration account, such as MindCloud production, with its signature profile."""

    class Construction(models.TextChoices):
        HMAC_SHA256 = "hmac-sha256", CONSTRUCTION_NAMES["hmac-sha256"]
        SHA256_MESSAGE_SECRET = "sha256-message-secret", CONSTRUCTION_NAMES["sha256-message-secret"]

    class SignedPath(models.TextChoices):
        PATH = "path", SIGNED_PATH_NAMES["path"]
        TARGET = "target", SIGNED_PATH_NAMES["target"]

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = AddressNameField(max_length=64, unique=True, help_text="Its endpoint is /credential-exchange/NAME.")
    is_default = models.BooleanField(default=False, help_text="Answers at /credential-exchange as well.")
    is_active = models.BooleanField(default=True, help_text="A suspended platform is refused everything.")
    secrets = models.OneToOneField(SigningSecretSet, on_delete=models.PROTECT, editable=False)

    # Signature profile: what MindCloud's document leaves open (protocol notes, MindCloud, table).
    require_signature = models.BooleanField(default=True)
    source_networks = models.JSONField(
        default=list, blank=True, help_text="CIDR networks that may call. Needed where no signature is required."
    )
    construction = models.CharField(max_length=32, choices=Construction, default=Construction.HMAC_SHA256)
    timestamp_header = models.CharField(
        max_length=64,
        default="X-Timestamp",
        blank=True,
        validators=[RegexValidator(r"\A[A-Za-z0-9-]*\Z", "A header name has letters, digits and hyphens.")],
        help_text="Empty: the timestamp is inside X-Signature, as t=...,v1=...",
    )
    signed_path = models.CharField(max_length=16, choices=SignedPath, default=SignedPath.PATH)
    public_prefix = models.CharField(
        max_length=255,
        blank=True,
        validators=[RegexValidator(r"\A(/[^/?#\s]+)*\Z", "Write a path such as /partners, without a final slash.")],
        help_text="A path prefix that a proxy strips before us, but that the platform signs.",
    )
    lower_case_method = models.BooleanField(default=False)
    tolerance_seconds = models.PositiveIntegerField(
        default=300, validators=[MinValueValidator(1), MaxValueValidator(3600)]
    )
    single_use_signatures = models.BooleanField(
        default=False, help_text="Refuse a signature seen before. Breaks honest runs within the same second."
    )
    ids_from_query = models.BooleanField(default=False, help_text="Read ids from the query where the body lacks them.")
    approve_installations = models.BooleanField(
        default=False, help_text="A first-seen installation of a known end user is active at once; otherwise pending."
    )
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Empty: no limit."
    )
    api_url = models.CharField(
        "API URL",
        max_length=255,
        blank=True,
        help_text="The base of MindCloud's own API, for end users and browser tokens. Empty: not used.",
    )
    sealed_api_key = SealedField(null=True, editable=False, bound_to=("api_url",))
    # So that it can be told by which profile the last call held.
    earlier_profiles = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        editable=False,
        help_text="Its signature profiles before, the oldest first: [until when, the settings that were others].",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = [("suspend_platform", "Can suspend and resume a platform")]
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="exchange_platform_one_default"
            ),
            models.CheckConstraint(
                condition=models.Q(require_signature=True) | ~models.Q(source_networks=[]),
                name="exchange_platform_unsigned_needs_networks",
                violation_error_message="Without signatures a platform needs a list of source networks.",
            ),
            models.CheckConstraint(
                condition=models.Q(tolerance_seconds__gte=1, tolerance_seconds__lte=3600),
                name="exchange_platform_tolerance",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, **kwargs: Any) -> None:
        """Save it, and note until when its calls were judged by another profile."""
        written = kwargs.get("update_fields")
        names = PROFILE if written is None else {*PROFILE} & {*written}
        if self._state.adding or not names:
            super().save(**kwargs)
            return
        with transaction.atomic():
            before = Platform.objects.select_for_update(no_key=True).get(pk=self.pk)
            others = {name: getattr(before, name) for name in names if getattr(before, name) != getattr(self, name)}
            noted = [[timezone.now().isoformat(), others]] if others else []
            self.earlier_profiles = [*before.earlier_profiles, *noted][-MAX_EARLIER_PROFILES:]
            if written is not None:
                kwargs["update_fields"] = {*written, "earlier_profiles"}
            super().save(**kwargs)

    def as_of(self, moment: datetime) -> "Platform":
        """Copy it with the signature profile that it had then."""
        then = copy.copy(self)
        for until, others in reversed(self.earlier_profiles):
            if datetime.fromisoformat(until) <= moment:
                break
            for name, value in others.items():
                setattr(then, name, value)
        return then

    def profile_changed_at(self) -> datetime | None:
        """Tell when its signature profile was last changed; None where nobody knows."""
        return datetime.fromisoformat(self.earlier_profiles[-1][0]) if self.earlier_profiles else None

    @property
    def profile(self) -> Profile:
        return Profile(
            self.construction,
            self.timestamp_header,
            self.signed_path,
            self.public_prefix,
            self.lower_case_method,
            self.tolerance_seconds,
        )

    @property
    def api_key_place(self) -> Place:
        return place_of(self, "sealed_api_key")

    def open_api_key(self) -> str:
        """Open MindCloud's API key. Raises :class:`credservice.crypto.SealError`."""
        return unseal(bytes(self.sealed_api_key or b""), self.api_key_place).decode()

    def clean(self) -> None:
        if self.api_url:
            try:
                check_url(self.api_url)
            except ValueError as error:
                raise ValidationError({"api_url": f"The URL {error}."}) from None
        if not isinstance(self.source_networks, list):
            raise ValidationError({"source_networks": 'Write a list of networks, such as ["203.0.113.0/24"].'})
        try:
            parse_networks(tuple(str(network) for network in self.source_networks))
        except ValueError as error:
            raise ValidationError({"source_networks": f"{error}."}) from None
        if not self.require_signature:
            self._clean_unsigned()

    def _clean_unsigned(self) -> None:
        """Demand narrow networks: they alone tell the platform's calls from anybody's (protocol notes, MindCloud)."""
        if not self.source_networks:
            raise ValidationError({"source_networks": "Without signatures a platform needs a list of source networks."})
        for network in parse_networks(tuple(self.source_networks)):
            if network.prefixlen < WIDEST_UNSIGNED[network.version]:
                sentence = f"Without signatures no network may be wider than /8 (IPv4) or /32 (IPv6): {network} is."
                raise ValidationError({"source_networks": sentence})


class SeenSignature(models.Model):
    """Signatures already used, of platforms that accept each one once. Kept for as long as any could verify."""

    platform = models.ForeignKey(Platform, on_delete=models.CASCADE, db_index=False)
    digest = models.BinaryField(max_length=32)
    seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "digest"], name="exchange_seensignature_once")]
        indexes = [models.Index(fields=["seen_at"], name="exchange_seensignature_age")]

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:12]
