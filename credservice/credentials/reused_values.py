"""Finds entered values that another credential has, or had when it was reported as leaked: by their digests."""

import re
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from django.contrib.postgres.functions import TransactionNow
from django.db.models import Q

from credservice.core.exceptions import Invalid, escaped
from credservice.credentials.models import Credential, CredentialQuerySet
from credservice.credentials.transitions import parts_of, value_digest, values_digests
from credservice.crypto import SealError

K = TypeVar("K", bound=Hashable)
FEW = 8  # of those that have a value, for a page and the trail
# Beside a secret, values of such names say whose it is, where it goes or how it is used: they stay, and several
# customers share them. The first ones also where they are written as one with the word before, as in tenantid.
_ALSO_AS_ONE = "url|uri|id|name|user|account|host|server|endpoint|domain|type|method|version|region|zone"
_IDENTIFIES = (
    "port|path|redirect|resource|site|instance|cluster|location|datacenter|address|city|tz"
    "|login|email|tenant|workspace|organization|organisation|org|company|department|alias|agent"
    "|environment|env|stage|project|team|group|role|namespace|realm|issuer|audience"
    "|database|schema|table|catalog|warehouse|dataset|bucket|folder|topic|queue|branch"
    "|scope|kind|mode|protocol|algorithm|format|encoding|model|provider|plan|tier|edition"
    "|title|label|description|language|locale|country|currency|cert|certificate"
)
_PUBLIC = re.compile(rf"(({_ALSO_AS_ONE}|_({_IDENTIFIES}))s?|_(public|publishable)(_key)?s?)_?\d*$")
_SECRET_ALL_THE_SAME = re.compile(r"(secret|session)_?id_?\d*$|_sid$")
# Whatever they are called: a key's text, an assignment in an address or a connection string, but a country_code, and
# nothing but what may be shown.
_HOLDS_KEY = re.compile(
    "PRIVATE KEY|(?:key|secret|token|password|passwd|pwd|pass|code|auth|sig|signature)=", re.IGNORECASE
)
_PUBLIC_CODE = re.compile("(?:country|zip|postal|area|language|currency|status)[_-]?code=", re.IGNORECASE)
_PUBLIC_PEM = "(?:CERTIFICATE|PUBLIC KEY|RSA PUBLIC KEY)-----"
_HOLDS_NONE = re.compile(rf"-----BEGIN {_PUBLIC_PEM}[^-]*-----END {_PUBLIC_PEM}")
# What openssl and bundles of certificates write beside them.
_BESIDE = re.compile(r"(?:#.*|(?:Bag|Key) Attributes.*|(?:friendlyName|localKeyID|subject|issuer)\b.*)?")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_secret(name: str, value: str, names: Collection[str]) -> bool:
    """Tell if a value of this name, among those of ``names``, is to be known to its holder alone.

    It is, unless its name says that it names or places something, or it is a certificate or a public key. A value that
    stands alone is in any case, and so is one with a key in it: the user's part of an address, an assignment such as
    ``sig=``, a part of a path as of a hook.
    """
    if len(names) == 1 or holds_password(value) or _HOLDS_KEY.search(_PUBLIC_CODE.sub("", value)) or _is_hook(value):
        return True
    return not (_is_public(name) or _holds_none(value))


def _is_public(name: str) -> bool:
    """Tell if a name says that what it is of names or places something."""
    words = "_" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", name).lower()
    return bool(_PUBLIC.search(words) and not _SECRET_ALL_THE_SAME.search(words))


def _holds_none(value: str) -> bool:
    """Tell if it is certificates and public keys, and nothing but what is written beside them."""
    rest, found = _HOLDS_NONE.subn("", value)
    return found > 0 and all(_BESIDE.fullmatch(line.strip()) for line in rest.splitlines())


def _is_hook(value: str) -> bool:
    """Tell if an address has a part behind its host that looks as if made at random: an id is none, nor are words,
    joined with one another and with dates and versions, nor what is assigned to a public name."""
    path, *assigned = re.split("[?#&]", value.partition("://")[2])
    parts = path.split("/")[1:]
    for each in assigned:
        name, _, text = each.partition("=")
        parts += [] if text and _is_public(name) else (text or name).split("/")
    return any(len(part) >= 20 and not _UUID.fullmatch(part) and _has_random(part) for part in parts)


def _has_random(part: str) -> bool:
    pieces = re.split("[-_.~]", part)
    mixed = [piece for piece in pieces if re.search("[0-9]", piece) and re.search("[A-Za-z]", piece)]
    return len(mixed) >= 3 or any(len(piece) >= 10 for piece in mixed)


def holds_password(value: str) -> bool:
    """Tell if an address has a user's part, such as postgres://user:password@host."""
    return "://" in value and "@" in value


def secrets_of(values: Mapping[str, str]) -> set[str]:
    """Find the secrets among these; all of them, where none is called one."""
    return {*_named_secrets(values).values()} or {*values.values()}


def _named_secrets(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if is_secret(name, value, values)}


def have_secret_in_common(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Tell if these hold a secret of the others, by the rule for values that leaked: what names or places something is
    none. Shorter ones count where all secrets of one side are the other's: "v2" alone may be anybody's."""
    its, others = ({secret.strip() for secret in secrets_of(each)} for each in (one, other))
    if its <= others or others <= its:
        return True
    secret = parts_of_all([*_named_secrets(one).values(), *_named_secrets(other).values()])
    return not secret.isdisjoint(parts_of_all(one.values()) & parts_of_all(other.values()))


def parts_of_all(values: Iterable[str]) -> set[str]:
    return {part for value in values for part in parts_of(value)}


def digests_of(entered: Mapping[str, str]) -> dict[bytes, str]:
    """Digest the secrets among these values, each with its name. Where all are too short for that, but for what is
    around them, or none is a secret, they are digested together, under no name unless there is but one."""
    named = _named_secrets(entered)
    found = {value_digest(part): name for name, value in named.items() for part in parts_of(value)}
    if parts_of_all(value.strip() for value in named.values()):
        return found
    return found | dict.fromkeys(values_digests(entered), next(iter(entered)) if len(entered) == 1 else "")


def digests_elsewhere(values: Mapping[str, str]) -> list[list[bytes]]:
    """Choose by which digests others are found that have a secret of these: by one of each list, with all that it has.

    Where none is a secret by itself, they are one together, if each is long enough for a digest.
    """
    if named := _named_secrets(values):
        return [[value_digest(part)] for part in parts_of_all(named.values())]
    is_found = all(map(parts_of, values.values()))
    return [[value_digest(value) for value in values.values()]] if values and is_found else []


def refuse_leaked(entered: Mapping[str, str], *, leaking: Credential | None = None) -> None:
    """Raise :class:`Invalid` for a value that was reported as leaked: ``leaking`` is a credential that is now."""
    told = told_leaked(entered, leaking=leaking)
    if told:
        name, sentence = next(iter(told.items()))
        raise Invalid(sentence, pointer=f"/values/{escaped(name)}" if name else "/values")


def told_leaked(entered: Mapping[str, str], *, leaking: Credential | None = None) -> dict[str, str]:
    """Say of each value, by its name, that it was reported as leaked; under no name, of all of them together."""
    digests = digests_of(entered)
    with_it = _leaked_just_now(leaking) if leaking else Credential.objects.none()
    reported = _reported(digests, besides=with_it)
    found = [leaking.value_digests, *with_it.values_list("value_digests", flat=True)] if leaking else []
    lost = {bytes(digest) for some in found for digest in some}
    sentences = {}
    for digest, name in digests.items():
        if digest in reported:
            sentences[name] = _sentence(name, entered, reported[digest])
        elif digest in lost:
            sentences[name] = _sentence(name, entered)
    # Short secrets have no digest.
    values = opened(leaking) if leaking is not None and not sentences else None
    if values is not None and have_secret_in_common(values, entered):
        sentences[""] = _sentence("", entered)
    return sentences


def opened(credential: Credential) -> Mapping[str, str] | None:
    """Open a credential; None where its values are erased, or do not open."""
    try:
        return credential.open() if credential.sealed_values is not None else None
    except SealError:
        return None


def with_leaked(many: Mapping[K, Sequence[Mapping[str, str]]]) -> set[K]:
    """Find which of ``many`` have sets of values with one that was reported as leaked: by one statement."""
    digests = {key: {digest for entered in sets for digest in digests_of(entered)} for key, sets in many.items()}
    reported = _reported({digest for some in digests.values() for digest in some})
    return {key for key, some in digests.items() if not some.isdisjoint(reported)} if reported else set()


def leaked_among(entered: Mapping[str, str]) -> list[Credential]:
    """Find a few credentials that were reported as leaked and had one of these values."""
    return list(Credential.objects.with_any(digests_of(entered)).filter(leaked_at__isnull=False)[:FEW])


def others_with(entered: Mapping[str, str], *, subject: str, external_id: str) -> list[Credential]:
    """Find a few good credentials of other customers that have one of these values."""
    rows = Credential.objects.with_any(digests_of(entered)).filter(state__in=Credential.USABLE)
    rows = rows.exclude(subject__in=["", subject])
    if external_id:  # the same customer, on another platform
        rows = rows.filter(~Q(context__external_id=external_id) | ~Q(context__has_key="external_id"))
    return list(rows[:FEW])


def _leaked_just_now(leaking: Credential) -> CredentialQuerySet:
    """Find what this transaction has reported as leaked of a line: nobody had reported it before."""
    return Credential.objects.filter(line=leaking.line, leaked_at__gte=TransactionNow())


def _reported(digests: Iterable[bytes], *, besides: CredentialQuerySet | None = None) -> dict[bytes, datetime]:
    """Find when values of these digests, and what else leaked with them, were first reported as leaked."""
    wanted = [*digests]
    if not wanted:
        return {}
    rows = Credential.objects.filter(value_digests__overlap=wanted, leaked_at__isnull=False)
    if besides is not None:
        rows = rows.exclude(pk__in=besides.values("pk"))
    newest_first = rows.order_by("-leaked_at").values_list("value_digests", "leaked_at")
    return {bytes(digest): at for found, at in newest_first for digest in found if at}


def _sentence(name: str, entered: Mapping[str, str], at: datetime | None = None) -> str:
    """Say that it was reported ``at`` that time; without one, that it is with the rotation at hand."""
    told = f"reported as leaked on {at:%Y-%m-%d}" if at else "reported as leaked with this rotation"
    if name:
        return f"{name}: this value {'was' if at else 'is'} {told}. Enter a new one."
    return f"{', '.join(entered)}: these values {'were' if at else 'are'} {told}. Enter new ones."
