"""Finds issuers by the alias that ``settings.CREDENTIAL_ISSUERS`` gives them."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from credservice.issuers.base import Issuer

_issuers: dict[str, Issuer] = {}


def get_issuer(alias: str) -> Issuer:
    """The issuer of this alias. Raises :class:`ImproperlyConfigured` where settings name none that works."""
    if alias not in _issuers:
        _issuers[alias] = _build(alias)
    return _issuers[alias]


def issuer_choices() -> list[tuple[str, str]]:
    """For forms: a callable, so that a new alias needs no migration."""
    return [(alias, alias) for alias in sorted(settings.CREDENTIAL_ISSUERS)]


def _build(alias: str) -> Issuer:
    try:
        entry: dict[str, Any] = settings.CREDENTIAL_ISSUERS[alias]
        backend = import_string(entry["BACKEND"])
        options: dict[str, Any] = entry.get("OPTIONS", {})
        issuer = backend(**options)
    except KeyError as error:
        raise ImproperlyConfigured(f"CREDENTIAL_ISSUERS names no issuer {alias!r} with a BACKEND.") from error
    except (ImportError, ValueError, TypeError) as error:  # OptionsError is a ValueError
        raise ImproperlyConfigured(f"CREDENTIAL_ISSUERS[{alias!r}]: {error}") from error
    if not isinstance(issuer, Issuer):
        raise ImproperlyConfigured(f"CREDENTIAL_ISSUERS[{alias!r}]: {entry['BACKEND']} is no Issuer.")
    return issuer


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "CREDENTIAL_ISSUERS":
        _issuers.clear()


setting_changed.connect(_forget)
