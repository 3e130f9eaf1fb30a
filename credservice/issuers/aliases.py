"""Reads the issuers that an operator adds in the settings."""

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured

BUILT_IN: dict[str, dict[str, Any]] = {
    "static": {"BACKEND": "credservice.issuers.static.StaticIssuer"},
    "api_key": {"BACKEND": "credservice.issuers.api_key.ApiKeyIssuer"},
    "jwt": {"BACKEND": "credservice.issuers.jwt.JWTIssuer"},
}


def read_aliases(text: str) -> dict[str, dict[str, Any]]:
    """The built-in issuers and those of ``text``, a JSON object of aliases.

    Raises :class:`ImproperlyConfigured` where it is none. Whether each of them works is for the checks (E006). The
    text is not quoted in errors: an operator may have written a secret into it, where a reference belongs.
    """
    try:
        added = json.loads(text or "{}")
    except ValueError:
        raise ImproperlyConfigured("CREDENTIAL_ISSUERS is not JSON. See docs/writing-an-issuer.md.") from None
    if not isinstance(added, dict) or not all(isinstance(entry, dict) for entry in added.values()):
        raise ImproperlyConfigured('CREDENTIAL_ISSUERS must be {"alias": {"BACKEND": "...", "OPTIONS": {...}}}.')
    taken = sorted(set(added) & set(BUILT_IN))
    if taken:
        raise ImproperlyConfigured(f"CREDENTIAL_ISSUERS: {taken[0]} is built in. Give your issuer another alias.")
    return BUILT_IN | added
