"""``manage.py trust_key``."""

import base64
import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from credservice.audit.names import command_actor
from provisioning.manifold.checks import check_test_keys
from provisioning.manifold.management.commands.trust_key import Command
from provisioning.models import TrustedKey
from tests.provisioning import signer


@pytest.fixture
def key():
    return signer.Key()


def trust(marketplace, label, key, *options):
    out = StringIO()
    # With a space before it, argparse takes no key for an option; run_from_argv sees to that on the command line.
    call_command("trust_key", marketplace, label, f" {key}", *options, stdout=out, stderr=out)
    return out.getvalue()


def spellings(raw):
    standard, url = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    return [standard, standard.rstrip("="), url, url.rstrip("="), f" {url}\n"]


def test_it_takes_every_spelling_of_base64(marketplace, key):
    for text in spellings(key.raw):
        trust("manifold", "second", text)
    assert TrustedKey.objects.get(label="second").public_key == key.public


def test_a_key_that_it_trusted_is_believed(door, key):
    door.master = key
    assert door.delete("/v1/resources/x").status_code == 401
    trust("manifold", "second", key.public)
    assert door.delete("/v1/resources/x").status_code == 400


@pytest.mark.parametrize("extra", [{}, {"private_key": "c2VjcmV0"}])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_it_reads_the_key_from_a_json_file(marketplace, key, tmp_path, extra, mark):
    path = tmp_path / "masterkey.json"
    content = json.dumps({"public_key": base64.b64encode(key.raw).decode()} | extra)
    path.write_text(f"{mark}{content}\n", encoding="utf-8")
    assert key.public in trust("manifold", "second", str(path))


def test_it_is_recorded(marketplace, key, trail):
    trust("manifold", "second", key.public, "--test", "--ends", "2099-01-31")
    line = trail.one(action="trusted_key.added")
    assert line.actor == command_actor("trust_key")
    assert line.detail == {
        "marketplace": "manifold",
        "label": "second",
        "public_key": key.public,
        "is_test": True,
        "ends_at": "2099-01-31T00:00:00+00:00",
    }


@pytest.mark.django_db(transaction=True)  # a command line closes its connections
def test_a_key_may_begin_with_a_hyphen(marketplace, capsys):
    key = next(key for key in iter(signer.Key, None) if key.public.startswith("-"))
    Command().run_from_argv(["manage.py", "trust_key", "manifold", "second", key.public, "--test"])
    assert key.public in capsys.readouterr().out
    assert TrustedKey.objects.get(label="second").is_test


def test_repeating_it_changes_nothing(marketplace, key, trail):
    trust("manifold", "second", key.public)
    assert "nothing changed" in trust("manifold", "second", key.public)
    assert len(trail.all()) == 1


def test_repeating_it_with_an_end_sets_the_end(marketplace, key, trail):
    trust("manifold", "second", key.public)
    assert "until 2099-01-31 00:00 UTC" in trust("manifold", "second", key.public, "--ends", "2099-01-31")
    assert TrustedKey.objects.get(label="second").ends_at == datetime(2099, 1, 31, tzinfo=UTC)
    trail.one(action="trusted_key.changed")


def test_a_test_key_without_an_end_is_warned_of_in_production(marketplace, key, settings):
    settings.PRODUCTION = True
    assert "without an end" in trust("manifold", "second", key.public, "--test")
    (warning,) = check_test_keys(databases=["default"])
    assert warning.id == "provisioning.W001"
    TrustedKey.objects.update(ends_at=timezone.now() + timedelta(days=1))
    assert check_test_keys(databases=["default"]) == []


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("manifold", "second", "not-a-key"), "'not-a-key' is neither a file nor a public key"),
        (("manifold", "second", base64.b64encode(b"x" * 31).decode()), "31 bytes; an Ed25519 public key has 32"),
        (("manifold", "second", "/nowhere/key.json"), "neither a file nor a public key"),
        (("nobody", "second", "KEY"), "There is no marketplace 'nobody'. Known: manifold."),
        (("manifold", "", "KEY"), "Give the key a label"),
        (("manifold", "x" * 129, "KEY"), "Give the key a label"),
        (("manifold", "master", "KEY"), "manifold has another key labelled 'master'."),
        (("manifold", "second", "KEY", "--ends", "2020-01-01"), "That end has passed already."),
        (("manifold", "second", "KEY", "--ends", "soon"), "invalid _moment value"),
    ],
)
def test_it_refuses_with_what_to_do(marketplace, key, args, sentence):
    with pytest.raises(CommandError) as error:
        trust(*(key.public if arg == "KEY" else arg for arg in args))
    assert sentence in str(error.value)
    assert TrustedKey.objects.count() == 1


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"public_key": 7}', '{"public_key": "x"}', "\x00"])
def test_it_refuses_a_file_without_a_key(marketplace, tmp_path, content):
    path = tmp_path / "key.json"
    path.write_text(content)
    with pytest.raises(CommandError, match='is not JSON with a "public_key"'):
        trust("manifold", "second", str(path))


def test_it_refuses_a_key_that_is_trusted_under_another_label(marketplace, master):
    with pytest.raises(CommandError, match="trusted already, for manifold under the label 'master'"):
        trust("manifold", "second", master.public)


@pytest.mark.parametrize("change", [{"is_enabled": False}, {"ends_at": datetime(2020, 1, 1, tzinfo=UTC)}], ids=str)
def test_it_does_not_bring_a_withdrawn_key_back(marketplace, master, change):
    TrustedKey.objects.update(**change)
    with pytest.raises(CommandError, match="has been withdrawn"):
        trust("manifold", "master", master.public)


def test_it_keeps_why_in_the_trail(marketplace, key, trail):
    trust("manifold", "second", key.public, "--why", "a trial")
    trust("manifold", "second", key.public, "--ends", "2099-01-31", "--why", "the trial ends")
    kept = [line.detail["why"] for line in trail.all() if line.action.startswith("trusted_key.")]
    assert kept == ["a trial", "the trial ends"]
