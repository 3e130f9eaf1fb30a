"""A state folder with secrets, and the two commands as a person would use them."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from credservice.credentials.models import CredentialPolicy
from credservice.keys.models import SigningSecretSet
from exchange.models import Platform
from provisioning.models import Marketplace
from tests.support.paths import ROOT

DEMO = ROOT / "docs/examples/demo.yaml"
SECRETS = {
    "mindcloud-signing-secret": "c2lnbmluZyBzZWNyZXQgZm9yIHRoZSB0ZXN0cw",
    "example-api-key": "example-api-key-of-the-tests",
    "manifold-client-secret": "client-secret-of-the-tests",
    "platform-password": "a-password-of-a-platform-of-the-tests",
    "masterkey.json": '{"public_key": "PY7wu3q3-adYr9-0ES6CMRixup9OjO5iL7EFDFpolhk", "private_key": "private-half"}',
}


class Commands:
    """`apply` of a text and `export`, with what they print. Nothing of ``SECRETS`` may ever be printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def apply(self, text: str, *options: str) -> str:
        (self.folder / "set-up.yaml").write_text(text)
        out = StringIO()
        call_command("apply", "set-up.yaml", *options, stdout=out)
        return self._clean(out.getvalue())

    def refused(self, text: str) -> str:
        with pytest.raises(CommandError) as refusal:
            self.apply(text)
        return self._clean(str(refusal.value))

    def demo(self, *options: str) -> str:
        return self.apply(DEMO.read_text(), *options)

    def export(self, *options: str) -> str:
        out = StringIO()
        call_command("export", *options, stdout=out)
        return self._clean(out.getvalue())

    def secret(self, name: str, text: str) -> None:
        (self.folder / "demo" / name).write_text(text)

    def _clean(self, printed: str) -> str:
        for path in (self.folder / "demo").iterdir():
            secret = path.read_text().strip()
            assert not secret or secret not in printed
        return printed


def assert_refused(commands: Commands, text: str, problem: str) -> None:
    """One problem, which begins so, and nothing is written: not even what was good."""
    first, line = commands.refused(text).splitlines()
    assert first == "set-up.yaml has 1 problem; nothing was changed."
    assert line.startswith(f"set-up.yaml:{problem}")
    assert not any(model.objects.exists() for model in (CredentialPolicy, Platform, Marketplace, SigningSecretSet))


@pytest.fixture
def commands(db, settings, tmp_path, monkeypatch):
    """In a folder of its own, which is VAR_DIR and the working directory."""
    settings.VAR_DIR = tmp_path
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    commands = Commands(tmp_path)
    for name, text in SECRETS.items():
        commands.secret(name, f"{text}\n")
    return commands


@pytest.fixture
def demo(commands):
    """The commands, after the demonstration set-up was applied."""
    commands.demo()
    return commands
