"""Says who may do what in one table, which every ``migrate`` makes true in the database.

A role is a group of Django's. What stands here is all that it may; what is changed in the database is put right by the
next migration. The administrator has every permission there is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission, User
from django.db import connections, transaction
from django.db.models import Q

from credservice.adminkit.models import FourEyes
from credservice.audit import Line, record

ADMINISTRATOR = "Administrator"


@dataclass(frozen=True)
class Role:
    """A role; ``may`` and ``may_not`` are what an administrator reads who gives it to somebody."""

    name: str
    may: str
    may_not: str = ""


ROLES = (
    Role(
        "Viewer",
        "Looks at everything but accounts, invitations, service tokens, approvals, bulk work and the choice of acts "
        "that need a second person.",
        "Changes nothing.",
    ),
    Role(
        "Operator",
        "Runs the service by day and night: registers end users, adds and approves installations, adds plans and "
        "features, grants; suspends and resumes; rotates, replaces and revokes credentials; sees to what is stuck.",
        "Sees no secret, and changes nothing by which somebody could get one: no platform's signature, no marketplace, "
        "no policy and no choice of one, no response shape, no attributes, no key; says of no end user which customer "
        "of yours it is. Does not see accounts, invitations, service tokens and "
        "the choice of acts that need a second person.",
    ),
    Role(
        "Secrets manager",
        "Has secrets in hand: reveals them with a reason; makes, rotates and retires signing secrets, signing keys and "
        "credentials; changes platforms, integrations, marketplaces, products, trusted keys and policies, and the "
        "attributes that answers hold; says which customer of yours an end user is; looks at service tokens and "
        "revokes them.",
        "Does not see accounts, invitations and the choice of acts that need a second person; makes no service tokens, "
        "and registers no end users.",
    ),
    Role(
        "Auditor",
        "Looks at everything, accounts, invitations and service tokens too, and exports the trail.",
        "Changes nothing, and sees no secret.",
    ),
    Role(ADMINISTRATOR, "Everything, accounts and their roles too."),
)

_LOOK = ("view", "view", "view", "view")
_ACCESS = ("", "", "", "view")

# Of each model: the permissions of viewer, operator, secrets manager and auditor. An operator has none by which an
# exchange could be forged or taken elsewhere (a platform's or a marketplace's set-up), and sets nothing that decides
# for whom or by which policy a credential is made: that would be a reveal. Single fields that need more than their
# form does are in the lists' ``protected_fields``; tests/console/test_write_access.py finds them all.
TABLE: dict[str, tuple[str, str, str, str]] = {
    "exchange.platform": ("view", "view suspend", "view suspend add change", "view"),
    "exchange.integration": ("view", "view suspend change", "view suspend add change", "view"),
    "exchange.enduser": ("view", "view suspend add change", "view suspend change rebind", "view"),
    "exchange.installation": ("view", "view suspend add approve", "view suspend change", "view"),
    "exchange.unsettledenduser": ("view", "view settle", "view settle", "view"),
    "exchange.grant": ("view", "view add withdraw", "view add withdraw", "view"),
    "exchange.seensignature": _LOOK,
    "provisioning.marketplace": ("view", "view suspend", "view suspend add change", "view"),
    "provisioning.trustedkey": ("view", "view", "view add change", "view"),
    "provisioning.livekey": ("view", "view", "view change", "view"),
    "osb.brokerpassword": ("view", "view", "view add end", "view"),
    "provisioning.product": ("view", "view suspend change", "view suspend add change", "view"),
    "provisioning.plan": ("view", "view suspend add change", "view suspend", "view"),
    "provisioning.feature": ("view", "view add change", "view", "view"),
    "provisioning.resource": ("view", "view suspend", "view suspend", "view"),
    "provisioning.resourcecredential": _LOOK,
    "provisioning.credentialrotation": ("view", "view ask", "view ask", "view"),
    "provisioning.operation": ("view", "view settle", "view settle", "view"),
    "provisioning.callback": ("view", "view settle", "view settle", "view"),
    "provisioning.resourcesession": ("view", "view end", "view end", "view"),
    "provisioning.usagereport": _LOOK,
    "provisioning.usagehour": _LOOK,
    "credentials.credentialpolicy": ("view", "view", "view add change", "view"),
    "credentials.credential": (
        "view",
        "view add rotate revoke force",
        "view add rotate revoke force reveal",
        "view",
    ),
    "keys.signingsecretset": _LOOK,
    "keys.signingsecret": ("view", "view", "view add retire reveal", "view"),
    "keys.signingkey": ("view", "view", "view add activate retire", "view"),
    "crypto.datakey": _LOOK,
    "crypto.kekfingerprint": _LOOK,
    "events.eventendpoint": ("view", "view suspend", "view suspend add change", "view"),
    "events.eventdelivery": ("view", "view replay", "view replay", "view"),
    "audit.auditevent": ("view", "view", "view", "view export"),
    "audit.auditseal": _LOOK,
    "console.job": _LOOK,
    "console.bulkrun": ("", "view", "view", "view"),
    "console.approval": ("", "view", "view", "view"),
    "console.foureyes": ("", "", "", "view"),
    "vendor_api.servicetoken": ("", "", "view revoke", "view"),
    "auth.user": _ACCESS,
    "accounts.invitation": _ACCESS,
    "auth.group": _LOOK,
}


def permissions_of(role: Role) -> set[tuple[str, str]]:
    """List app label and codename of each; not for the administrator, who has all."""
    column = ROLES.index(role)
    return {
        (model.partition(".")[0], f"{verb}_{model.partition('.')[2]}")
        for model, columns in TABLE.items()
        for verb in columns[column].split()
    }


def update_roles(**_: Any) -> None:
    """Make the groups what the table says, and record what that changed. Connected to ``post_migrate``."""
    tables = set(connections["default"].introspection.table_names())
    if not {"auth_group_permissions", "audit_auditevent", "console_foureyes"} <= tables:
        return  # migrated backwards, or in part
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0)
    with transaction.atomic():
        existing = {(p.content_type.app_label, p.codename): p for p in _permissions()}
        FourEyes.objects.get_or_create(pk=1)
        for role in ROLES:
            wanted = existing.keys() if role.name == ADMINISTRATOR else permissions_of(role) & existing.keys()
            _update(role, {existing[name].pk: ".".join(name) for name in wanted})


def _update(role: Role, wanted: dict[int, str]) -> None:
    group, _ = Group.objects.get_or_create(name=role.name)
    has = {p.pk: f"{p.content_type.app_label}.{p.codename}" for p in _permissions().filter(group=group)}
    if wanted.keys() == has.keys():
        return
    group.permissions.set(wanted)
    detail = {
        "name": role.name,
        "given": sorted(name for pk, name in wanted.items() if pk not in has),
        "taken": sorted(name for pk, name in has.items() if pk not in wanted),
    }
    record(Line.about(group, "group.changed", "migrate", detail))


def _permissions() -> Any:
    return Permission.objects.select_related("content_type")


# --- who may give what -------------------------------------------------------------------------------------------


def groups_with_roles() -> Iterator[tuple[Group, Role]]:
    groups = {group.name: group for group in Group.objects.all()}
    return ((groups[role.name], role) for role in ROLES if role.name in groups)


def may_give(giver: Any, group: Group) -> bool:
    """Tell whether ``giver`` has all that the group allows: nobody gives more than he has."""
    has = giver.get_all_permissions()
    return all(f"{p.content_type.app_label}.{p.codename}" in has for p in _permissions().filter(group=group))


def may_manage(manager: Any, user: User) -> bool:
    """Tell whether ``manager`` may do all that ``user`` may: whoever sets a password has the account."""
    if manager.is_superuser:
        return True
    return not user.is_superuser and bool(manager.get_all_permissions() >= _given(user))


def loses(user: User, groups: Iterable[Group]) -> bool:
    """Tell whether ``user`` may do less where these are all the groups of the account."""
    return not user.is_superuser and bool(_given(user) - _allowed(Q(user=user) | Q(group__in=list(groups))))


def _given(user: User) -> set[str]:
    """List what an account may do, also one that is deactivated: whoever may change it may activate it."""
    return _allowed(Q(user=user) | Q(group__user=user))


def _allowed(to: Q) -> set[str]:
    return {f"{p.content_type.app_label}.{p.codename}" for p in _permissions().filter(to)}


def administrators() -> Any:
    """Find the accounts that may sign in and do everything."""
    able = User.objects.filter(is_active=True, is_staff=True)
    return (able.filter(is_superuser=True) | able.filter(groups__name=ADMINISTRATOR)).distinct()
