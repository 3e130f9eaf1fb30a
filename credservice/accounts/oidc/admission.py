"""Makes the account of who signs in by a provider, and gives it the roles of its groups, anew at each sign-in.

An account belongs to one provider and subject. It is never found, nor joined with a local one, by a name or an e-mail
address, which the provider's users may choose themselves.
"""

import re
from collections.abc import Mapping
from typing import Any

from allauth.account.internal.emailkit import valid_email_or_none
from allauth.socialaccount.models import SocialLogin
from django.contrib.auth.models import Group, User

from credservice.accounts.models import ConsoleSession
from credservice.accounts.oidc.config import SUPERUSER, ProviderConfig
from credservice.audit import Line, record, record_refusal
from credservice.core.names import fault_of_name

MAX_NAME = 100
CLAIMED_USER = "claimed_user:"  # the subject in the audit log of who has no account, by the name that is claimed
# Of the groups of who is turned away, which the audit log shows to whoever is to map one to a role.
MAX_GROUPS, MAX_GROUP_NAME, MAX_GROUP_NAMES = 20, 200, 2000
_NOT_IN_NAMES = re.compile(r"[^a-z0-9._+-]")


class NoRole(Exception):
    """None of the groups has a role here."""


def admit(login: SocialLogin, config: ProviderConfig, claims: Mapping[str, Any]) -> None:
    """Let ``login.user`` be the account, with its present roles. Raises :class:`NoRole`; then it has none left.

    Call it in a transaction, and let that be committed also where this raises.
    """
    roles = config.roles_of(claims)
    if not roles:
        _turn_away(login, config, claims)
        raise NoRole
    if not login.is_existing:
        _make(login, config, claims)
    user = User.objects.select_for_update().get(pk=login.user.pk)
    _set_person(user, claims)
    _set_roles(user, roles, config)
    login.user = user


def _make(login: SocialLogin, config: ProviderConfig, claims: Mapping[str, Any]) -> None:
    user = User(username=_free_name(config, claims), is_staff=True)
    user.set_unusable_password()
    user.save()
    login.account.user = login.user = user
    login.account.save()
    record(Line.about(user, "user.joined", _actor(user), {"provider": config.alias, "name": user.username}))


def _free_name(config: ProviderConfig, claims: Mapping[str, Any]) -> str:
    """Make a user name that says where it comes from, so that nobody chooses one that is another's in the log."""
    given = str(claims.get("preferred_username") or claims.get("email") or "user").partition("@")[0]
    plain = _NOT_IN_NAMES.sub("", given.lower())[:MAX_NAME] or "user"
    name, number = f"{plain}@{config.alias}", 1
    while User.objects.filter(username=name).exists():
        number += 1
        name = f"{plain}-{number}@{config.alias}"
    return name


def _set_person(user: User, claims: Mapping[str, Any]) -> None:
    """Take over how the provider spells them; nothing is decided by it."""
    user.first_name = _text(claims.get("given_name") or claims.get("name"))
    user.last_name = _text(claims.get("family_name"))
    user.email = valid_email_or_none(_text(claims.get("email"))) or ""
    user.save(update_fields=["first_name", "last_name", "email"])


def _set_roles(user: User, roles: set[str], config: ProviderConfig) -> None:
    before = set(user.groups.values_list("name", flat=True)) | ({SUPERUSER} if user.is_superuser else set())
    if before == roles:
        return
    user.groups.set(Group.objects.filter(name__in=roles - {SUPERUSER}))
    user.is_superuser = SUPERUSER in roles
    user.save(update_fields=["is_superuser"])
    detail = {"provider": config.alias, "from": sorted(before), "to": sorted(roles)}
    record(Line.about(user, "user.roles_set", _actor(user), detail))


def _turn_away(login: SocialLogin, config: ProviderConfig, claims: Mapping[str, Any]) -> None:
    detail = {"provider": config.alias, **_groups(config, claims)}
    if not login.is_existing:
        name = _text(claims.get("preferred_username") or claims.get("email"))
        told = f"{CLAIMED_USER}{name}" if name else ""  # the provider's claim: never the name of an account here
        more = {"name_by_provider": name}
        record_refusal(
            Line(
                "user.sign_in", "user:unknown", reason="no_role", object_type="user", subject=told, detail=detail | more
            )
        )
        return
    _set_roles(login.user, set(), config)
    ConsoleSession.objects.end(login.user)
    record_refusal(Line.about(login.user, "user.sign_in", _actor(login.user), detail, reason="no_role"))


def _groups(config: ProviderConfig, claims: Mapping[str, Any]) -> dict[str, Any]:
    """Show the claim with the groups, bounded and printable; nothing of any other claim."""
    named = config.groups_of(claims)
    shown: list[str] = []
    for group in named[:MAX_GROUPS]:
        text = _text(group, MAX_GROUP_NAME)
        if len(text) + sum(map(len, shown)) > MAX_GROUP_NAMES:
            break
        shown.append(text)
    more = len(named) - len(shown)
    return {"groups_claim": config.groups_claim, "groups": list(filter(None, shown))} | ({"more": more} if more else {})


def _actor(user: Any) -> str:
    return f"user:{user.get_username()}"


def _text(value: Any, longest: int = MAX_NAME) -> str:
    text = str(value or "")[:longest].strip()
    return "" if fault_of_name(text) else text
