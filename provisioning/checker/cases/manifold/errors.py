"""Checks that errors which belong to no endpoint are JSON as well (Provider API, "Errors")."""

from provisioning.checker import expect
from provisioning.checker.ids import new_id
from provisioning.checker.provider import Provider
from provisioning.checker.registry import case


@case("error.unknown_path", "an unknown path is not found, in JSON", strict=True)
def unknown_path(provider: Provider) -> None:
    expect.refusal(provider.call("GET", "/no-such-path"), 404)


@case("error.unknown_method", "a method that a path does not have is refused, in JSON", strict=True)
def unknown_method(provider: Provider) -> None:
    expect.refusal(provider.call("POST", f"/resources/{new_id()}", {"id": new_id()}), 405)
