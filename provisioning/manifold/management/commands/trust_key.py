"""Trusts a marketplace's master key: ``manage.py trust_key MARKETPLACE LABEL KEY``."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from credservice.audit.names import command_actor
from credservice.core.environment import read_value
from credservice.core.exceptions import ServiceError
from provisioning.manifold.signatures.trusted_keys import trust_key
from provisioning.manifold.signatures.verify import parse_public_key

_KEY = re.compile(r"-[A-Za-z0-9_-]{42}=?")


class Command(BaseCommand):
    help = "Trust a marketplace's master key: what is signed under it may order, change and remove credentials."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("marketplace", help="the marketplace's name")
        parser.add_argument("label", help="what to call the key, such as production")
        parser.add_argument("key", help="the public key in base64, or a JSON file with `public_key`")
        parser.add_argument("--test", action="store_true", help="a key for trials, whose private half others may hold")
        parser.add_argument("--ends", type=_moment, metavar="ISO8601", help="trust it until then, such as 2027-01-31")
        parser.add_argument("--why", default="", help="kept in the trail")

    def run_from_argv(self, argv: list[str]) -> None:
        # One key in 64 begins with "-" in base64url. An argument with a space in it is no option to argparse.
        super().run_from_argv([f" {text}" if _KEY.fullmatch(text) else text for text in argv])

    def handle(
        self, *, marketplace: str, label: str, key: str, test: bool, ends: datetime | None, why: str, **_: Any
    ) -> None:
        try:
            trusted, changed = trust_key(
                marketplace=marketplace,
                label=label,
                key=_key(key),
                actor=command_actor("trust_key"),
                is_test=test,
                ends_at=ends,
                why=why,
            )
        except ServiceError as error:
            raise CommandError(error.message) from None
        if test and ends is None and settings.PRODUCTION:
            self.stderr.write("This is a test key without an end, in production. Give it one with --ends.")
        end = f" until {trusted.ends_at:%Y-%m-%d %H:%M} UTC" if trusted.ends_at else ""
        news = "Trusted" if changed else "Trusted already, nothing changed"
        self.stdout.write(f"{news}: {trusted} {trusted.public_key}{end}")


def _moment(text: str) -> datetime:
    """Read a point in time; one without an offset is in UTC. ValueError is argparse's to tell."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _key(text: str) -> str:
    """Read the key from the argument, or from the file that it names. Raises CommandError."""
    text = text.strip()
    try:
        return parse_public_key(text)
    except ValueError as error:
        if not Path(text).is_file():
            raise CommandError(f"{text!r} is neither a file nor a public key ({error}).") from None
    return _from_file(Path(text))


def _from_file(path: Path) -> str:
    try:
        key = json.loads(read_value(path))["public_key"]
        return parse_public_key(key)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CommandError(f'{path} is not JSON with a "public_key" of 32 bytes in base64.') from None
