"""A trial of a new credential, after it was made and before it is handed out."""

from collections.abc import Mapping
from typing import Any

from credservice.issuers.base import OptionsError


class ProbeFailed(Exception):
    """The credential does not work. The message holds no secret."""


def check_probe(probe: Any, value_names: tuple[str, ...]) -> None:
    """Raise :class:`OptionsError` where this probe could not be run."""
    raise OptionsError("no kind of probe is known")


def run_probe(probe: Mapping[str, Any], values: Mapping[str, str]) -> None:
    """Try the values. Raises :class:`ProbeFailed`."""
    raise ProbeFailed("no kind of probe is known")
