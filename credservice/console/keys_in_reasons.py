"""Tells if a text holds a key of ours: a credential's value, a service token, a signing secret, a password.

It is digested, compared and dropped. Ended ones count as well: they may still work elsewhere.
"""

from itertools import islice
from typing import Any

from django.contrib import admin

from credservice.credentials.key_lookup import AT_ONCE, candidates, has_secret
from credservice.credentials.transitions import MIN_DIGESTED


def holds_key(text: str) -> bool:
    parts = list(islice(candidates(text, MIN_DIGESTED), AT_ONCE))
    return bool(parts) and (has_secret(parts) or _has_text(parts))


def _has_text(parts: list[str]) -> bool:
    """Look where the search looks, for whoever may not look there as well."""
    for model, site_admin in admin.site._registry.items():
        by_text: Any = getattr(site_admin, "by_text", None)
        if by_text is not None:
            column, kept = by_text
            if model._default_manager.filter(**{f"{column}__in": {kept(part) for part in parts}}).exists():
                return True
    return False
