"""Is this key good, and whose is it: for the vendor's product, and for whoever finds a string in the wrong place."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from credservice.credentials import last_use
from credservice.credentials.models import Credential
from credservice.credentials.steps import MIN_DIGESTED, record_step, value_digest
from credservice.crypto import digest

MAX_KEY = 4096  # characters
MAX_CANDIDATES = 500
MAX_RECOGNISED = 8
_NEEDED = ("state", "sealed_values", "subject", "context", "activated_at", "expires_at", "retires_at", "policy__name")
_SEPARATORS = re.compile(r"[\s\"'`,;<>(){}\[\]]+")


@dataclass(frozen=True)
class CheckedKey:
    """A good key's facts."""

    credential_id: UUID
    policy: str
    subject: str
    context: dict[str, Any]
    issued_at: datetime | None
    expires_at: datetime | None


def check_key(text: str) -> CheckedKey | None:
    """The facts of a presented key, or ``None`` where it is not good. One indexed look-up, hit or miss alike."""
    lookup = digest(text[:MAX_KEY], "lookup")
    found = Credential.objects.filter(lookup=lookup, suspended=False).select_related("policy").only(*_NEEDED).first()
    if found is None or not found.is_usable():
        return None
    last_use.note(found.pk)
    ends = [end for end in (found.expires_at, found.retires_at) if end is not None]
    return CheckedKey(
        found.pk, found.policy.name, found.subject, found.context, found.activated_at, min(ends, default=None)
    )


def report_leak(text: str, *, actor: str) -> list[Credential]:
    """The credentials that ``text`` holds a value of: itself, or a part of it between blanks, quotes and brackets.

    The text is digested, compared and dropped; it is stored nowhere. Each credential found gets a line in the trail.
    """
    parts = {part for word in _SEPARATORS.split(text) for part in (word, *re.split(r"[=:]", word))}
    candidates = sorted((part for part in parts | {text.strip()} if len(part) >= MIN_DIGESTED), key=len, reverse=True)
    digests = [value_digest(part) for part in candidates[:MAX_CANDIDATES]]
    if not digests:
        return []
    with transaction.atomic():
        found = list(Credential.objects.filter(value_digests__overlap=digests).select_related("policy"))
        for credential in found:
            record_step("credential.leak_reported", credential, actor)
    return found


def recognise(text: str, *, actor: str) -> list[Credential]:
    """The credentials of which ``text`` is a value, for a person who pasted one: compared by digest, and dropped.

    Each one found gets a line in the trail, so that guessing at values leaves its trace. A few, newest first.
    """
    if len(text) < MIN_DIGESTED:
        return []
    by_key = Credential.objects.filter(lookup=digest(text[:MAX_KEY], "lookup")).select_related("policy")
    by_value = Credential.objects.filter(value_digests__overlap=[value_digest(text)]).select_related("policy")
    by_value = by_value.order_by(
        "-activated_at"
    )  # with a bound alone, PostgreSQL would rather read the table than sort
    with transaction.atomic():
        found = {credential.pk: credential for rows in (by_key, by_value[:MAX_RECOGNISED]) for credential in rows}
        for credential in found.values():
            record_step("credential.recognised", credential, actor)
    return sorted(found.values(), key=lambda credential: credential.created_at, reverse=True)
