"""Commands beside the vendor API."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from credservice.audit.names import command_actor
from credservice.vendor_api.models import Scope, ServiceToken
from credservice.vendor_api.tokens import create_token

pytestmark = pytest.mark.django_db


def test_create_token_prints_a_token_that_works(client, capsys):
    call_command("create_token", "product", "--scope", "credentials:introspect", "--days", "30")
    token = capsys.readouterr().out.strip()
    answer = client.post("/api/v1/introspect", {"token": "x"}, "application/json", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert answer.json() == {"active": False}
    assert ServiceToken.objects.get().expires_at is not None


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--network=nowhere", "nowhere"),
        ("--days=0", "from 1 to 36500: 100 years at most"),
        ("--days=99999999999", "from 1 to 36500"),
    ],
)
def test_create_token_says_what_is_wrong(option, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("create_token", "product", "--scope", "credentials:introspect", option)


def pipe(monkeypatch, content):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_whose_key_names_the_credential_of_a_string(credential, monkeypatch, capsys):
    pipe(monkeypatch, f"found {credential.open()['API_KEY']}\n".encode())
    call_command("whose_key")
    assert capsys.readouterr().out.startswith(f"{credential.pk}  active  policy keys")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16", "cp1252"])
def test_whose_key_reads_a_file_of_any_encoding(credential, monkeypatch, capsys, encoding):
    pipe(monkeypatch, f"{credential.open()['API_KEY']} caf\xe9\n".encode(encoding))
    call_command("whose_key")
    assert capsys.readouterr().out.startswith(f"{credential.pk}  active  policy keys")


def test_whose_key_says_that_a_string_is_of_nobody(monkeypatch, capsys):
    pipe(monkeypatch, b"nothing of ours is in here\n")
    call_command("whose_key")
    assert "no value of a credential" in capsys.readouterr().out


def test_create_token_lists_the_scopes_in_words(capsys):
    with pytest.raises(SystemExit):
        call_command("create_token", "--help")
    shown = capsys.readouterr().out
    assert all(scope.value in shown and scope.label in shown for scope in Scope)


def test_revoke_token_ends_a_token(client, vendor, trail):
    call_command("revoke_token", "backend")
    call_command("revoke_token", "backend")
    assert vendor.get("/policies").status_code == 401
    assert trail.one(action="service_token.revoked").actor == command_actor("revoke_token")


def test_list_tokens_shows_those_that_work_and_no_secret(vendor, capsys):
    create_token(name="old", scopes=["grants:read"], actor="test", expires_at=timezone.now() + timedelta(days=1))
    ServiceToken.objects.filter(name="old").update(expires_at=timezone.now() - timedelta(days=1))
    _, text = create_token(name="new", scopes=["grants:read", "audit:read"], actor="test")
    call_command("list_tokens")
    shown = capsys.readouterr().out
    assert [line.split("  ")[0] for line in shown.splitlines()] == ["backend", "new"]
    assert "used: never (a use shows within a minute)  without an end  audit:read grants:read" in shown
    assert text not in shown


def test_revoke_token_says_that_there_is_none():
    with pytest.raises(CommandError, match="no token named 'nobody'"):
        call_command("revoke_token", "nobody")
