"""Declares the options of a policy: once, for their checks, the console's form and the documentation.

None is a secret: policies are kept and shown in clear. An issuer's own secrets are references in settings.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from credservice.core.context_templates import check_template, sources_of
from credservice.core.names import printable

MAX_VALUE_NAME = 128  # characters
MAX_SHOWN = 40  # of a name, in a message

Check = Callable[[Any], object]  # raises ValueError with a phrase, such as "must be a text"


class OptionsError(ValueError):
    """A policy's options cannot work; the message says which and why. ``option``: the one at fault, if it is one.

    ``at``: the position or name, in the option's value, of the part at fault.
    """

    def __init__(self, message: str, option: str = "", at: str | int | None = None) -> None:
        super().__init__(message)
        self.option, self.at = option, at

    @property
    def place(self) -> tuple[str | int, ...]:
        """Return where in the options it is: empty, where it is no one option."""
        return tuple(part for part in (self.option or None, self.at) if part is not None)


class PartError(ValueError):
    """Raised by a check of a value for one part of it: ``at`` its position, from 0, or its name."""

    def __init__(self, phrase: str, at: str | int) -> None:
        super().__init__(phrase)
        self.at = at


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
            raise OptionsError(f"{self.name} {error}", self.name, getattr(error, "at", None)) from None


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


def fault_of_value_name(name: Any) -> str | None:
    """Return a phrase that follows the name of a value, or None where nothing is wrong."""
    if not isinstance(name, str):
        return "is no text"
    if not name:
        return "is empty"
    if len(name) > MAX_VALUE_NAME:
        return f"has {len(name)} characters, and a name has at most {MAX_VALUE_NAME}"
    if not name.isprintable():
        return "holds a line break or a character that cannot be seen"
    return None


def is_value_name(name: Any) -> bool:
    """Tell if a value may have this name: 1 to 128 printable characters."""
    return fault_of_value_name(name) is None


def refuse_value_name(what: str, name: Any, at: str | int) -> None:
    """Raise :class:`PartError` where ``name``, which is ``what`` of an option's value, is no name of a value."""
    fault = fault_of_value_name(name)
    if fault:
        shown = f'{what}, "{_cut(name)}",' if isinstance(name, str) and name else what
        raise PartError(f"must hold names of values: {shown} {fault}", at)


def _cut(name: str) -> str:
    return printable(name if len(name) <= MAX_SHOWN else f"{name[:MAX_SHOWN]}…")


def _check_names(names: Any) -> None:
    if not isinstance(names, list) or not names:
        raise ValueError('must be a list of value names, such as ["apiKey"]')
    for at, name in enumerate(names):
        refuse_value_name(f"entry {at + 1}", name, at)
        if name in names[:at]:
            raise PartError(f'lists the name "{_cut(name)}" twice', at)


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

    def check(name: Any) -> None:
        fault = fault_of_value_name(name)
        if fault:
            raise ValueError(f"must be the name of the value, such as {default}: this {fault}")

    kind = Text(check)
    return Option("name", kind, "The name of the value, which a response shape hands out.", default=default)
