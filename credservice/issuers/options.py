"""Declares the options of a policy: once, for their checks, the console's form and the documentation.

None is a secret: policies are kept and shown in clear. An issuer's own secrets are references in settings.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from credservice.core.context_templates import check_template, sources_of

Check = Callable[[Any], object]  # raises ValueError with a phrase, such as "must be a text"


class OptionsError(ValueError):
    """A policy's options cannot work; the message says which and why. ``option``: the one at fault, if it is one."""

    def __init__(self, message: str, option: str = "") -> None:
        super().__init__(message)
        self.option = option


def that(accepts: Callable[[Any], Any], phrase: str) -> Check:
    """Make a check of a predicate and of what it wants."""

    def check(value: Any) -> None:
        if not accepts(value):
            raise ValueError(phrase)

    return check


def is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


_ANY_TEXT = that(is_text, "must be a text")


class Kind(Protocol):
    """The kind of an option's value: how it is checked, and how a form asks for it."""

    @property
    def check(self) -> Check: ...


@dataclass(frozen=True)
class Text:
    check: Check = _ANY_TEXT


@dataclass(frozen=True)
class Lines:
    """Several texts. ``or_one``: one alone may be given as it is, without a list."""

    check: Check
    or_one: bool = False


@dataclass(frozen=True)
class Pairs:
    """Texts by their names."""

    check: Check


@dataclass(frozen=True)
class JSONObject:
    check: Check


@dataclass(frozen=True)
class Choice:
    values: Sequence[str]

    def check(self, value: Any) -> None:
        if value not in self.values:
            raise ValueError(f"must be one of {', '.join(self.values)}")


@dataclass(frozen=True)
class Number:
    least: float
    most: float
    of: str = ""  # its unit
    whole: bool = True

    def check(self, value: Any) -> None:
        number = isinstance(value, int if self.whole else int | float) and not isinstance(value, bool)
        if not number or not self.least <= value <= self.most:
            raise ValueError(f"must be a number {f'of {self.of} ' if self.of else ''}from {self.least} to {self.most}")


@dataclass(frozen=True)
class Seconds(Number):
    """A length of time, kept as a number; a form takes it as people write it, such as 15 minutes."""

    of: str = "seconds"


@dataclass(frozen=True)
class Option:
    """One option. ``default`` holds where it is not given."""

    name: str
    kind: Kind
    help: str
    required: bool = False
    default: Any = None

    def check(self, value: Any) -> None:
        """Raise :class:`OptionsError` where ``value`` is none for it."""
        try:
            self.kind.check(value)
        except ValueError as error:
            raise OptionsError(f"{self.name} {error}", self.name) from None


def check_declared(declared: Iterable[Option], given: Mapping[str, Any]) -> None:
    """Raise :class:`OptionsError` for an unknown option, one that is missing, or one that is not of its kind."""
    options = list(declared)
    only(given, {option.name for option in options})
    for option in options:
        if option.required or option.name in given:
            option.check(given.get(option.name))


def with_defaults(declared: Iterable[Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what is not given."""
    return {option.name: given.get(option.name, option.default) for option in declared}


def only(options: Mapping[str, Any], allowed: set[str]) -> None:
    """Raise :class:`OptionsError` for an option that the issuer does not know: a typo must not pass silently."""
    unknown = sorted(set(options) - allowed)
    if unknown:
        raise OptionsError(f"unknown option {unknown[0]!r}; it takes {', '.join(sorted(allowed)) or 'none'}")


def is_value_name(name: Any) -> bool:
    """Tell if a value may have this name: 1 to 128 printable characters."""
    return isinstance(name, str) and 0 < len(name) <= 128 and name.isprintable()


def _check_names(names: Any) -> None:
    if not isinstance(names, list) or not names or not all(is_value_name(name) for name in names):
        raise ValueError('must be a list of value names, such as ["apiKey"]')
    if len(set(names)) < len(names):
        raise ValueError("lists the same name twice")


VALUE_NAMES = Lines(_check_names)


# What a credential may be made from: the contexts that the doors give, for an end user and for a resource.
SOURCES = (
    *("end_user", "external_id", "integration", "installation"),
    *("resource", "product", "plan", "region", "features"),
)


def check_sources(template: Any) -> None:
    """Raise ValueError, with a phrase, where ``template`` cannot be filled: an unknown source is a typo."""
    check_template(template)
    for source in sources_of(template):
        name, _, inner = source[1:].partition(".")
        if name not in SOURCES or (inner and name != "features"):
            known = ", ".join(f"${each}" for each in SOURCES)
            raise ValueError(f"names a source that there is not: {source}; there are {known} and $features.NAME")


def value_name(default: str) -> Option:
    """Declare the name of the one value that an issuer makes."""
    kind = Text(that(is_value_name, f"must be the name of the value, such as {default}"))
    return Option("name", kind, "The name of the value, which a response shape hands out.", default=default)
