"""Finds what credentials have in common, of a line and of others: whatever holds a secret of one leaks with it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import Q

from credservice.credentials.models import Credential
from credservice.credentials.reused_values import (
    digests_elsewhere,
    have_secret_in_common,
    opened,
    parts_of_all,
    secrets_of,
)
from credservice.credentials.transitions import value_digest, values_digests

BATCH = 500
LOOKED_AT = 1_000  # for a page: a great many may have the same address, say
Digests = Sequence[Sequence[bytes]]  # of others, each has all of one of these


def share_secret(one: Credential, other: Credential) -> bool:
    """Tell if they have a secret in common; of what does not open, the digests tell."""
    its, others = opened(one), opened(other)
    if its is not None and others is not None:
        return have_secret_in_common(its, others)
    return not _digests(one, its).isdisjoint(_digests(other, others))


def _digests(credential: Credential, values: Mapping[str, str] | None) -> set[bytes]:
    if values is None:
        return set(map(bytes, credential.value_digests))
    return {*map(value_digest, parts_of_all(secrets_of(values))), *values_digests(values)}


def leaking_with(credentials: Iterable[Credential]) -> list[Credential]:
    """Find the other good versions that have a secret of one of these: by one statement, however many these are."""
    chosen = {each.pk: each.line for each in credentials}
    lines: dict[UUID, list[Credential]] = defaultdict(list)
    good = Credential.objects.usable().filter(line__in=set(chosen.values()))
    for row in (good | Credential.objects.filter(pk__in=chosen)).select_related("policy"):
        lines[row.line].append(row)
    return [
        other
        for rows in lines.values()
        for other in rows
        if other.pk not in chosen and any(share_secret(row, other) for row in rows if row.pk in chosen)
    ]


def holders_elsewhere(
    credential: Credential, *, digests: Digests | None = None, at_most: int | None = None
) -> Iterator[Credential]:
    """Find ``at_most`` good credentials of other lines that have a secret of this one: of 12 characters or more, for
    shorter ones have no digest. Newest first; a batch of rows is held at a time.

    ``digests`` are those of its secrets (:func:`secrets_elsewhere`) where it is erased since. Without them all of its
    values are looked for then, and those are opened that have one: what it is there tells if it is a secret.
    """
    elsewhere = Credential.objects.usable().exclude(line=credential.line)
    digests = secrets_elsewhere(credential) if digests is None else digests
    wanted = [[bytes(each)] for each in credential.value_digests] if digests is None else digests
    has_one = reduce(or_, (Q(value_digests__contains=each) for each in wanted), Q(pk__in=[]))
    found = list(elsewhere.filter(has_one).order_by("-activated_at").values_list("pk", flat=True)[:at_most])
    for start in range(0, len(found), BATCH):
        rows = elsewhere.filter(pk__in=found[start : start + BATCH]).select_related("policy")
        yield from (
            row for row in rows.order_by("-activated_at") if digests is not None or share_secret(credential, row)
        )


def secrets_elsewhere(credential: Credential) -> Digests | None:
    """Choose by which digests its secrets are found elsewhere; None where it does not open."""
    values = opened(credential)
    return None if values is None else digests_elsewhere(values)


def told_leaking(credential: Credential, *, when: str = "") -> list[str]:
    """Say what becomes of those should it leak; ``when`` it has, if that is yet to be said."""
    return [_told(other, when) for other in leaking_with([credential])]


def _told(other: Credential, when: str) -> str:
    if other.state == Credential.State.ACTIVE:
        return (
            f"Version {other.version_name()} has a value of it, and is marked as leaked{when}: it is handed out until "
            "you rotate it as leaked."
        )
    return f"Version {other.version_name()} has a value of it, and ends with it{when}."


def shared_names(ended: Credential, holder: Credential) -> list[str]:
    """Name the values of ``holder`` that ``ended`` has as well: short ones only while both open."""
    its, others = opened(ended), opened(holder) or {}
    if its is not None:
        return [name for name, value in others.items() if value in its.values()]
    known = set(map(bytes, ended.value_digests))
    return [name for name, value in others.items() if not known.isdisjoint(map(value_digest, parts_of_all([value])))]
