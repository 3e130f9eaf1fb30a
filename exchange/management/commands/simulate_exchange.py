"""Runs ``manage.py simulate_exchange``: calls the exchange as MindCloud does, and shows what it answers."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from credservice.audit import Line, record
from credservice.audit.names import command_actor
from credservice.keys.models import SigningSecret
from exchange.models import Platform
from exchange.serializers import ExchangeIds
from exchange.signatures.diagnosis import Diagnosis, diagnose
from exchange.signatures.verify import Secret
from exchange.simulator import NoAnswer, Simulation, server_clock_difference, simulate

CLOCK_SLACK_SECONDS = 2


class Command(BaseCommand):
    help = (
        "Act as the platform: sign an exchange request with its current secret, send it, and print the answer in full "
        "(standard output) below the same request as a curl command (standard error). The exit status is 1 unless "
        "a credential was answered. The use of the secret is recorded in the audit trail."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name, what in (
            ("platform", "name of the platform, such as mindcloud"),
            ("integration", "integrationId to send"),
            ("installation", "installationId to send"),
            ("end-user", "endUserId to send"),
        ):
            parser.add_argument(f"--{name}", required=True, metavar="ID", help=what)
        parser.add_argument(
            "--url", default=settings.PUBLIC_URL, help="where the service answers (default: %(default)s)"
        )
        parser.add_argument("--print-curl", action="store_true", help="print the signed curl command and send nothing")
        parser.add_argument("--explain", action="store_true", help="show what was signed, and what would make it hold")
        parser.add_argument("--timestamp", default="", help="send this timestamp instead of now")
        parser.add_argument("--signature", default="", help="send this X-Signature instead of our own")

    def handle(self, *args: Any, **options: Any) -> None:
        platform = _find_platform(options["platform"])
        simulation = _simulate(platform, options)
        if options["print_curl"]:
            self.stdout.write(simulation.curl())
        else:
            self.stderr.write(f"$ {simulation.curl()}\n", self.style.NOTICE)
            self._send(simulation)
        if options["explain"]:
            self._explain(platform, simulation)
        if not options["print_curl"] and self._status != 200:
            raise CommandError(f"No credential was answered: HTTP status {self._status}.")

    def _send(self, simulation: Simulation) -> None:
        try:
            answer = simulation.send()
        except NoAnswer as error:
            raise CommandError(f"{simulation.url} does not answer: {error}. Is it running (make run)?") from None
        self._status = answer.status_code
        self.stderr.write(f"HTTP {answer.status_code}", self.style.NOTICE)
        self.stdout.write(answer.text)
        difference = server_clock_difference(answer)
        if difference is not None and abs(difference) > CLOCK_SLACK_SECONDS:
            self.stderr.write(f"The server's clock is {difference:+.0f} s from ours.", self.style.WARNING)

    def _explain(self, platform: Platform, simulation: Simulation) -> None:
        live = list(platform.secrets.live())
        ended = [secret for secret in platform.secrets.secrets.all() if secret not in live]
        found = diagnose(
            simulation.signed_request(),
            platform.profile,
            _opened(live),
            time.time(),
            _opened(ended),
            simulation.public_url,
        )
        self.stderr.write("\n".join(_explanation(found, live)))


def _find_platform(name: str) -> Platform:
    platform = Platform.objects.filter(name=name).select_related("secrets").first()
    if platform is None:
        names = ", ".join(Platform.objects.values_list("name", flat=True)) or "none"
        raise CommandError(f"There is no platform {name!r}. There are: {names}.")
    return platform


def _simulate(platform: Platform, options: dict[str, Any]) -> Simulation:
    ids = ExchangeIds(options["integration"], options["installation"], options["end_user"])
    try:
        return simulate(
            platform=platform,
            ids=ids,
            base_url=options["url"],
            secret=_use_secret(platform) if platform.require_signature else None,
            timestamp=options["timestamp"],
            signature=options["signature"],
        )
    except ValueError as error:
        raise CommandError(str(error)) from None


def _use_secret(platform: Platform) -> bytes:
    secret = platform.secrets.live().first()
    if secret is None:
        raise CommandError(f"Platform {platform.name!r} has no live signing secret. Generate one in the console.")
    actor = command_actor("simulate_exchange")
    record(Line.about(secret, "signing_secret.used", actor, {"platform": platform.name}))
    return secret.open()


def _opened(secrets: list[SigningSecret]) -> list[Secret]:
    """Open what has not been erased."""
    return [Secret(secret.pk, secret.open()) for secret in secrets if secret.sealed is not None]


def _explanation(found: Diagnosis, live: list[SigningSecret]) -> list[str]:
    lines = ["", "What is signed:", *(f"    {line}" for line in found.canonical.split("\n"))]
    if found.clock_difference is not None:
        lines.append(f"The timestamp is {round(found.clock_difference):+d} s from this clock.")
    for secret in live:
        outcome = "matches" if found.matches[secret.pk] else "does not match"
        lines.append(f"The secret {secret.hint} ({secret.state}) {outcome}.")
    lines.append("The signature holds." if found.verdict.ok else f"Refused: {found.verdict.reason}.")
    return [*lines, found.remedy] if found.remedy else lines
