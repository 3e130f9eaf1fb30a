"""Checks GET /catalog: a platform rejects a broker whole for one field."""

import json
import re
from collections.abc import Iterator
from typing import Any

from provisioning.checker import expect
from provisioning.checker.broker import Broker
from provisioning.checker.cases.osb.register import osb_case
from provisioning.checker.failures import Failure, NotApplicable
from provisioning.checker.messages import Reply

CLI_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
LARGEST_SCHEMA = 64 * 1024


@osb_case("catalogue.fields", "services and plans have the fields that a platform needs")
def fields(broker: Broker) -> None:
    reply, services = _read(broker)
    for service in services:
        _texts(reply, service, "id", "name", "description")
        if not isinstance(service.get("bindable"), bool):
            raise Failure(f"`bindable` of {service['name']} must be true or false", reply)
        if not service.get("plans"):
            raise Failure(f"the service {service['name']} has no plan", reply)
        for plan in service["plans"]:
            _texts(reply, plan, "id", "name", "description")


@osb_case("catalogue.unique", "ids are unique, and names within their service too")
def unique(broker: Broker) -> None:
    reply, services = _read(broker)
    ids = [entry["id"] for service in services for entry in (service, *service["plans"])]
    names = [[service["name"] for service in services]]
    names += [[plan["name"] for plan in service["plans"]] for service in services]
    for values in (ids, *names):
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise Failure(f"{twice[0]} is there more than once", reply)


@osb_case("catalogue.names", "names suit a command line", strict=True)
def names(broker: Broker) -> None:
    reply, services = _read(broker)
    for name in (entry["name"] for service in services for entry in (service, *service["plans"])):
        if not CLI_NAME.fullmatch(name):
            raise Failure(f"the name {name!r} has a character that a command line does not like", reply)


@osb_case("catalogue.schemas", "schemas are JSON objects of at most 64 kB without outside references")
def schemas(broker: Broker) -> None:
    reply, services = _read(broker)
    for schema in _schemas(services):
        if not isinstance(schema, dict):
            raise Failure("`parameters` of a schema must be a JSON object", reply)
        text = json.dumps(schema)
        if len(text) > LARGEST_SCHEMA:
            raise Failure(f"a schema has {len(text)} bytes; 64 kB are taken", reply)
        if re.search(r'"\$ref": "(?!#)', text):
            raise Failure("a schema refers to another document", reply)


@osb_case("catalogue.etag", "an unchanged catalogue is 304 to who names its ETag", strict=True)
def etag(broker: Broker) -> None:
    tag = broker.get("/catalog").header("etag")
    if not tag:
        raise NotApplicable("the broker sends no ETag")
    expect.status(broker.send(broker.request("GET", "/catalog", None, None, ("If-None-Match", tag))), 304)


def _read(broker: Broker) -> tuple[Reply, list[dict[str, Any]]]:
    reply = broker.get("/catalog")
    expect.status(reply, 200)
    services = expect.json_object(reply).get("services")
    if not isinstance(services, list) or not all(isinstance(service, dict) for service in services):
        raise Failure("`services` must be a list of JSON objects", reply)
    return reply, services


def _texts(reply: Reply, entry: dict[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(entry.get(name), str) or not entry[name]:
            raise Failure(f"`{name}` of {entry.get('name')!r} must be a text", reply)


def _schemas(services: list[dict[str, Any]]) -> Iterator[Any]:
    for plan in (plan for service in services for plan in service["plans"]):
        for kind in plan.get("schemas", {}).values():
            yield from (part["parameters"] for part in kind.values() if "parameters" in part)
