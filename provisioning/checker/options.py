"""Defines the options of the command line, and makes an order of them."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from provisioning.checker.connector import Client
from provisioning.checker.order import DOCUMENTED, Order

DESCRIPTION = (
    "Play a Manifold-style marketplace, or an Open Service Broker platform, against a provider in any language, and "
    "check every documented behaviour. "
    "Exit code: 0 no case failed, 1 a case failed, 2 it could not be run."
)
# What the marketplace allows a provider for one answer.
REQUEST_SECONDS = 60.0
# The marketplace waits 24 h for a callback; the work of a test should not take that long.
CALLBACK_SECONDS = 60.0
# Where the marketplace's documents run its connector during a check.
CONNECTOR_PORT = 3001


class Usage(ValueError):
    """Options that do not fit together; the text is one sentence."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", nargs="?", metavar="URL", help="the provider: http://host:port, with or without /v1")
    parser.add_argument(
        "--protocol", choices=("manifold", "osb"), default="manifold", help="how the provider speaks (%(default)s)"
    )
    _add_broker(parser.add_argument_group("of osb", "Without --product: the first service of the catalogue."))
    parser.add_argument("--master-key", type=Path, metavar="FILE", help="sign with this pair instead of a new one")
    parser.add_argument("--save-key", type=Path, metavar="FILE", help="keep the new pair; without URL, do only that")
    _add_order(parser.add_argument_group("what is ordered", "Without --product: the order of the partner documents."))
    _add_selection(parser.add_argument_group("which cases", "NAME: a case, a group such as `signature`, or `strict`."))
    parser.add_argument("--verbose", action="store_true", help="show every request and answer, credentials masked")
    parser.add_argument("--show-secrets", action="store_true", help="with --verbose: credentials in plain text")
    parser.add_argument("--timeout", type=_seconds, default=REQUEST_SECONDS, metavar="S", help="seconds for an answer")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the outcomes as JUnit XML too")
    _add_connector(parser.add_argument_group("the connector", "Without --connector-port: no SSO, and no 202."))


def _add_broker(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--user", metavar="NAME", help="user name of the platform; without it, the URL's last part")
    group.add_argument("--password-file", type=Path, metavar="FILE", help="its password; without it, BROKER_PASSWORD")


def _add_connector(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--connector-port", type=int, metavar="PORT", help="run the marketplace's connector on this port of localhost"
    )
    group.add_argument("--client-id", default=Client().id, metavar="ID", help="OAuth client of the provider there")
    group.add_argument("--client-secret", default=Client().secret, metavar="SECRET", help="its secret")
    group.add_argument(
        "--callback-timeout", type=_seconds, default=CALLBACK_SECONDS, metavar="S", help="seconds for a callback"
    )


def _add_order(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--product", metavar="P", help="label of the product")
    group.add_argument("--plan", metavar="P", help="label of the plan to provision")
    group.add_argument("--region", metavar="R", help="region to provision in")
    group.add_argument("--new-plan", metavar="P", help="plan to change to; without it those cases are skipped")
    group.add_argument("--plan-features", type=_features, metavar="JSON", help="features selected for the plan")
    group.add_argument("--new-plan-features", type=_features, metavar="JSON", help="features selected for the new plan")
    group.add_argument(
        "--credential", choices=("multiple", "single"), default="multiple", help="living credentials of one resource"
    )


def _add_selection(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--only", nargs="+", action="extend", default=[], metavar="NAME", help="run these")
    group.add_argument("--skip", nargs="+", action="extend", default=[], metavar="NAME", help="leave these out")
    group.add_argument("--strict", action="store_true", help="credservice's stricter reading fails instead of warning")
    group.add_argument("--list", action="store_true", help="list the cases and stop")


def order_of(options: Mapping[str, Any]) -> Order:
    """Make the order of the options. Raises Usage where they leave out what an order must have."""
    given = {
        "plan": options["plan"],
        "region": options["region"],
        "new_plan": options["new_plan"],
        "features": options["plan_features"],
        "new_features": options["new_plan_features"],
    }
    if options["product"] is None:
        if any(value is not None for value in given.values()):
            raise Usage("name the --product that the other options of the order are about")
        return replace(DOCUMENTED, credentials=options["credential"])
    for name in ("plan", "region"):
        if given[name] is None:
            raise Usage(f"--product needs --{name} as well (a product without regions has all::global)")
    return Order(product=options["product"], credentials=options["credential"], **given)


def _features(text: str) -> dict[str, Any]:
    try:
        features = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from error
    if not isinstance(features, dict):
        raise argparse.ArgumentTypeError("features are a JSON object, such as '{\"ready\": true}'")
    return features


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError("give a number of seconds between 0 and 3600")
    return seconds
