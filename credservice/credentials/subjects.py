"""Whose a credential may be: what the doors know of their end users and resources, asked by kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from credservice.exceptions import Invalid


@dataclass(frozen=True)
class Subject:
    """One that exists: whether it is suspended, and what its credentials are made for, given to the issuer."""

    suspended: bool
    context: Mapping[str, Any]


# Of an id: the subject, its row locked until the transaction ends, so that a suspension meanwhile waits; None where
# there is none.
Finder = Callable[[str], Subject | None]
_finders: dict[str, Finder] = {}


def register_subject(kind: str, finder: Finder) -> None:
    """Have ``finder`` asked about subjects ``kind:...``. For the doors' AppConfig.ready."""
    _finders[kind] = finder


def find_subject(subject: str) -> Subject:
    """The subject, locked; of the empty text, nobody's. Raises :class:`Invalid` where there is none."""
    if not subject:
        return Subject(suspended=False, context={})
    kind, _, key = subject.partition(":")
    finder = _finders.get(kind)
    found = finder(key) if finder else None
    if found is None:
        kinds = " or ".join(f"{name}:ID" for name in sorted(_finders))
        raise Invalid(f"There is no such subject. Write {kinds}, with our id of one that exists, or leave it out.")
    return found
