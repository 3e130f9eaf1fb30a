"""Reads answers into dataclasses. Fields that a class does not know are ignored: a newer service may have more."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from credservice_client.problems import UnexpectedAnswer

T = TypeVar("T")
REST = "rest"  # metadata of a field that takes all other names


def read(form: type[T], body: Mapping[str, Any], *, status: int = 200, etag: str = "") -> T:
    """Read ``body`` into a ``form``. Raises :class:`UnexpectedAnswer` where it is none."""
    try:
        found = _read(form, body)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UnexpectedAnswer(status, f"is no {form.__name__}") from None
    return dataclasses.replace(found, etag=etag) if etag else found  # type: ignore[type-var] # a tagged one


def _read(form: type[T], body: Mapping[str, Any]) -> T:
    found: dict[str, Any] = {}
    for name, kind, is_needed, takes_rest in _fields(form):  # type: ignore[arg-type] # a class is hashable
        if takes_rest:
            found[name] = {other: part for other, part in body.items() if other not in found}
        elif name in body:
            found[name] = _value(kind, body[name])
        elif is_needed:
            raise KeyError(name)
    return form(**found)


def _value(kind: Any, value: Any) -> Any:
    kinds = get_args(kind) if get_origin(kind) is UnionType else (kind,)
    if value is None:
        if NoneType not in kinds:
            raise TypeError("null")
        return None
    (kind,) = (each for each in kinds if each is not NoneType)
    if kind is datetime:
        return datetime.fromisoformat(value)
    if dataclasses.is_dataclass(kind):
        return _read(kind, value)  # type: ignore[arg-type] # a class, not an instance
    origin, parts = get_origin(kind) or kind, get_args(kind)
    if origin is list:
        return [_value(parts[0], each) for each in value]
    if origin is not Any and not isinstance(value, origin):
        raise TypeError(f"no {origin.__name__}")
    return value


@cache
def _fields(form: type[Any]) -> list[tuple[str, Any, bool, bool]]:
    kinds = get_type_hints(form)
    return [
        (each.name, kinds[each.name], _is_needed(each), REST in each.metadata)
        for each in dataclasses.fields(form)
        if each.name != "etag"
    ]


def _is_needed(each: "dataclasses.Field[Any]") -> bool:
    return each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
