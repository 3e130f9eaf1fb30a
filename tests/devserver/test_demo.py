"""The demonstration's secrets and the commands that are printed."""

import base64
import json
import shlex
import stat

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from credservice.devserver import demo
from credservice.devserver.layout import Layout
from tests.support.paths import ROOT


def _decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_master_key_is_a_pair_in_the_marketplaces_form(tmp_path):
    demo.make_secrets(tmp_path / "demo")
    pair = json.loads((tmp_path / "demo" / "masterkey.json").read_text())
    public, private = _decode(pair["public_key"]), _decode(pair["private_key"])
    assert len(private) == 64
    assert private[32:] == public == Ed25519PrivateKey.from_private_bytes(private[:32]).public_key().public_bytes_raw()


def test_the_signing_secret_is_32_random_bytes(tmp_path):
    demo.make_secrets(tmp_path / "a")
    demo.make_secrets(tmp_path / "b")
    first, second = ((tmp_path / name / "mindcloud-signing-secret").read_text() for name in "ab")
    assert len(_decode(first)) == 32
    assert first != second


def test_only_the_owner_reads_them(tmp_path):
    demo.make_secrets(tmp_path / "demo")
    assert stat.S_IMODE((tmp_path / "demo").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "demo").iterdir()} == {0o600}


def test_a_second_start_keeps_them(tmp_path):
    demo.make_secrets(tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    demo.make_secrets(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_the_printed_commands_survive_a_shell():
    layout = Layout(ROOT / "var", "127.0.0.1", 8001)
    words = shlex.split(demo.provider_command(layout))
    assert words[:4] == ["check_provider", "http://localhost:8001/v1", "--master-key", "var/demo/masterkey.json"]
    assert json.loads(words[-1]) == {"age": 2, "hat_color": "red", "ready": True}
    assert json.loads(shlex.split(demo.provider_command(layout, demo.SLOW_PROVIDER))[-1]) == {"depth": 200}
    assert shlex.split(demo.exchange_command(layout))[-2:] == ["--url", "http://localhost:8001"]
    words = shlex.split(demo.broker_command(layout))
    assert words[:4] == ["check_provider", "http://localhost:8001/osb/platform", "--protocol", "osb"]
    assert json.loads(words[-1]) == {"queues": 3}
