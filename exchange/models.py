"""Who may fetch a credential through the exchange door, and which one."""

import uuid
from typing import Any

from django.contrib.postgres.indexes import OpClass
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Upper

from credservice.credentials.models import CredentialPolicy
from credservice.crypto import Place, unseal
from credservice.crypto.fields import SealedField
from credservice.http.client_address import parse_networks
from credservice.http.outgoing import check_url
from credservice.keys.models import SigningSecretSet
from exchange.shapes import check_attributes, check_shape
from exchange.signing import Profile

# Foreign keys that lead a unique constraint have no index of their own (``db_index=False``): the constraint's serves.
# More than that: on a second index, a plan that was prepared while the tables were small may settle, and then walk
# through a platform's hundred thousand installations for one of them.

# Partners' ids are opaque and case-sensitive, at most this long (protocol notes, MindCloud).
MAX_ID = 255
# The shortest prefix of a network that may call unsigned, by IP version.
WIDEST_UNSIGNED = {4: 8, 6: 32}


class Platform(models.Model):
    """One embedded-integration account, such as MindCloud production, with its signature profile."""

    class Construction(models.TextChoices):
        HMAC_SHA256 = "hmac-sha256", "HMAC-SHA256(secret, message)"
        SHA256_MESSAGE_SECRET = "sha256-message-secret", "SHA-256(message + secret)"

    class SignedPath(models.TextChoices):
        PATH = "path", "Path as sent, without the query"
        TARGET = "target", "Path and query as sent"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.SlugField(max_length=64, unique=True, help_text="Its endpoint is /credential-exchange/NAME.")
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
    sealed_api_key = SealedField(null=True, editable=False)
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
        return Place("exchange.platform", self.pk, "sealed_api_key")

    def open_api_key(self) -> str:
        """MindCloud's API key. Raises :class:`credservice.crypto.SealError`."""
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
        """The networks are all that tells the platform's calls from anybody's (protocol notes, MindCloud)."""
        if not self.source_networks:
            raise ValidationError({"source_networks": "Without signatures a platform needs a list of source networks."})
        for network in parse_networks(tuple(self.source_networks)):
            if network.prefixlen < WIDEST_UNSIGNED[network.version]:
                sentence = f"Without signatures no network may be wider than /8 (IPv4) or /32 (IPv6): {network} is."
                raise ValidationError({"source_networks": sentence})


class Integration(models.Model):
    """What an end user can install. Names the shape of the answer and the policy of its credentials."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, related_name="integrations", db_index=False)
    integration_id = models.CharField(max_length=MAX_ID, help_text="The platform's integrationId.")
    name = models.CharField(max_length=255, blank=True)
    policy = models.ForeignKey(CredentialPolicy, on_delete=models.PROTECT, related_name="integrations")
    response_shape = models.JSONField(
        help_text='Fields of the answer, such as {"apiKey": "$credential.apiKey"}. See docs/protocols/mindcloud.md.'
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = [("suspend_integration", "Can suspend and resume an integration")]
        constraints = [
            models.UniqueConstraint(fields=["platform", "integration_id"], name="exchange_integration_id"),
        ]

    def __str__(self) -> str:
        return self.name or self.integration_id

    def clean(self) -> None:
        """Raises ValidationError where the shape asks for what the policy's issuer does not make."""
        if self.policy_id is not None:
            try:
                check_shape(self.response_shape, self.policy.value_names())
            except ValueError as error:
                raise ValidationError({"response_shape": str(error)}) from None


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
        _clean_attributes(self.attributes)


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


class Installation(models.Model):
    """One end user's instance of an integration."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting for approval"
        ACTIVE = "active"
        SUSPENDED = "suspended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, related_name="installations", db_index=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="installations")
    end_user = models.ForeignKey(EndUser, on_delete=models.PROTECT, related_name="installations")
    installation_id = models.CharField(max_length=MAX_ID, help_text="The platform's installationId.")
    state = models.CharField(max_length=16, choices=State, default=State.ACTIVE)
    attributes = models.JSONField(default=dict, blank=True, help_text="Facts that a response shape may use.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = [
            ("approve_installation", "Can approve a pending installation"),
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

    def clean(self) -> None:
        _clean_attributes(self.attributes)
        if not (self.platform_id and self.integration_id and self.end_user_id):
            return  # the fields' own errors say so
        if {self.integration.platform_id, self.end_user.platform_id} != {self.platform_id}:
            raise ValidationError("Integration and end user must belong to the installation's platform.")


class Grant(models.Model):
    """Which credential is handed out: for an (integration, end user), or narrower, for one installation.

    It names a line of credentials (see Credential): a rotation needs no change here.
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
        return f"Grant {str(self.pk)[:8]}"

    def clean(self) -> None:
        """Raises ValidationError where the parties do not belong together: such a grant would never be found."""
        if not (self.integration_id and self.end_user_id):
            return
        if self.integration.platform_id != self.end_user.platform_id:
            raise ValidationError("Integration and end user must belong to the same platform.")
        narrower = self.installation
        if narrower and (narrower.integration_id, narrower.end_user_id) != (self.integration_id, self.end_user_id):
            raise ValidationError({"installation": "This installation is of another integration or end user."})


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


def _clean_attributes(attributes: Any) -> None:
    try:
        check_attributes(attributes)
    except ValueError as error:
        raise ValidationError({"attributes": str(error)}) from None


from exchange.refused_calls import RefusedCall  # noqa: E402, F401 - a model, in the file of what it is for
