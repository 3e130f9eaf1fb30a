"""Reads and writes the event endpoints of a set-up file."""

from credservice.events.emit import forget_wanted
from credservice.events.models import EventEndpoint
from credservice.events.services import end_pause, forget_end, new_secret_set
from credservice.keys.manifest import SigningSecretReference
from credservice.manifest.kinds import Flag, Text, Texts
from credservice.manifest.registry import register
from credservice.manifest.schema import Field, Row, Section


def _make_secret_set(endpoint: EventEndpoint) -> None:
    endpoint.secrets = new_secret_set(endpoint.name)
    forget_wanted()


def _try_anew(row: Row) -> None:
    forget_wanted()
    end_pause(row.obj)  # what was wrong may be mended
    if "is_active" in row.changed:
        forget_end(row.obj)


ENDPOINTS = Section(
    "event_endpoints",
    model=EventEndpoint,
    key="name",
    fields=(
        Field("url", Text("a URL such as https://api.example.com/credential-events"), required=True),
        Field("description", Text()),
        Field("types", Texts()),
        Field("active", Flag(), "is_active"),
    ),
    extras=(SigningSecretReference("it has no signing_secret yet, so nothing is sent to it: make one in the console"),),
    before_create=_make_secret_set,
    after_change=_try_anew,
)


def register_sections() -> None:
    register(ENDPOINTS)
