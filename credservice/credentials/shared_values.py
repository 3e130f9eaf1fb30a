"""Finds what the versions of a line have in common: with one of them, whatever else holds its secret leaks."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from uuid import UUID

from credservice.credentials.models import Credential
from credservice.credentials.reused_values import digests_of
from credservice.crypto import SealError


def share_secret(one: Credential, other: Credential) -> bool:
    """Tell if they have a secret in common, by the rule for values that leaked: what names or places something is none.

    Where the values of neither open, whatever they have in common counts.
    """
    both = set(map(bytes, one.value_digests)) & set(map(bytes, other.value_digests))
    for each in (one, other) if both else ():
        with suppress(SealError):
            return not both.isdisjoint(digests_of(each.open()))
    return bool(both)


def leaking_with(credentials: Iterable[Credential]) -> list[Credential]:
    """Find the other good versions that have a secret of one of these: by one statement, however many these are."""
    chosen = {each.pk: each.line for each in credentials}
    lines: dict[UUID, list[Credential]] = defaultdict(list)
    for row in Credential.objects.usable().filter(line__in=set(chosen.values())).select_related("policy"):
        lines[row.line].append(row)
    return [
        other
        for rows in lines.values()
        for other in rows
        if other.pk not in chosen and any(share_secret(row, other) for row in rows if row.pk in chosen)
    ]


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
