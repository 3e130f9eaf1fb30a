"""Is this key good, and whose is it: for the vendor's product, and for whoever finds a string in the wrong place."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction

from credservice.credentials import last_use
from credservice.credentials.candidates import candidates
from credservice.credentials.models import Credential
from credservice.credentials.steps import MIN_DIGESTED, record_step, value_digest
from credservice.crypto import digest

MAX_KEY = 4096  # characters
AT_ONCE = 1_000  # parts of a text that are looked up by one statement
MAX_RECOGNISED = 8
_NEEDED = ("state", "sealed_values", "subject", "context", "activated_at", "expires_at", "retires_at", "policy__name")


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
    """The credentials that ``text`` holds a value of, as it is or with other things around it (``candidates``).

    The text is digested, compared and dropped; it is stored nowhere. Each credential found gets a line in the trail.
    """
    digests = (value_digest(part) for part in candidates(text, MIN_DIGESTED))
    found: dict[UUID, Credential] = {}
    with transaction.atomic():
        while some := list(islice(digests, AT_ONCE)):
            rows = Credential.objects.filter(value_digests__overlap=some).select_related("policy")
            found |= {credential.pk: credential for credential in rows}
        for credential in found.values():
            record_step("credential.leak_reported", credential, actor)
    return list(found.values())


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
