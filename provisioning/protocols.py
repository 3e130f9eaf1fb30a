"""Registry of protocols: answers for a marketplace what the core of provisioning cannot know itself.

A protocol is an app beside the core. Its own routes call the core's services; where the core acts without a request,
or must know a rule that is not its own, it asks the :class:`Protocol` that the app has registered.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

M = TypeVar("M")


class Refused(Exception):
    """The marketplace said no."""


class Failed(Exception):
    """The marketplace gave no answer that says yes or no."""


@dataclass(frozen=True)
class Person:
    """Describes a user as the marketplace does now. Not to be stored."""

    id: str = ""
    name: str = ""
    email: str = ""
    role: str = ""


class Protocol(ABC, Generic[M]):
    """Speaks to one marketplace, and says what holds for all that speak so."""

    name: ClassVar[str]
    title: ClassVar[str]  # for people
    value_name: ClassVar[re.Pattern[str]]  # the names that a credential's values may have
    value_name_hint: ClassVar[str]  # the same in words, after "The marketplace takes"
    # What of a marketplace is set for this protocol: keys of its entry in a set-up file, fields of its form.
    settings: ClassVar[frozenset[str]] = frozenset()
    region: ClassVar[re.Pattern[str] | None] = None  # the form of a region; None: it knows none
    region_hint: ClassVar[str] = ""  # what to write, in words
    # No: the outcome of slow work is asked for, so that nothing of it is opened before.
    tells_outcomes: ClassVar[bool] = True
    # Yes: a credential is answered in its product's shape, each time that it is asked for.
    shapes_credentials: ClassVar[bool] = False
    # Yes: a resource's id alone says which it is, so that no two marketplaces may have the same one.
    has_global_ids: ClassVar[bool] = False

    def __init__(self, marketplace: M) -> None:
        self.marketplace = marketplace

    @property
    @abstractmethod
    def address(self) -> str:
        """Give the base URL that the marketplace calls."""

    def check(self) -> None:
        """Raise ValidationError where the marketplace's set-up is not sound."""

    @classmethod
    @abstractmethod
    def is_id(cls, text: str) -> bool:
        """Tell whether ``text`` has the form of an id of a resource whose page users may be let in to."""

    @classmethod
    def sweep(cls) -> None:
        """End what nobody awaits, and take up again what a crash has left: once a minute, for all marketplaces."""

    @abstractmethod
    def tell(self, operation_id: UUID, *, done: bool, message: str, credentials: Mapping[str, str] | None) -> None:
        """Have the outcome told to whoever awaits it, in the transaction that ends the operation.

        ``credentials`` are the values where it has provisioned a credential.
        """

    @abstractmethod
    def check_access(self, token: str, resource_id: str) -> None:
        """Ask whether the token's user may see the resource now. Raises Refused or Failed."""

    @abstractmethod
    def people(self, token: str, resource_id: str) -> list[Person]:
        """Ask who has access to the resource. Raises Refused or Failed."""


_protocols: dict[str, type[Protocol[Any]]] = {}


def register_protocol(protocol: type[Protocol[Any]]) -> None:
    """Let marketplaces speak it. For AppConfig.ready."""
    _protocols[protocol.name] = protocol


def get_protocol(name: str) -> type[Protocol[Any]]:
    return _protocols[name]


def protocol_choices() -> list[tuple[str, str]]:
    """``choices`` by name, so that another protocol needs no migration."""
    return [(protocol.name, protocol.title) for protocol in _protocols.values()]


def all_protocols() -> list[type[Protocol[Any]]]:
    return list(_protocols.values())
