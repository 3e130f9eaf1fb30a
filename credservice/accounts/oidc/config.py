"""Reads one provider of OIDC_PROVIDERS, and says what is wrong with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from credservice.accounts.oidc.secret_name import secret_name
from credservice.http.outgoing import check_url

SUPERUSER = "Superuser"  # beside the roles, what a group may be mapped to
_ALIAS = re.compile(r"[a-z][a-z0-9-]{0,19}")
_REQUIRED = ("name", "issuer", "client_id", "roles")
_OPTIONAL = ("groups_claim", "scopes", "second_factor")


@dataclass(frozen=True)
class ProviderConfig:
    """One provider. ``roles`` has the roles of each of its groups; ``second_factor`` the ``amr`` and ``acr`` values
    of an ID token that count as a second factor."""

    alias: str
    name: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    roles: Mapping[str, list[str]]
    groups_claim: str = "groups"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    second_factor: Mapping[str, list[str]] = field(default_factory=dict)

    def groups_of(self, claims: Mapping[str, Any]) -> list[str]:
        """List the groups that the claims name. Claims of another form name none."""
        groups = claims.get(self.groups_claim)
        named = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        return [group for group in named if isinstance(group, str)]

    def roles_of(self, claims: Mapping[str, Any]) -> set[str]:
        """List the roles of the groups that the claims name. Unknown groups give none."""
        return {role for group in self.groups_of(claims) for role in self.roles.get(group, [])}

    def counts_as_second_factor(self, claims: Mapping[str, Any]) -> bool:
        """Tell whether the ID token says that one was shown, in the words of the settings (RFC 8176; Core, 2)."""
        amr = claims.get("amr")
        shown = {method for method in amr if isinstance(method, str)} if isinstance(amr, list) else set()
        return bool(shown & set(self.second_factor.get("amr", []))) or (
            claims.get("acr") in self.second_factor.get("acr", [])
        )


def get_provider(alias: str) -> ProviderConfig:
    """Read one provider of the settings. Raises ImproperlyConfigured with a sentence."""
    entry = settings.OIDC_PROVIDERS[alias]
    fault = _fault(alias, entry)
    if fault:
        raise ImproperlyConfigured(f"OIDC_PROVIDERS[{alias!r}]: {fault}.")
    values = entry | {"scopes": tuple(entry.get("scopes", ProviderConfig.scopes))}
    return ProviderConfig(alias=alias, client_secret=settings.OIDC_CLIENT_SECRETS[alias], **values)


def providers() -> list[ProviderConfig]:
    """List all, in the order of the settings."""
    return [get_provider(alias) for alias in settings.OIDC_PROVIDERS]


def _fault(alias: str, entry: Any) -> str | None:
    if not _ALIAS.fullmatch(alias):
        return "an alias has small letters, digits and hyphens, begins with a letter, and has 20 characters at most"
    if not isinstance(entry, dict) or not set(_REQUIRED) <= set(entry) <= {*_REQUIRED, *_OPTIONAL}:
        return f"it needs {', '.join(_REQUIRED)}, and takes {', '.join(_OPTIONAL)} besides"
    if not settings.OIDC_CLIENT_SECRETS.get(alias):
        return f"its client secret is missing: set {secret_name(alias)}, or {secret_name(alias)}_FILE"
    return _fault_of_values(entry)


def _fault_of_values(entry: dict[str, Any]) -> str | None:
    for name in ("name", "issuer", "client_id", "groups_claim"):
        if not isinstance(entry.get(name, "x"), str) or not entry.get(name, "x"):
            return f"{name} must be a text"
    try:
        check_url(entry["issuer"])
    except ValueError as error:
        return f"issuer {error}"
    if not _maps_to_texts(entry["roles"]) or not entry["roles"]:
        return 'roles must be {"group": ["role", ...]}, with one group or more'
    second_factor = entry.get("second_factor", {})
    if not _maps_to_texts(second_factor) or not set(second_factor) <= {"amr", "acr"}:
        return 'second_factor must be {"amr": [...], "acr": [...]}, or one of both'
    if not _are_texts(entry.get("scopes", [])) or "openid" not in entry.get("scopes", ["openid"]):
        return "scopes must be a list of texts, with openid among them"
    return None


def _maps_to_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(_are_texts(texts) and texts for texts in value.values())


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) and text for text in value)
