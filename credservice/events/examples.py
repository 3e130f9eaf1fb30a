"""Makes an example of each type of event, by the code that tells of real objects: so it has the same fields.

Each package registers a function that tells of objects which it makes up and does not save.
"""

from collections.abc import Callable

from credservice.events.emit import Told, rehearsal
from credservice.events.models import EventEndpoint
from credservice.events.types import PING, TYPES

_tellers: list[Callable[[], None]] = []


def register_examples(tell: Callable[[], None]) -> None:
    """Have ``tell`` emit at least one event of each of its types. For AppConfig.ready."""
    _tellers.append(tell)


def examples() -> dict[str, Told]:
    """Make one of each type, but for the ping, in the order of the types. Their ids are new each time."""
    with rehearsal() as told:
        for tell in _tellers:
            tell()
    found = {each.type_: each for each in reversed(told)}
    return {name: found[name] for name in TYPES if name in found}


def made_for_test(type_: str, endpoint: EventEndpoint) -> Told:
    """Make what a test sends to the endpoint: an example, or a ping."""
    if type_ == PING:
        return ping(endpoint.name, str(endpoint.pk))
    return examples()[type_]


def ping(endpoint: str, endpoint_id: str) -> Told:
    return Told(PING, "event_endpoint", endpoint_id, "", {"endpoint": endpoint})
