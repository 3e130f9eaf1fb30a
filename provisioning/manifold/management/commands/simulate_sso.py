"""Plays the marketplace, so that the page of a resource can be seen in a browser: ``manage.py simulate_sso``."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from credservice.audit.names import command_actor
from credservice.core.checkout import COMMAND
from provisioning.checker.connector import Client, Connector, PortTaken
from provisioning.checker.failures import Failure
from provisioning.checker.keys import KeyFileError, MasterKey
from provisioning.checker.masks import printable
from provisioning.checker.messages import Reply, Request
from provisioning.checker.options import CALLBACK_SECONDS, CONNECTOR_PORT, REQUEST_SECONDS
from provisioning.checker.order import DOCUMENTED, Order
from provisioning.checker.promises import Promises
from provisioning.checker.provider import Provider
from provisioning.checker.runner import Unreachable, Untrusted, preflight
from provisioning.checker.transport import BadURL, Transport
from provisioning.models import Feature, Resource
from provisioning.services.usage import report_usage
from provisioning.usage_reports import Report

CREDENTIALS = 2
QUANTITIES = (3, 8, 5, 1, 9, 4, 6)  # of one day each, from today back


class Command(BaseCommand):
    help = (
        "Play the marketplace on the demonstration's set-up: order a resource and two credentials, run the "
        "marketplace's connector, and print the single sign-on address that its user's click would open. The code in "
        "it is good for one visit within five minutes. Ctrl-C ends it and deprovisions the resource."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default=settings.PUBLIC_URL, help="where the service answers (%(default)s)")
        parser.add_argument(
            "--master-key",
            type=Path,
            default=settings.VAR_DIR / "demo" / "masterkey.json",
            metavar="FILE",
            help="pair that the service trusts (%(default)s)",
        )
        parser.add_argument("--connector-port", type=int, default=CONNECTOR_PORT, metavar="PORT", help="(%(default)s)")
        for name in ("product", "plan", "region"):
            parser.add_argument(f"--{name}", default=getattr(DOCUMENTED, name), metavar="LABEL", help="(%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with _marketplace(options) as provider:
                self._play(provider)
        except (BadURL, KeyFileError, PortTaken) as error:
            raise CommandError(f"{error}.") from None
        except Unreachable as error:
            raise CommandError(f"{error}. Is it running (make run)?") from None
        except Untrusted:
            raise CommandError(_untrusted(options["master_key"])) from None
        except Failure as failure:
            raise CommandError(f"The service did not take the order: {printable(failure.reason)}.") from None

    def _play(self, provider: Provider) -> None:
        """Order, show the address, and be the marketplace until Ctrl-C."""
        preflight(provider)
        try:
            resource_id = provider.resource()
            for _ in range(CREDENTIALS):
                provider.credential(resource_id)
            _use(provider.order.product, resource_id)
            self.stdout.write(f"A {provider.order.product} with {CREDENTIALS} credentials: resource {resource_id}")
            self.stdout.write("Open this in a browser, once, within five minutes:")
            self.stdout.write(f"\n    {_address(provider, resource_id)}\n")
            self.stdout.write("Keep this running meanwhile. Ctrl-C ends it and deprovisions the resource.")
            self.stdout.flush()
            Event().wait()
        except KeyboardInterrupt:
            self.stdout.write("")
        finally:
            provider.clean_up()
            self._say_left(provider)

    def _say_left(self, provider: Provider) -> None:
        left = ", ".join(provider.left_behind)
        self.stdout.write(f"Left behind: {left}." if left else "Ended. Nothing of it is left.")


@contextmanager
def _marketplace(options: dict[str, Any]) -> Iterator[Provider]:
    """Run the checker's marketplace as the service's set-up knows it: what it is asked is answered at the port."""
    order = Order(options["product"], options["plan"], options["region"], _features(options["product"]))
    master = MasterKey.load(options["master_key"])
    transport = Transport(options["url"], timeout=REQUEST_SECONDS, watch=_unwatched)
    with Connector(options["connector_port"], Client()) as connector:
        try:
            promises = Promises(connector, CALLBACK_SECONDS, _unwatched)
            yield Provider(transport, master, order, connector.url, promises)
        finally:
            transport.close()


def _features(product: str) -> dict[str, Any] | None:
    return DOCUMENTED.features if product == DOCUMENTED.product else None


def _use(product: str, resource_id: str) -> None:
    """Report a week of every metered feature; nothing where the service at the URL is another."""
    if not Resource.objects.filter(partner_id=resource_id).exists():
        return
    labels = Feature.objects.filter(product__label=product, is_metered=True).values_list("label", flat=True)
    now = timezone.now()
    reports = [
        Report(resource_id, f"simulate-sso-{label}-{day}", label, quantity, now - timedelta(days=day))
        for label in labels
        for day, quantity in enumerate(QUANTITIES)
    ]
    if reports:
        report_usage(reports=reports, actor=command_actor("simulate_sso"))


def _address(provider: Provider, resource_id: str) -> str:
    query = {"code": provider.connector.tokens.code(resource_id), "resource_id": resource_id}
    return f"{provider.transport.url}/sso?{urlencode(query)}"


def _untrusted(file: Path) -> str:
    return (
        f"The service does not trust the key in {file}. Where it may: "
        f"{COMMAND} trust_key manifold simulate-sso --test {file}"
    )


def _unwatched(asked: Request | str, answered: Reply | float | None) -> None:
    """Nobody follows the traffic."""
