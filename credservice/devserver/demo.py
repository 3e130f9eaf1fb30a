"""Makes the secrets that docs/examples/demo.yaml refers to, and the commands to try."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from credservice.devserver.layout import Layout

EXAMPLES = Path(__file__).resolve().parents[1] / "docs/examples"
DEMO_FILE = EXAMPLES / "demo.yaml"


@dataclass(frozen=True)
class SetUpFile:
    """One file of the demonstration. ``before``: what the last start wrote, where each start writes it anew."""

    path: Path
    before: Path | None = None


# Printed in the marketplace's public document, in its example command; nobody's secret.
DOCUMENTED_CLIENT_SECRET = "3yTKSiJ6f5V5Bq-kWF0hmdrEUep3m3HKPTcPX7CdBZw"  # noqa: S105

# Both partner documents' own examples.
EXCHANGE = (
    "simulate_exchange --platform mindcloud --integration int_abc123 --installation install_xyz789"
    " --end-user enduser_456def --url {url}"
)
PROVIDER = (
    "check_provider {url}/v1 --master-key {master_key} --connector-port 3001"
    " --product bear --plan ursa-minor --new-plan ursa-major"
    """ --region all::global --plan-features '{{"age":2,"hat_color":"red","ready":true}}'"""
)
# The same of a product whose work takes long: docs/examples/slow.yaml.
SLOW_PROVIDER = (
    "check_provider {url}/v1 --master-key {master_key} --connector-port 3001"
    " --product whale --plan pod --new-plan ocean"
    """ --region all::global --plan-features '{{"depth":200}}'"""
)

# The same door for an Open Service Broker platform.
BROKER = (
    "check_provider {url}/osb/platform --protocol osb --password-file {password} --product queue"
    """ --plan-features '{{"queues":3}}'"""
)


def exchange_command(layout: Layout) -> str:
    """Write the command for `manage.py`: one signed exchange against this server."""
    return EXCHANGE.format(url=layout.url)


def provider_command(layout: Layout, form: str = PROVIDER) -> str:
    """Write the command for `manage.py`: every case of the provider API against this server."""
    master_key = layout.shown(layout.var_dir / "demo" / "masterkey.json")
    return form.format(url=layout.url, master_key=shlex.quote(master_key))


def broker_command(layout: Layout) -> str:
    """Write the command for `manage.py`: every case of Open Service Broker against this server."""
    password = layout.shown(layout.var_dir / "demo" / "platform-password")
    return BROKER.format(url=layout.url, password=shlex.quote(password))


def make_secrets(folder: Path) -> None:
    """Write the files that are missing, for the owner's eyes only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_once(folder / "mindcloud-signing-secret", lambda: secrets.token_urlsafe(32))
    write_once(folder / "example-api-key", lambda: secrets.token_urlsafe(32))
    write_once(folder / "manifold-client-secret", lambda: DOCUMENTED_CLIENT_SECRET)
    write_once(folder / "masterkey.json", _master_key)
    write_once(folder / "platform-password", lambda: secrets.token_urlsafe(32))


def _master_key() -> str:
    """An Ed25519 pair in the form of the marketplace's own tools: Go's private key is the seed and the public key."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    pair = {"public_key": public, "private_key": key.private_bytes_raw() + public}
    return json.dumps({name: base64.urlsafe_b64encode(value).rstrip(b"=").decode() for name, value in pair.items()})


def write_once(path: Path, make: Callable[[], str]) -> None:
    """Write what ``make`` returns, for the owner's eyes only, where there is no such file."""
    if path.exists():
        return
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(make())
    unfinished.rename(path)
