"""Commands beside the vendor API."""

import io

import pytest
from django.core.management import CommandError, call_command

from credservice.vendor_api.models import ServiceToken

pytestmark = pytest.mark.django_db


def test_create_token_prints_a_token_that_works(client, capsys):
    call_command("create_token", "product", "--scope", "credentials:introspect", "--days", "30")
    token = capsys.readouterr().out.strip()
    answer = client.post("/api/v1/introspect", {"token": "x"}, "application/json", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert answer.json() == {"active": False}
    assert ServiceToken.objects.get().expires_at is not None


@pytest.mark.parametrize(("option", "sentence"), [("--network=nowhere", "nowhere"), ("--days=0", "1 or more")])
def test_create_token_says_what_is_wrong(option, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("create_token", "product", "--scope", "credentials:introspect", option)


def test_whose_key_names_the_credential_of_a_string(credential, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"found {credential.open()['API_KEY']}\n"))
    call_command("whose_key")
    assert capsys.readouterr().out.startswith(f"{credential.pk}  active  policy keys")


def test_whose_key_says_that_a_string_is_of_nobody(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("nothing of ours is in here\n"))
    call_command("whose_key")
    assert "no value of a credential" in capsys.readouterr().out
