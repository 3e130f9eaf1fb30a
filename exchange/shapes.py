"""Checks and fills response shapes: the flat JSON object that a platform's modal was set to expect.

``{"apiKey": "$credential.apiKey", "tenant": "$end_user.external_id", "region": "eu"}``: a text that starts with ``$``
names a source, ``$$`` stands for a literal dollar sign, any other text is handed out as it is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from credservice.core.names import fault_of_name, printable

MAX_FIELDS = 32
MAX_NAME = 64  # characters of a field's name
MAX_SHOWN = 40  # of a name that is none, in a message
WANTED = 'Write a JSON object of fields, such as {"apiKey": "$credential.apiKey"}.'
# The kinds of sources; TEXT is one that is handed out as it is.
CREDENTIAL, END_USER, INSTALLATION, TEXT = "credential", "end_user", "installation", "text"
_SOURCE = re.compile(r"\$(credential|end_user|installation)\.(.+)", re.DOTALL)


class ShapeError(ValueError):
    """A shape cannot be filled, because of the field ``field``; of the whole shape, None."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class MissingAttributes(ValueError):
    """The customer or installation has no such attributes, or the credential no such values.

    ``names`` are all that are missing, by their kind. The message goes on from "the".
    """

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        told = [f"{noun_of(kind)} has no {_listed(kind, missing)}" for kind, missing in names.items()]
        super().__init__(", and the ".join(told))
        self.names = names


def noun_of(kind: str) -> str:
    """Return what a person calls this kind of source."""
    return "customer" if kind == END_USER else kind


def check_shape(shape: Any, value_names: tuple[str, ...]) -> None:
    """Raise :class:`ShapeError`, with a sentence, where ``shape`` cannot be filled from credentials with these value
    names. Names of fields are for :func:`check_field_names`: rows from before that rule stay good."""
    if not isinstance(shape, dict) or not shape:
        raise ShapeError(WANTED)
    if len(shape) > MAX_FIELDS:
        raise ShapeError(f"A shape has at most {MAX_FIELDS} fields.")
    for field, source in shape.items():
        if not isinstance(source, str):
            raise ShapeError(f"{field}: write a text, or a source such as $credential.apiKey.", field)
        _check_source(field, source, value_names)


def check_field_names(names: Iterable[str]) -> None:
    """Raise :class:`ShapeError`, with a sentence, for the first name of a field that is none."""
    for field in names:
        fault = fault_of_field_name(field)
        if fault:
            raise ShapeError(fault, field)


def fault_of_field_name(name: str) -> str | None:
    """Return a sentence that tells why a field cannot have this name; None where it can."""
    if not name:
        return "Write the name of each field."
    if len(name) > MAX_NAME:
        return f"“{shown(name)}” is too long: a name has at most {MAX_NAME} characters, and this has {len(name)}."
    fault = fault_of_name(name)
    return f"The name “{shown(name)}” {fault}." if fault else None


def shown(name: str) -> str:
    """Write a name that is none so that it fits a sentence, and steers nothing."""
    return printable(name if len(name) <= MAX_SHOWN else f"{name[:MAX_SHOWN]}…")


def check_attributes(attributes: Any) -> None:
    """Raise ValueError, with a sentence, where a shape could not use these: the answer is flat."""
    if not isinstance(attributes, dict):
        raise ValueError('Write a JSON object, such as {"region": "eu"}.')
    for name, value in attributes.items():
        if isinstance(value, dict | list):
            raise ValueError(f"{name}: write a text, a number, true, false or null.")


def fill(shape: Mapping[str, str], sources: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Fill the shape from ``credential``, ``end_user``, ``installation`` in ``sources``. Raises MissingAttributes."""
    try:
        return {field: _resolve(source, sources) for field, source in shape.items()}
    except KeyError:
        raise MissingAttributes(_missing(shape, sources)) from None


def as_stored(shape: Mapping[str, str]) -> dict[str, str]:
    """Put the fields in the order in which PostgreSQL's jsonb keeps them, and answers hold them: the shorter first."""
    return dict(sorted(shape.items(), key=lambda item: (len(item[0].encode()), item[0].encode())))


def read_source(source: str) -> tuple[str, str]:
    """Split a source into its kind and what is named of it; of a text as it is, the kind is ``TEXT``."""
    if not source.startswith("$") or source.startswith("$$"):
        return TEXT, source.removeprefix("$")
    kind, _, name = source[1:].partition(".")
    return kind, name


def write_source(kind: str, name: str) -> str:
    """Write what :func:`read_source` reads."""
    if kind == TEXT:
        return f"${name}" if name.startswith("$") else name
    return f"${kind}.{name}"


def names_of(shape: Mapping[str, str], kind: str) -> tuple[str, ...]:
    """List, each once, what the shape's sources of this kind name."""
    sources = map(read_source, shape.values())
    return tuple(dict.fromkeys(name for found, name in sources if found == kind))


def _check_source(field: str, source: str, value_names: tuple[str, ...]) -> None:
    if not source.startswith("$") or source.startswith("$$"):
        return
    match = _SOURCE.fullmatch(source)
    if match is None:
        raise ShapeError(
            f"{field}: {source} is no source. Write $credential.NAME, $end_user.external_id, $end_user.ATTRIBUTE or "
            "$installation.ATTRIBUTE; $$ for a literal dollar sign.",
            field,
        )
    kind, name = match.groups()
    if kind == "credential" and name not in value_names:
        raise ShapeError(
            f"The answer's field {field} takes {name}: the policy makes no value named {name}; "
            f"it makes {', '.join(value_names)}.",
            field,
        )


def _resolve(source: str, sources: Mapping[str, Mapping[str, Any]]) -> Any:
    kind, name = read_source(source)
    return name if kind == TEXT else sources[kind][name]


def _missing(shape: Mapping[str, str], sources: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    named = {kind: names_of(shape, kind) for kind in (END_USER, INSTALLATION, CREDENTIAL)}
    found = {kind: [name for name in names if name not in sources[kind]] for kind, names in named.items()}
    return {kind: names for kind, names in found.items() if names}


def _listed(kind: str, names: Sequence[str]) -> str:
    noun = "value" if kind == CREDENTIAL else "attribute"
    return f"{noun}{'s' if len(names) > 1 else ''} {' or '.join(map(repr, names))}"
