"""Scheduled rotations that are not ours to do: a partner that keeps the values has to fetch new ones."""

from collections.abc import Callable

from credservice.credentials.models import Credential

# Whether somebody else was asked to rotate this credential instead.
Taker = Callable[[Credential], bool]
_takers: list[Taker] = []


def register_taker(taker: Taker) -> None:
    """Have ``taker`` asked for each credential that is due for rotation. For the doors' AppConfig.ready."""
    if taker not in _takers:
        _takers.append(taker)


def is_taken(credential: Credential) -> bool:
    return any(taker(credential) for taker in _takers)
