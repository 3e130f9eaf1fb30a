"""The part of a set-up file that names platforms, integrations, end users, installations and grants."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from credservice.credentials.services import set_suspended
from credservice.keys.models import SigningSecret
from credservice.keys.services import enter_secret
from credservice.setup.change import Change
from credservice.setup.columns import Field, Reference
from credservice.setup.facts import Facts
from credservice.setup.inline import placeholder
from credservice.setup.kinds import Choice, Flag, Text, Texts, Whole
from credservice.setup.plan import Plan
from credservice.setup.problems import BadValue
from credservice.setup.references import read_secret
from credservice.setup.registry import register
from credservice.setup.section import Extra, Hidden, Row, Section
from credservice.setup.source import Item
from exchange.administration import new_secret_set
from exchange.models import EndUser, Installation, Integration, Platform
from exchange.setup_grants import EndUserGrants, InstallationGrant


class PlatformSecret(Extra):
    """The secret that the platform signs with. Another one becomes the current, and the old one stays for a day.

    A secret that the platform had before is not brought back: it was replaced since, perhaps because it leaked.
    """

    name = "signing_secret"
    what = "env:NAME or file:PATH"

    def plan(self, plan: Plan, rows: Sequence[Row]) -> Iterable[Change]:
        for row in rows:
            item = row.entry(self.name)
            if item is not None:
                yield from self._compare(plan, row, item)
            elif row.is_new and row.obj.require_signature:
                plan.note(row.item, "it has no signing_secret yet, so all that it sends is refused")

    def _compare(self, plan: Plan, row: Row, item: Item) -> Iterable[Change]:
        try:
            text = read_secret(item).strip()
        except BadValue as error:
            plan.refuse(item, str(error))
            return
        known = [] if row.is_new else list(row.obj.secrets.secrets.order_by("-created_at"))
        same = [secret for secret in known if hmac.compare_digest(secret.open(), text.encode())]
        if not same:
            write = _enter(row.obj, text, plan.actor)
            yield Change("~", item, "changed", write) if known else Change("+", item, write=write)
        elif all(secret.state != SigningSecret.State.CURRENT for secret in same):
            plan.note(item, "this secret was replaced here since; it is not brought back")

    def dump(self, objects: Sequence[Any], path: Callable[[Any], tuple[str, ...]]) -> dict[Any, Any]:
        sets = SigningSecret.objects.filter(secret_set__in=[obj.secrets_id for obj in objects])
        signed = set(sets.values_list("secret_set", flat=True))
        return {obj.pk: Hidden(placeholder((*path(obj), self.name))) for obj in objects if obj.secrets_id in signed}


def _enter(platform: Platform, text: str, actor: str) -> Callable[[], None]:
    def write() -> None:
        enter_secret(secret_set=platform.secrets, text=text, actor=actor)

    return write


def _make_secret_set(platform: Platform) -> None:
    platform.secrets = new_secret_set(platform.name)


def _suspend_credentials(row: Row) -> None:
    if "is_active" in row.changed:
        set_suspended(subject=row.obj.subject, suspended=not row.obj.is_active)


def _check_default(plan: Plan, rows: Sequence[Row]) -> None:
    """One platform answers at /credential-exchange."""
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
                f"{other.name} is the default in the database: name it in this file with default: false",
            )


def _check_dependants(plan: Plan) -> None:
    """An integration that the file does not name must still get what its shape asks for from a changed policy."""
    changed = plan.changed("policies", "issuer", "options")
    for integration in Integration.objects.filter(policy__in=changed).select_related("platform"):
        row = changed[integration.policy_id]
        integration.policy = row.obj
        try:
            if plan.planned(integration.pk) is None:
                integration.clean()
        except ValidationError as error:
            text = " ".join(error.messages)
            plan.refuse(row.item, f"integration {integration.integration_id} of {integration.platform} uses it: {text}")


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
    ),
    extras=(PlatformSecret(),),
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
                ),
            ),
            after_change=_suspend_credentials,
        ),
    ),
    write_order=lambda row: row.obj.is_default,
    before_create=_make_secret_set,
    check=_check_default,
)


def register_sections() -> None:
    register(PLATFORMS, check=_check_dependants)
