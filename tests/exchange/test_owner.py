"""A credential is handed to nobody but whose it is, whatever a row of the database says."""

import uuid
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from credservice.credentials.models import Credential
from credservice.credentials.services import revoke, start_issue
from credservice.crypto import SealError, seal
from credservice.keys.models import SigningSecret
from exchange.models import EndUser, Grant, Platform
from exchange.serializers import ExchangeIds
from exchange.services.dry_run import try_exchange
from exchange.services.grants import put_grant, withdraw_grant
from tests.exchange.bulk.imports import ndjson, run
from tests.support.exchange_factories import IDS, VALUE, make_platform

OTHERS = "the-value-of-another-customer"


@pytest.fixture
def victim(door):
    return EndUser.objects.create(platform=door.platform, end_user_id="enduser_victim", external_id="customer-2")


@pytest.fixture
def others(door, victim):
    """The credential of another customer."""
    return start_issue(
        policy=door.integration.policy,
        context={},
        subject=victim.subject,
        actor="test",
        entered={"apiKey": OTHERS},
    )


@pytest.fixture
def moved(granted, others):
    """The grant of the door's end user, led to that credential by somebody who writes to the database."""
    Grant.objects.update(line=others.line)
    return Grant.objects.get()


def assert_refused(answer, trail, status, reason):
    assert answer.status_code == status
    assert OTHERS not in answer.content.decode()
    assert trail.all(outcome="granted", action="exchange.credential") == []
    assert trail.one(outcome="refused").reason == reason


def test_a_grant_led_to_anothers_line_hands_out_nothing(door, moved, trail):
    assert_refused(door.post(), trail, 404, "credential_of_another")


def test_nor_where_that_credential_has_ended_and_could_be_renewed(door, moved, others, trail):
    door.generate()
    Credential.objects.update(policy=door.integration.policy, state="expired", expires_at="2020-01-01T00:00Z")
    assert_refused(door.post(), trail, 404, "credential_of_another")
    assert Credential.objects.count() == 2


def test_a_credential_put_into_another_line_is_not_handed_out(door, granted, others, trail):
    revoke(credential=granted, actor="test", reason="to make room")
    Credential.objects.filter(pk=others.pk).update(line=granted.line)
    assert_refused(door.post(), trail, 404, "credential_of_another")


def test_a_credential_given_to_another_subject_does_not_open(door, moved, others, trail):
    Credential.objects.filter(pk=others.pk).update(subject=door.end_user.subject)
    assert_refused(door.post(), trail, 503, "credential_does_not_open")


def test_the_value_copied_to_ones_own_row_does_not_open(door, granted, others, trail):
    Credential.objects.filter(pk=granted.pk).update(sealed_values=others.sealed_values)
    assert_refused(door.post(), trail, 503, "credential_does_not_open")


def test_a_trial_says_the_same(door, moved):
    trial = try_exchange(platform=door.platform, ids=ExchangeIds(*IDS.values()))
    assert (trial.status, trial.answer) == (404, None)
    assert "credential of another" in trial.notes[-1]


def test_granting_anew_makes_a_line_of_its_own_and_leaves_the_others(door, moved, others):
    values = {"apiKey": OTHERS}
    _, credential, outcome = put_grant(
        integration=door.integration, end_user=door.end_user, installation=None, values=values, actor="test"
    )
    assert (outcome, credential.subject) == ("changed", door.end_user.subject)
    assert door.post().json() == values
    others.refresh_from_db()
    assert others.state == "active"


def test_an_import_does_the_same(door, moved, others):
    wanted = {"integration_id": IDS["integrationId"], "values": {"apiKey": OTHERS}}
    run(ndjson({"external_id": "customer-1", "grants": [wanted]}))
    assert Grant.objects.get().line != others.line
    assert door.post().json() == {"apiKey": OTHERS}


def test_withdrawing_it_ends_nothing_of_the_other(door, moved, others):
    withdraw_grant(grant=moved, actor="test", reason="it was changed")
    others.refresh_from_db()
    assert others.state == "active"


def test_a_signing_secret_moved_to_another_platform_verifies_nothing(door, granted, trail):
    """Refuse to make one platform's secret another's."""
    mine = make_platform(name="mine", secret="a-secret-that-the-attacker-knows-well")
    SigningSecret.objects.filter(secret_set=door.platform.secrets).update(state="retired")
    SigningSecret.objects.filter(secret_set=mine.secrets).update(secret_set=door.platform.secrets)
    headers = door.signed(secret="a-secret-that-the-attacker-knows-well")
    assert_refused(door.post(headers=headers), trail, 401, "no_live_secret")


def test_check_sealed_names_what_was_given_to_another(door, others):
    Credential.objects.filter(pk=others.pk).update(subject=f"end_user:{uuid.uuid4()}")
    with pytest.raises(CommandError, match=f"credentials.credential {others.pk} sealed_values"):
        call_command("check_sealed", stdout=StringIO())


def test_the_value_of_ones_own_is_handed_out(door, granted, others):
    assert door.post().json() == {"apiKey": VALUE}


def test_an_api_key_is_not_sent_to_another_address(door):
    platform = Platform.objects.get(pk=door.platform.pk)
    platform.api_url = "https://api.mindcloud.example"
    platform.sealed_api_key = seal(b"the key", platform.api_key_place)
    platform.save()
    assert Platform.objects.get(pk=platform.pk).open_api_key() == "the key"
    Platform.objects.filter(pk=platform.pk).update(api_url="https://attacker.example")
    with pytest.raises(SealError):
        Platform.objects.get(pk=platform.pk).open_api_key()
