"""Values are bound to what decides who gets them; what an older version bound to its row alone is sealed anew."""

import pytest
from django.core.checks import Tags, run_checks
from django.core.management import CommandError, call_command
from django.db import connection

from credservice.checks import check_binding, check_keys_of_database
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import start_issue
from credservice.crypto import Place, SealError, seal, store, unseal
from credservice.crypto.apps import make_data_keys
from credservice.crypto.binding import bind_all
from credservice.crypto.envelope import seal_with
from credservice.crypto.inspection import sealed_columns
from credservice.crypto.models import DataKey

pytestmark = pytest.mark.django_db

BOUND_TO = {
    "accounts.consolesession.sealed_content": (),  # the session's user is in the content
    "credentials.credential.sealed_values": ("subject",),
    "exchange.platform.sealed_api_key": ("api_url",),
    "exchange.refusedcall.sealed_request": ("platform_id",),
    "keys.signingkey.sealed_private": (),  # of the service itself
    "keys.signingsecret.sealed": ("secret_set_id",),
    "provisioning.callback.sealed_body": ("url",),
    "provisioning.marketplace.sealed_client_secret": ("connector_url",),
    "provisioning.resourcesession.sealed_token": ("digest", "resource_id", "resource__marketplace__connector_url"),
    "vendor_api.idempotentcall.sealed_answer": ("token_id", "key", "fingerprint"),
}


@pytest.fixture(autouse=True)
def _fresh_memory(db):
    store.forget()
    yield
    store.forget()


@pytest.fixture
def credential():
    policy = CredentialPolicy.objects.create(name="keys", issuer="api_key")
    return start_issue(policy=policy, context={}, subject="end_user:1", actor="test")


@pytest.fixture
def upgraded(settings):
    """A database whose data keys are of a version that bound values to their rows alone, before ``bind_sealed``."""
    settings.ACCEPT_ROW_BOUND = True
    DataKey.objects.filter(purpose="bound").delete()
    store.forget()


@pytest.fixture
def old(upgraded, credential):
    """A credential as such a version sealed it."""
    return credential


def key_of(credential):
    return store.data_key(int.from_bytes(bytes(credential.sealed_values)[2:6])).purpose


def given_to(credential, subject):
    Credential.objects.filter(pk=credential.pk).update(subject=subject)
    return Credential.objects.get(pk=credential.pk)


def test_each_sealed_column_is_bound_to_what_decides_who_gets_it():
    assert {f"{model._meta.label_lower}.{column.name}": column.bound_to for model, column in sealed_columns()} == (
        BOUND_TO
    )


@pytest.mark.parametrize("subject", ["end_user:2", "", "resource:1"])
def test_a_credential_whose_subject_was_changed_does_not_open(credential, subject):
    with pytest.raises(SealError, match="does not open"):
        given_to(credential, subject).open()


def test_a_credential_of_nobody_cannot_be_given_to_somebody():
    policy = CredentialPolicy.objects.create(name="keys", issuer="api_key")
    nobodys = start_issue(policy=policy, context={}, subject="", actor="test")
    assert nobodys.open()
    with pytest.raises(SealError):
        given_to(nobodys, "end_user:1").open()


def test_what_a_place_is_bound_to_cannot_be_split_otherwise():
    place = Place("m", "1", "f", ("ab", "c"))
    for other in (("a", "bc"), ("abc",), ("ab", "c", ""), ()):
        with pytest.raises(SealError):
            unseal(seal(b"value", place), Place("m", "1", "f", other))


def test_beside_older_keys_nothing_is_bound_before_it_is_told_so(upgraded, credential):
    make_data_keys()
    assert not store.has_begun_to_bind()
    assert key_of(credential) == "values"
    assert credential.open()


def test_a_database_that_has_begun_to_bind_goes_on_after_a_migration(credential):
    DataKey.objects.filter(purpose="bound").update(is_current=False)
    store.forget()
    assert store.has_begun_to_bind()
    make_data_keys()
    assert DataKey.objects.filter(purpose="bound", is_current=True).count() == 1


def test_a_data_key_of_which_the_purpose_was_changed_opens_nothing(credential):
    DataKey.objects.filter(purpose="values").update(is_current=False)
    DataKey.objects.filter(purpose="bound").update(purpose="values")
    store.forget()
    with pytest.raises(SealError):
        Credential.objects.get(pk=credential.pk).open()
    assert [found.id for found in check_keys_of_database(databases=["default"])] == ["credservice.E007"]


def test_what_is_not_bound_yet_is_warned_of(upgraded):
    (warning,) = check_binding(databases=["default"])
    assert (warning.id, "manage.py bind_sealed" in str(warning.hint)) == ("credservice.W006", True)
    call_command("bind_sealed")
    assert check_binding(databases=["default"]) == []


def test_as_long_as_the_settings_accept_it_deployments_are_warned(settings):
    def told():
        found = run_checks(tags=[Tags.security], include_deployment_checks=True)
        return "credservice.W006" in [each.id for each in found]

    assert not told()
    settings.ACCEPT_ROW_BOUND = True
    assert told()


def test_a_database_of_an_older_version_is_refused_until_the_settings_accept_it_or_it_is_bound(upgraded, settings):
    settings.ACCEPT_ROW_BOUND = False
    (refusal,) = check_binding(databases=["default"])
    assert (refusal.id, "ACCEPT_ROW_BOUND=true" in str(refusal.hint)) == ("credservice.E018", True)
    call_command("bind_sealed")
    assert check_binding(databases=["default"]) == []


def test_nothing_that_is_put_back_from_before_the_binding_opens(old, settings, capsys):
    copied, values = bytes(old.sealed_values), old.open()
    call_command("bind_sealed")
    assert "Take ACCEPT_ROW_BOUND out of the settings" in capsys.readouterr().out
    settings.ACCEPT_ROW_BOUND = False
    assert Credential.objects.get(pk=old.pk).open() == values
    for subject in ("end_user:1", "end_user:2"):
        Credential.objects.filter(pk=old.pk).update(sealed_values=copied)
        with pytest.raises(SealError, match="binds to no owner"):
            given_to(old, subject).open()


def test_nothing_that_is_put_back_opens_without_the_keys_that_bind_either(old, settings):
    """Refuse row-bound values also where the binding keys were deleted: the settings decide, not what is stored."""
    settings.ACCEPT_ROW_BOUND = False
    with pytest.raises(SealError, match="binds to no owner"):
        given_to(old, "end_user:2").open()
    again = start_issue(policy=old.policy, context={}, subject="end_user:2", actor="test")
    assert key_of(again) == "bound"


def test_a_place_that_says_no_more_than_its_row_opens_under_no_other_purpose():
    row = Place("m", "1", "f")
    key = store.current_key("bound")
    with pytest.raises(SealError, match="binds to no owner"):
        unseal(seal_with(key.secret, key.id, b"value", row), row)


def test_what_was_refused_is_counted_and_bound_later(old, settings, capsys):
    values = old.open()
    settings.ACCEPT_ROW_BOUND = False
    call_command("check_sealed")
    assert "1 of them are bound to their row alone, and the service refuses those" in capsys.readouterr().out
    call_command("bind_sealed")
    assert Credential.objects.get(pk=old.pk).open() == values


def test_older_values_open_and_are_counted(old, capsys):
    call_command("check_sealed")
    assert "1 of them are bound to their row alone: run manage.py bind_sealed." in capsys.readouterr().out


def test_older_values_are_bound_and_open_as_before(old, capsys):
    values = old.open()
    call_command("bind_sealed")
    assert "1 values were bound." in capsys.readouterr().out
    bound = Credential.objects.get(pk=old.pk)
    assert (key_of(bound), bound.open()) == ("bound", values)
    call_command("check_sealed")
    assert "row alone" not in capsys.readouterr().out
    with pytest.raises(SealError):
        given_to(bound, "end_user:2").open()


def test_binding_may_be_begun_again(old, capsys):
    call_command("bind_sealed")
    sealed = Credential.objects.get(pk=old.pk).sealed_values
    call_command("bind_sealed")
    assert "0 values were bound." in capsys.readouterr().out
    assert Credential.objects.get(pk=old.pk).sealed_values == sealed


def test_one_that_does_not_open_is_named_and_stops_no_other(old, capsys):
    broken = start_issue(policy=old.policy, context={}, subject="end_user:2", actor="test")
    Credential.objects.filter(pk=broken.pk).update(sealed_values=old.sealed_values)
    with pytest.raises(CommandError, match=f"credentials.credential {broken.pk} sealed_values"):
        call_command("bind_sealed")
    assert "1 values were bound." in capsys.readouterr().out
    assert Credential.objects.get(pk=old.pk).open()


def test_a_large_table_is_bound_by_batches(old, monkeypatch):
    monkeypatch.setattr("credservice.crypto.binding.BATCH", 2)
    others = [start_issue(policy=old.policy, context={}, subject="end_user:2", actor="test") for _ in range(4)]
    counts = [done.values for done in bind_all()]
    assert counts[-1] == 5
    assert {key_of(Credential.objects.get(pk=each.pk)) for each in [old, *others]} == {"bound"}


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_in_use_is_waited_for_by_nobody(old, capsys):
    another = connection.copy()
    try:
        another.set_autocommit(False)
        with another.cursor() as cursor:
            cursor.execute("SELECT FROM credentials_credential FOR UPDATE")
        with pytest.raises(CommandError, match="1 values are left"):
            call_command("bind_sealed")
        another.rollback()  # a server notices a closed connection in its own time
    finally:
        another.close()
    call_command("bind_sealed")
    assert key_of(Credential.objects.get(pk=old.pk)) == "bound"
