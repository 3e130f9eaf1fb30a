"""check_sealed: opens what is sealed and tells what cannot be opened."""

import pytest
from django.core.management import CommandError, call_command

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import start_issue
from credservice.crypto import SealError, store
from credservice.crypto.inspection import sealed_columns
from credservice.management.commands import check_sealed

pytestmark = pytest.mark.django_db


@pytest.fixture
def credentials() -> list[Credential]:
    policy = CredentialPolicy.objects.create(name="keys", issuer="api_key")
    return [start_issue(policy=policy, context={}, subject="", actor="test") for _ in range(3)]


def test_it_opens_every_value(credentials, capsys):
    call_command("check_sealed")
    assert "All 3 sealed values open." in capsys.readouterr().out


def test_it_opens_a_sample(credentials, capsys):
    call_command("check_sealed", "--sample", "2")
    assert "All 2 sealed values open." in capsys.readouterr().out


def test_it_names_a_value_that_was_moved_from_another_row(credentials, capsys):
    first, second, _ = credentials
    Credential.objects.filter(pk=first.pk).update(sealed_values=second.sealed_values)
    with pytest.raises(CommandError, match=f"credentials.credential {first.pk} sealed_values"):
        call_command("check_sealed")
    assert "2 opened, 1 failed" in capsys.readouterr().out


def test_a_missing_key_is_told_once_with_how_many_it_sealed(credentials, capsys, monkeypatch):
    def missing(_):
        raise SealError("data key 1 is wrapped by key 'k1', which ENCRYPTION_KEYS does not name")

    monkeypatch.setattr(store, "data_key", missing)
    with pytest.raises(CommandError) as told:
        call_command("check_sealed")
    assert str(told.value).splitlines()[1:] == [
        "3 values: data key 1 is wrapped by key 'k1', which ENCRYPTION_KEYS does not name"
    ]


def test_it_shows_the_first_of_many_reasons(credentials, monkeypatch):
    monkeypatch.setattr(check_sealed, "SHOWN", 1)
    sealed = [credential.sealed_values for credential in credentials]
    for credential, other in zip(credentials, sealed[1:] + sealed[:1], strict=True):
        Credential.objects.filter(pk=credential.pk).update(sealed_values=other)
    with pytest.raises(CommandError, match="and 2 more"):
        call_command("check_sealed")


def test_it_knows_every_sealed_column():
    assert {f"{model._meta.label_lower}.{column.name}" for model, column in sealed_columns()} >= {
        "credentials.credential.sealed_values",
        "keys.signingsecret.sealed",
        "provisioning.marketplace.sealed_client_secret",
    }


def test_every_column_is_sealed_at_the_place_that_the_check_opens(credentials):
    credential = credentials[0]
    assert credential.place.model == Credential._meta.label_lower


def test_it_opens_what_an_issuer_keeps_sealed_in_its_handle(credentials, capsys):
    from base64 import b64encode

    from credservice.crypto import Place, seal

    first, second, _ = credentials
    kept = b64encode(seal(b"token", Place("credentials.credential", first.pk, "handle"))).decode()
    Credential.objects.filter(pk=first.pk).update(handle={"sealed": kept})
    call_command("check_sealed")
    assert "All 4 sealed values open." in capsys.readouterr().out
    Credential.objects.filter(pk=second.pk).update(handle={"sealed": kept})
    with pytest.raises(CommandError, match=f"{second.pk} handle"):
        call_command("check_sealed")
