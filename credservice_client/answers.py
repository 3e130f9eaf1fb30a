"""Describes the API's answers. Ids are texts; times have their zone. A list's items have no ``etag``."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from credservice_client.reading import REST


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """``etag`` names the object's present state, for ``if_match`` and ``known``."""

    etag: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True)
class Platform(Tagged):
    id: str
    name: str
    is_default: bool
    state: str
    require_signature: bool
    source_networks: list[str]
    construction: str
    timestamp_header: str
    signed_path: str
    public_prefix: str
    lower_case_method: bool
    tolerance_seconds: int
    single_use_signatures: bool
    ids_from_query: bool
    approve_installations: bool
    requests_per_minute: int | None
    api_url: str
    has_api_key: bool
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class SigningSecret(Tagged):
    """Everything about a platform's signing secret but its text."""

    id: str
    state: str
    hint: str
    created_at: datetime
    ends_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Integration(Tagged):
    id: str
    platform: str
    integration_id: str
    name: str
    policy: str
    response_shape: dict[str, Any]
    state: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class EndUser(Tagged):
    id: str
    platform: str
    external_id: str
    end_user_id: str
    name: str
    attributes: dict[str, Any]
    state: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Installation(Tagged):
    id: str
    platform: str
    installation_id: str
    integration_id: str
    end_user_id: str
    external_id: str
    state: str
    attributes: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class HandedOut:
    id: str
    state: str


@dataclass(frozen=True, kw_only=True)
class Grant(Tagged):
    id: str
    platform: str
    integration_id: str
    external_id: str
    end_user_id: str
    installation_id: str | None
    line: str
    credential: HandedOut | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class BrowserToken:
    token: str = field(repr=False)
    external_id: str
    end_user_id: str
    platform: str


@dataclass(frozen=True, kw_only=True)
class Policy(Tagged):
    id: str
    name: str
    issuer: str
    options: dict[str, Any]
    value_names: list[str]
    generates: bool
    lifetime_seconds: int | None
    rotation_seconds: int | None
    overlap_seconds: int
    stale_seconds: int
    probe: dict[str, Any]
    multiple: bool
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Marketplace(Tagged):
    id: str
    name: str
    protocol: str
    address: str
    state: str
    connector_url: str
    client_id: str
    has_client_secret: bool
    rotates: bool
    sign_on_404: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class TrustedKey(Tagged):
    id: str
    marketplace: str
    trusted_key: str
    public_key: str
    is_enabled: bool
    is_test: bool
    ends_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class BrokerPassword(Tagged):
    """Everything about a platform's password but its text."""

    id: str
    marketplace: str
    hint: str
    created_at: datetime
    ends_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Product(Tagged):
    id: str
    marketplace: str
    product: str
    name: str
    state: str
    policy: str
    regions: list[str]
    provisioner: str
    slow_credentials: bool
    dashboard_url: str
    description: str
    tags: list[str]
    metadata: dict[str, Any]
    credentials_shape: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Plan(Tagged):
    id: str
    marketplace: str
    product: str
    plan: str
    name: str
    state: str
    description: str
    is_free: bool
    metadata: dict[str, Any]
    maintenance_version: str
    changes_to: list[str] | None


@dataclass(frozen=True, kw_only=True)
class Feature(Tagged):
    id: str
    marketplace: str
    product: str
    feature: str
    name: str
    type: str
    values: list[str]
    minimum: float | None
    maximum: float | None
    is_metered: bool
    plans: list[str]


@dataclass(frozen=True, kw_only=True)
class Credential(Tagged):
    """Everything about a credential but its values."""

    id: str
    policy: str
    state: str
    suspended: bool
    subject: str
    context: dict[str, Any]
    hint: str
    line: str
    predecessor: str | None
    failure: str
    created_at: datetime
    activated_at: datetime | None
    expires_at: datetime | None
    rotates_at: datetime | None
    retires_at: datetime | None
    ended_at: datetime | None
    outside: str
    shared_with: str | None
    leaked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Revealed:
    values: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Introspection:
    """``iat`` and ``exp`` in seconds since 1970. ``context``: what the credential was made for."""

    active: bool
    sub: str | None = None
    credential: str | None = None
    policy: str | None = None
    iat: int | None = None
    exp: int | None = None
    context: dict[str, Any] = field(default_factory=dict, metadata={REST: True})


@dataclass(frozen=True, kw_only=True)
class LeakedCredential:
    credential: str
    policy: str
    state: str
    subject: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class LeakedCredentials:
    credentials: list[LeakedCredential]


@dataclass(frozen=True, kw_only=True)
class SigningKey(Tagged):
    kid: str
    algorithm: str
    state: str
    public_jwk: dict[str, Any]
    created_at: datetime
    activates_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Resource(Tagged):
    id: str
    marketplace: str
    protocol: str
    resource_id: str
    product: str
    plan: str
    region: str
    features: dict[str, Any]
    state: str
    created_at: datetime
    deprovisioned_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ResourceCredential(Tagged):
    id: str
    marketplace: str
    credential_id: str
    resource_id: str
    credential: str
    line: str
    state: str
    created_at: datetime
    deprovisioned_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Redeemed:
    marketplace: str
    resource_id: str
    state: str


@dataclass(frozen=True, kw_only=True)
class UsageReceipt:
    recorded: int
    repeated: int


@dataclass(frozen=True, kw_only=True)
class EventEndpoint:
    id: str
    name: str
    url: str
    description: str
    types: list[str]
    state: str
    failing_since: datetime | None
    paused_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class EventDelivery:
    id: str
    endpoint: str
    message_id: str
    type: str
    object_id: str
    state: str
    failed_attempts: int
    last_status: int | None
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Pinged:
    message_id: str


@dataclass(frozen=True, kw_only=True)
class Replayed:
    replayed: int


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    id: int
    at: datetime
    action: str
    outcome: str
    reason: str
    actor: str
    object_type: str
    object_id: str
    subject: str
    source: str | None
    request_id: str
    detail: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class BulkError:
    """``problem`` is a problem document; its pointers are into the line."""

    line: int
    problem: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class BulkReceipt:
    """``last_line``: everything up to it is done."""

    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    last_line: int = 0
    stopped: bool = False
    dry_run: bool = False
    errors: list[BulkError] = field(default_factory=list)
