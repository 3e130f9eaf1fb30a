"""Tells if a text holds a key of ours: a credential's value, a service token, a signing secret, a password.

It is digested, compared and dropped. Ended ones count as well: they may still work elsewhere. What is found is
recorded, as it is by the search: nobody tries guesses at keys here without a trace.
"""

from itertools import islice

from django.contrib import admin
from django.db.models import Model

from credservice.adminkit.model_admin import ConsoleAdmin
from credservice.audit import Line, record
from credservice.audit.names import current_actor, object_type_of
from credservice.credentials.key_lookup import AT_ONCE, candidates, secret_among
from credservice.credentials.transitions import MIN_DIGESTED


def holds_key(text: str) -> bool:
    parts = list(islice(candidates(text, MIN_DIGESTED), AT_ONCE))
    found = (secret_among(parts) or _with_text(parts)) if parts else None
    if found is not None and (actor := current_actor()):
        record(Line.about(found, f"{object_type_of(type(found))}.recognised", actor))
    return found is not None


def _with_text(parts: list[str]) -> Model | None:
    """Look where the search looks, for whoever may not look there as well."""
    consoles = ((model, site) for model, site in admin.site._registry.items() if isinstance(site, ConsoleAdmin))
    found = (site.holding(model._default_manager.all(), parts).first() for model, site in consoles)
    return next((row for row in found if row is not None), None)
