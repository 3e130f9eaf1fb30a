"""Finds every column that decides for whom or how a credential is made or what an answer holds, and who writes it.

From what an issuer is given and from what the doors' queries read, back to the columns; and from the roles forward to
the forms' fields. A new source, column or field fails here until somebody has said who may set it.
"""

import re
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory

from credservice.console.roles import ADMINISTRATOR, ROLES, permissions_of
from credservice.credentials.hooks import find_subject
from credservice.issuers.base import IssueRequest
from exchange.admin.grants import GrantAdmin, PartiesForm
from exchange.queries import _EXCHANGE
from exchange.services.grants import context_of
from provisioning.services.bindings import _FIND
from provisioning.services.credentials import _context
from tests.support.console import World
from tests.support.doors import role_client

# Who may change policies and say whose an end user is can get at secrets, by reveals as well.
RIGHTS = {("credentials", "change_credentialpolicy"), ("exchange", "rebind_enduser")}

# What an issuer is given, and the columns that it comes from.
CONTEXT = {
    "end_user": "exchange.enduser.end_user_id",
    "external_id": "exchange.enduser.external_id",
    "integration": "exchange.integration.integration_id",
    "installation": "exchange.installation.installation_id",
    "resource": "provisioning.resource.partner_id",
    "product": "provisioning.product.label",
    "plan": "provisioning.plan.label",
    "region": "provisioning.resource.region",
    "features": "provisioning.resource.features",
}
REQUEST = {
    "credential_id": "credentials.credential.id",
    "options": "credentials.credentialpolicy.options",
    "context": "credentials.credential.context",
    "entered": None,  # typed in, and shown to nobody
    "lifetime": "credentials.credentialpolicy.lifetime",
}

# What others write of that, and why it lets them at nobody's secret. Nothing of it changes once it is there.
HARMLESS = {
    # An end user without external_id is nobody's yet: the platform alone says by its signature who calls with the id.
    "add exchange.enduser.platform",
    "add exchange.enduser.end_user_id",
    # An installation answers to its own end user, integration and platform; all three ids must come together.
    "add exchange.installation.integration",
    "add exchange.installation.end_user",
    "add exchange.installation.installation_id",
    # A grant begins a line of its own, made for its end user: by the issuer, or of values typed by who grants it.
    "add exchange.grant.integration",
    "add exchange.grant.end_user",
    "add exchange.grant.installation",
    # What may be ordered. Orders are signed by the marketplace, whose own catalogue must have the plan.
    "add provisioning.plan.label",
    # When a credential is made, by the worker or at once; the same one.
    "change provisioning.product.slow_credentials",
}

_TABLES = re.compile(
    r"(?:FROM|JOIN)\s+((?:exchange|credentials|provisioning)_\w+)(?:\s+(?!WHERE|ON\b|LIMIT)(\w+))?", re.IGNORECASE
)


def columns_of(statement: str) -> set[str]:
    """Find the columns that a statement names of its tables; all of a table that it gives no alias."""
    found = set()
    models = {model._meta.db_table: model._meta for model in apps.get_models()}
    for table, alias in _TABLES.findall(statement):
        named = set(re.findall(rf'\b{alias}\."?(\w+)', statement)) if alias else None
        columns = [field for field in models[table].concrete_fields if named is None or field.column in named]
        found |= {f"{models[table].label_lower}.{field.name}" for field in columns}
    return found


def sources() -> set[str]:
    named = {column for column in (*CONTEXT.values(), *REQUEST.values()) if column}
    return named | columns_of(_EXCHANGE.sql.decode()) | columns_of(_FIND.sql.decode())


def written_by(role: str) -> set[str]:
    """List the fields that the forms of the console have for a role, with ``add`` or ``change`` before each."""
    role_client(role)
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(username=f"a {role}")
    return {
        f"{verb} {model._meta.label_lower}.{name}"
        for model, site_admin in admin.site._registry.items()
        for verb, may, obj in (
            ("add", site_admin.has_add_permission, None),
            ("change", site_admin.has_change_permission, model._default_manager.first() or model()),
        )
        if may(request)
        for name in _fields(site_admin, request, obj)
    }


def _fields(site_admin: Any, request: Any, obj: Any) -> Any:
    if isinstance(site_admin, GrantAdmin):  # its own pages ask for the parties, and then for values
        return PartiesForm.base_fields
    return site_admin.get_form(request, obj, change=obj is not None).base_fields


def test_an_issuer_is_given_what_is_named_here(world: World) -> None:
    resource: Any = SimpleNamespace(
        resource=world.resource.partner_id, product="bear", plan="ursa-minor", region="all::global", features="{}"
    )
    given = [
        context_of(world.integration, world.end_user, world.installation),
        find_subject(world.end_user.subject).context,
        find_subject(world.resource.subject).context,
        _context(resource),
    ]
    assert {key for context in given for key in context} == CONTEXT.keys()
    assert {field.name for field in fields(IssueRequest)} == REQUEST.keys()


def test_the_columns_are_found() -> None:
    expected = {
        "exchange.enduser.attributes",
        "exchange.enduser.external_id",
        "exchange.installation.attributes",
        "exchange.integration.policy",
        "exchange.integration.response_shape",
        "exchange.grant.line",
        "provisioning.product.policy",
        "credentials.credentialpolicy.options",
        "credentials.credential.subject",
    }
    assert expected <= sources()


def test_who_may_not_change_policies_sets_nothing_that_decides_for_whom(world: World) -> None:
    others = [role.name for role in ROLES if role.name != ADMINISTRATOR and not permissions_of(role) >= RIGHTS]
    assert others == ["Viewer", "Operator", "Auditor"]
    written = {found for role in others for found in written_by(role)}
    assert {found for found in written if found.partition(" ")[2] in sources()} == HARMLESS


def test_the_secrets_manager_can_set_what_others_may_not(world: World) -> None:
    assert written_by("Secrets manager") >= {
        "change exchange.enduser.attributes",
        "change exchange.installation.attributes",
        "add exchange.integration.policy",
        "add exchange.integration.response_shape",
        "change provisioning.product.policy",
    }
