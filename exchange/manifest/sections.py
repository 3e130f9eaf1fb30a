"""Declares a set-up file's platforms, integrations, end users, installations and grants."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.core.exceptions import ValidationError

from credservice.credentials.policy_impact import TO_RENAME
from credservice.credentials.services import set_suspended
from credservice.keys.manifest import SigningSecretReference
from credservice.manifest.columns import HeaderSecretReference, Reference, Secret
from credservice.manifest.json_values import Facts
from credservice.manifest.kinds import Choice, Flag, Text, Texts, Whole
from credservice.manifest.registry import register
from credservice.manifest.schema import ChangedAnswers, Field, Plan, Row, Section
from exchange.manifest.answers import watch_answers
from exchange.manifest.grants import EndUserGrants, InstallationGrant
from exchange.manifest.signatures import watch_signatures
from exchange.models import EndUser, Installation, Integration, Platform
from exchange.services import events
from exchange.services.grants import new_secret_set


def _make_secret_set(platform: Platform) -> None:
    platform.secrets = new_secret_set(platform.name)


def _suspend_credentials(row: Row) -> None:
    if "is_active" in row.changed:
        set_suspended(subject=row.obj.subject, suspended=not row.obj.is_active)


def _tell_approved(row: Row) -> None:
    state = row.changed.get("state", {})
    if state.get("to") == Installation.State.ACTIVE and state["from"] != Installation.State.SUSPENDED:
        events.approved(row.obj)


def _check_default(plan: Plan, rows: Sequence[Row]) -> None:
    """Refuse a second default: one platform answers at /credential-exchange."""
    defaults = [row for row in rows if row.obj.is_default]
    for row in defaults[1:]:
        plan.refuse(
            row.entry("default") or row.item, f"{defaults[0].obj.name} is the default already: keep one of them"
        )
    others = Platform.objects.filter(is_default=True).exclude(pk__in=[row.obj.pk for row in rows])
    for row in defaults[:1]:
        for other in others:
            plan.refuse(
                row.entry("default") or row.item,
                f"{other.name} is the default platform: set its default to false",
            )


def _check_dependants(plan: Plan) -> None:
    """Refuse a changed policy that no longer makes what an integration, unnamed by the file, asks for."""
    changed = plan.changed("policies", "issuer", "options")
    for integration in Integration.objects.filter(policy__in=changed).select_related("platform"):
        row = changed[integration.policy_id]
        integration.policy = row.obj
        try:
            if plan.planned(integration.pk) is None:
                integration.clean()
        except ValidationError as error:
            named = f"integration {integration.integration_id} of {integration.platform}"
            plan.refuse(row.item, f"{named} uses it: {' '.join(error.messages)} {TO_RENAME}")


PLATFORMS = Section(
    "platforms",
    model=Platform,
    key="name",
    fields=(
        Field("default", Flag(), "is_default"),
        Field("active", Flag(), "is_active"),
        Field("approve_installations", Flag()),
        Field("require_signature", Flag()),
        Field("source_networks", Texts()),
        Field("construction", Choice(lambda: Platform.Construction.values)),
        Field("timestamp_header", Text()),
        Field("signed_path", Choice(lambda: Platform.SignedPath.values)),
        Field("public_prefix", Text()),
        Field("lower_case_method", Flag()),
        Field("tolerance_seconds", Whole()),
        Field("single_use_signatures", Flag()),
        Field("ids_from_query", Flag()),
        Field("requests_per_minute", Whole(nullable=True)),
        Field("api_url", Text()),
        Secret("api_key", kind=HeaderSecretReference(), column="sealed_api_key"),
    ),
    extras=(
        SigningSecretReference(
            "it has no signing_secret yet, so all that it sends is refused", lambda platform: platform.require_signature
        ),
    ),
    sections=(
        Section(
            "integrations",
            model=Integration,
            key="integration_id",
            parent="platform",
            fields=(
                Field("name", Text()),
                Field("active", Flag(), "is_active"),
                Reference("policy", section="policies", required=True),
                Field("response", Facts(), "response_shape", required=True),
            ),
        ),
        Section(
            "end_users",
            model=EndUser,
            key="end_user_id",
            parent="platform",
            many=True,
            unique={"external_id": "platform"},
            fields=(
                Field("external_id", Text(), personal=True),
                Field("name", Text(), personal=True),
                Field("active", Flag(), "is_active"),
                Field("attributes", Facts(), personal=True),
            ),
            extras=(EndUserGrants(),),
            sections=(
                Section(
                    "installations",
                    model=Installation,
                    key="installation_id",
                    parent="end_user",
                    scope="platform",
                    many=True,
                    fields=(
                        Reference(
                            "integration",
                            section="integrations",
                            within=lambda row: row.obj.platform,
                            required=True,
                            fixed=True,
                        ),
                        Field("state", Choice(lambda: Installation.State.values)),
                        Field("attributes", Facts(), personal=True),
                    ),
                    extras=(InstallationGrant(),),
                    shorthand="integration",
                    after_change=_tell_approved,
                ),
            ),
            after_change=_suspend_credentials,
        ),
    ),
    write_order=lambda row: row.obj.is_default,
    before_create=_make_secret_set,
    check=_check_default,
)


def _watch(plan: Plan) -> Callable[[], list[ChangedAnswers]]:
    comparisons = (watch_answers(plan), watch_signatures(plan))
    return lambda: [each for compare in comparisons for each in compare()]


def register_sections() -> None:
    register(PLATFORMS, check=_check_dependants, watch=_watch)
