"""Finds the credential of a key or a text: for the vendor's product, and for whoever finds a key where none belongs."""

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from django.db import transaction

from credservice.core.last_used import LastUses
from credservice.credentials.models import Credential
from credservice.credentials.reused_values import is_secret
from credservice.credentials.transitions import MIN_DIGESTED, parts_of, record_step, value_digest
from credservice.crypto import SealError, digest

MAX_KEY = 4096  # characters
AT_ONCE = 1_000  # parts of a text that are looked up by one statement
MAX_RECOGNISED = 8
last_uses = LastUses("credentials_credential")
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
    """Check a presented key: its facts, or ``None`` where it is not good. One indexed look-up, hit or miss alike."""
    lookup = digest(text[:MAX_KEY], "lookup")
    found = Credential.objects.filter(lookup=lookup, suspended=False).select_related("policy").only(*_NEEDED).first()
    if found is None or not found.is_usable():
        return None
    last_uses.note(found.pk)
    ends = [end for end in (found.expires_at, found.retires_at) if end is not None]
    return CheckedKey(
        found.pk, found.policy.name, found.subject, found.context, found.activated_at, min(ends, default=None)
    )


def report_leak(text: str, *, actor: str) -> list[Credential]:
    """Find the credentials that ``text`` holds a value of, as it is or with other things around it (``candidates``).

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


@dataclass(frozen=True)
class Recognised:
    """A credential whose value was pasted, and the names of the values that were; none where they were erased."""

    credential: Credential
    names: tuple[str, ...]


def recognise(text: str, *, actor: str) -> list[Recognised]:
    """Find the credentials of which ``text``, pasted by a person, holds a value: compared by digest, and dropped.

    It may be the value alone, or a line of a log, a header, JSON or an assignment around it (``candidates``). Each one
    found gets a line in the trail, so that guessing at values leaves its trace. A few, newest first.
    """
    parts = candidates(text, MIN_DIGESTED)
    digests: set[bytes] = set()
    found: dict[UUID, Credential] = {}
    with transaction.atomic():
        while len(found) < MAX_RECOGNISED and (some := _digests_of(islice(parts, AT_ONCE))):
            digests |= some
            found |= {credential.pk: credential for credential in _found(some)}
        for credential in found.values():
            record_step("credential.recognised", credential, actor)
    newest = sorted(found.values(), key=lambda credential: credential.created_at, reverse=True)[:MAX_RECOGNISED]
    return [Recognised(credential, tuple(_values_in(credential, digests))) for credential in newest]


def secret_among(parts: Collection[str]) -> Credential | None:
    """Find a credential whose value is among these ``candidates``, but for one that says only whose that is."""
    digests = _digests_of(parts)
    while found := _found(digests):
        explained: set[bytes] = set()
        for credential in found:
            values = _values_in(credential, digests)
            names = credential.policy.value_names()
            if not values or any(is_secret(name, value, names) for name, value in values.items()):
                return credential
            explained |= {each for value in values.values() for each in _digests_of_value(value)}
        digests -= explained  # such a name may be many customers': behind theirs, a key is looked for still
    return None


def _digests_of(parts: Iterable[str]) -> set[bytes]:
    """Digest each part as the value that is presented, and as one of several."""
    return {found for part in parts for found in (digest(part, "lookup"), value_digest(part))}


def _digests_of_value(value: str) -> set[bytes]:
    return _digests_of([value, *parts_of(value)])


def _found(digests: Collection[bytes]) -> list[Credential]:
    """Find a few credentials by these."""
    by_key = Credential.objects.filter(lookup__in=digests).select_related("policy")
    both = (by_key, Credential.objects.with_any(digests))
    return [*{row.pk: row for rows in both for row in rows[:MAX_RECOGNISED]}.values()]


def _values_in(credential: Credential, digests: set[bytes]) -> dict[str, str]:
    """Find the values that have one of these digests. They are opened here, compared, and dropped."""
    try:
        values = credential.open()
    except SealError:  # erased, or under a key that this process does not have
        return {}
    return {name: value for name, value in values.items() if _digests_of_value(value) & digests}


# Between words; and within them, where addresses, assignments and sentences have a key between other things. Keys may
# hold these as well (a token's dots, the padding of Base64): so neighbouring parts are tried together, too.
_BLANKS = re.compile(r"[\s\"'`,;<>(){}\[\]]+")
# What mail, chat and word processors put around a key: typographic quotes, marks that nobody sees.
_TYPOGRAPHIC = re.compile(r"[^\x00-\x7f\w]+")
_JOINTS = re.compile(r"([=:&@/?#.|%\\!*~$^+])")
MOST_PARTS = 8  # of a value; more would make very many of a text that is nothing but joints
MOST_AROUND = 4  # joints before and after a value of more parts
# What a header of Basic authentication has in Base64: a name, a colon and a password (RFC 7617).
_BASIC = re.compile(r"\bbasic(?:\s|%20|\+)+([A-Za-z0-9+/]+={0,2})", re.IGNORECASE)

# Values that hold blanks: in quotes, after a name in a line, or a key's file, of which JSON writes the breaks as \n.
_QUOTED = re.compile(r"""\\.|'([^'\n]*)'|("(?:[^"\\\n]|\\.)*")""")  # what is escaped begins nothing
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}-----(?:[^-]|-(?!----))*-----END [A-Z0-9 ]{1,40}-----")
_BREAK = re.compile(r"(?:\\{1,4}r)?\\{1,4}n|\r?\n")


def candidates(text: str, shortest: int) -> Iterator[str]:
    """List each part of ``text`` that may be a value of ``shortest`` characters or more, once.

    All of it, its words, and what stands between joints of them; of an address and of JSON, also as it is without its
    escapes, and of a header of Basic authentication the name and the password that it has in Base64. A value that holds
    blanks is found in quotes, after ``NAME=`` or ``name:`` in a line, and as a key's file (PEM).
    """
    seen: set[str] = set()
    for each in _parts(text.strip()):
        if len(each) >= shortest and each not in seen:
            seen.add(each)
            yield each


def _parts(text: str) -> Iterator[str]:
    yield text
    yield from _with_blanks(text)
    for encoded in _BASIC.findall(text):
        yield from _of_basic(encoded)
    for word in _BLANKS.split(text):
        yield from _of_word(word)
        for decoded in _without_escapes(word):
            yield from _of_word(decoded)
        if _TYPOGRAPHIC.search(word):
            for part in _TYPOGRAPHIC.split(word):
                yield from _of_word(part)


def _with_blanks(text: str) -> Iterator[str]:
    for single, double in _QUOTED.findall(text):
        yield from (single, double[1:-1])
        with suppress(ValueError):
            yield json.loads(double).encode(errors="replace").decode()
    for block in _PEM.findall(text):
        lines = [line.strip() for line in _BREAK.split(block)]  # indented, as in YAML
        yield from ("\n".join(lines), "\r\n".join(lines))
    for line in text.splitlines():
        for joint in ("=", ":"):
            yield line.partition(joint)[2].strip()


def _of_basic(encoded: str) -> Iterator[str]:
    """List what is in Base64; nothing of what is malformed. Each part is a value that may hold blanks and joints."""
    try:
        decoded = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return
    name, _, password = decoded.partition(":")
    yield from (decoded, name, password)


def _of_word(word: str) -> Iterator[str]:
    yield word
    pieces = _JOINTS.split(word)  # parts at even places, the joints between them at odd ones
    # A long value, such as an address, is all but what stands before it, NAME= mostly, and after it.
    for first in range(0, len(pieces), 2)[:MOST_AROUND]:
        for last in range(0, len(pieces), 2)[-MOST_AROUND:]:
            yield "".join(pieces[first : last + 1])
    for first in range(0, len(pieces), 2):
        for last in range(first, min(first + 2 * MOST_PARTS, len(pieces)), 2):
            yield "".join(pieces[first : last + 1])


def _without_escapes(word: str) -> Iterator[str]:
    """Read what addresses and JSON write otherwise."""
    if "%" in word:
        yield from _BLANKS.split(unquote(word))
    if "\\" in word:
        with suppress(ValueError):  # half of a character, cut off in a log, has no digest
            yield json.loads(f'"{word}"').encode(errors="replace").decode()
