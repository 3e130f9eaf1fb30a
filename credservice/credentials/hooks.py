"""Lets the doors tell the kernel about their end users and resources.

A look-up by kind finds the subject of a credential. A taker has a scheduled rotation done by the partner instead, who
has to fetch the new values itself. What hands a line of credentials out may have another policy by now than the line's
credentials were made by.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from credservice.core.exceptions import Invalid
from credservice.credentials.models import Credential, CredentialPolicy


@dataclass(frozen=True)
class Subject:
    """One that exists: whether it is suspended, and what its credentials are made for, given to the issuer."""

    suspended: bool
    context: Mapping[str, Any]


# Of an id: the subject, its row locked until the transaction ends, so that a suspension meanwhile waits; None where
# there is none.
Finder = Callable[[str], Subject | None]
_finders: dict[str, Finder] = {}
# Asked of a credential that is due for rotation: whether somebody else was asked to rotate it instead.
Taker = Callable[[Credential], bool]
_takers: list[Taker] = []
# Asked for lines of credentials: of each that something hands out, the policies of what does.
Policies = Callable[[Collection[UUID]], Iterable[tuple[UUID, CredentialPolicy]]]
_policies: list[Policies] = []


def register_subject(kind: str, finder: Finder) -> None:
    """Have ``finder`` asked about subjects ``kind:...``. For the doors' AppConfig.ready."""
    _finders[kind] = finder


def subject_kinds() -> list[str]:
    """List the kinds of subjects that there are, such as ``end_user``."""
    return list(_finders)


def find_subject(subject: str) -> Subject:
    """Find the subject, and lock it; of the empty text, nobody's. Raises :class:`Invalid` where there is none."""
    if not subject:
        return Subject(suspended=False, context={})
    kind, _, key = subject.partition(":")
    finder = _finders.get(kind)
    found = finder(key) if finder else None
    if found is None:
        kinds = " or ".join(f"{name}:ID" for name in sorted(_finders))
        raise Invalid(f"There is no such subject. Write {kinds}, with our id of one that exists, or leave it out.")
    return found


def register_taker(taker: Taker) -> None:
    """Have ``taker`` asked for each credential that is due for rotation. For the doors' AppConfig.ready."""
    if taker not in _takers:
        _takers.append(taker)


def is_taken(credential: Credential) -> bool:
    return any(taker(credential) for taker in _takers)


def register_policies(policies: Policies) -> None:
    """Have ``policies`` asked of lines of credentials. For the doors' AppConfig.ready."""
    if policies not in _policies:
        _policies.append(policies)


def wanted(lines: Collection[UUID]) -> set[UUID]:
    """Choose those of the lines that something hands out, or would, were there a credential."""
    return {line for ask in _policies for line, _ in ask(lines)}


def policy_of_successor(credential: Credential) -> CredentialPolicy:
    """Find the policy by which a person has a successor made: that of what hands its line out, where that is one."""
    found = {policy.pk: policy for ask in _policies for _, policy in ask([credential.line])}
    return next(iter(found.values())) if len(found) == 1 else credential.policy


def policy_of_renewal(credential: Credential) -> CredentialPolicy:
    """Find the policy by which one is made without a person: the same, unless its values are entered."""
    policy = policy_of_successor(credential)
    return policy if policy.backend().generates else credential.policy
