"""A test of an exchange says what the same call is answered at that moment: asked just before it, by the same ids."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import revoke, rotate
from exchange.models import EndUser, Grant, Installation, Integration, Platform
from exchange.serializers import ExchangeIds
from exchange.services.dry_run import MASK, try_exchange
from tests.support.exchange_factories import IDS, VALUE, make_policy

LATER = {"apiKey": "$credential.apiKey", "extra": "$credential.extraKey"}


def extend(door):
    """The policy gains a value, and the answer asks for it; credentials that are there do not have it."""
    CredentialPolicy.objects.update(options={"names": ["apiKey", "extraKey"]})
    Integration.objects.update(response_shape=LATER)


def lacks_a_value(door):
    door.grant()
    extend(door)


def lacks_a_value_and_retires(door):
    granted = door.grant()
    extend(door)
    granted.policy.refresh_from_db()
    values = {"apiKey": "another", "extraKey": "another one"}
    successor = rotate(credential=granted, actor="test", entered=values, overlap=timedelta(days=1))
    revoke(credential=successor, actor="test", reason="wrong")


def lacks_attributes(door):
    door.grant()
    Integration.objects.update(response_shape={"tenant": "$end_user.tenant", "site": "$installation.site"})


def is_sealed_for_another_place(door):
    one, other = door.grant(), door.grant("another value", installation=other_installation(door))
    sealed = Credential.objects.get(pk=other.pk).sealed_values
    Credential.objects.filter(pk=one.pk).update(sealed_values=sealed)


def other_installation(door):
    ids = {"platform": door.platform, "integration": door.integration, "end_user": door.end_user}
    return Installation.objects.create(**ids, installation_id="install_other")


def is_not_granted(door):
    """Nothing was ever granted."""


def is_of_another(door):
    door.grant()
    Credential.objects.update(subject=EndUser.objects.create(platform=door.platform, end_user_id="other").subject)


def has_expired(door):
    door.grant()
    Credential.objects.update(expires_at=timezone.now() - timedelta(hours=1))


def is_revoked(door):
    revoke(credential=door.grant(), actor="test", reason="test")


def is_suspended(door):
    door.grant()
    Credential.objects.update(suspended=True)


def is_suspended_of_a_new_installation(door):
    is_suspended(door)
    door.configure(approve_installations=True)
    Installation.objects.all().delete()


def waits_for_approval(door):
    door.grant()
    Installation.objects.all().delete()


def belongs_to_another(door):
    door.grant()
    Installation.objects.update(end_user=EndUser.objects.create(platform=door.platform, end_user_id="other"))


def has_lost_its_issuer(door):
    door.generate()
    CredentialPolicy.objects.update(issuer="gone")


def having(model, **row):
    def change(door):
        door.grant()
        model.objects.update(**row)

    return change


REFUSALS = {
    lacks_a_value: (404, "incomplete_answer"),
    lacks_a_value_and_retires: (404, "incomplete_answer"),
    lacks_attributes: (404, "incomplete_answer"),
    is_sealed_for_another_place: (503, "unavailable"),
    has_lost_its_issuer: (503, "unavailable"),
    is_not_granted: (404, "nothing_granted"),
    is_of_another: (404, "nothing_granted"),
    has_expired: (404, "nothing_granted"),
    is_revoked: (404, "nothing_granted"),
    is_suspended: (403, "suspended"),
    is_suspended_of_a_new_installation: (403, "suspended"),
    having(Integration, is_active=False): (403, "suspended"),
    having(EndUser, is_active=False): (403, "suspended"),
    having(Installation, state="suspended"): (403, "suspended"),
    having(Installation, state="pending"): (403, "waiting_for_approval"),
    waits_for_approval: (403, "waiting_for_approval"),
    having(Installation, state="refused"): (403, "installation_refused"),
    belongs_to_another: (404, "unknown_installation"),
    having(Integration, integration_id="other"): (404, "unknown_integration"),
    having(EndUser, end_user_id="other"): (404, "unknown_end_user"),
    having(Platform, is_active=False): (401, "unauthenticated"),
}


def tried(door):
    door.platform.refresh_from_db()
    integration, installation, end_user = IDS["integrationId"], IDS["installationId"], IDS["endUserId"]
    return try_exchange(platform=door.platform, ids=ExchangeIds(integration, installation, end_user))


@pytest.mark.parametrize(("change", "expected"), REFUSALS.items())
def test_each_refusal_of_the_door_is_told_alike(door, trail, change, expected):
    change(door)
    trial, response = tried(door), door.post()
    assert (response.status_code, response.json()["code"]) == expected
    assert (trial.status, trial.code, trial.answer) == (*expected, None)
    assert trial.message == response.json()["message"]
    reason = trail.one(outcome="refused").reason.replace("_", " ")
    assert trial.notes[-1] == f"The trail would say: {reason}."


def test_a_value_that_the_policy_got_later_is_named(door):
    lacks_a_value(door)
    assert tried(door).message == "The answer cannot be filled: the credential has no value 'extraKey'."


def test_what_is_handed_out_is_told_by_its_names_alone(door):
    door.grant()
    CredentialPolicy.objects.update(options={"names": ["apiKey", "extraKey"]})
    trial = tried(door)
    assert (trial.status, trial.answer) == (200, {"apiKey": MASK})
    assert door.post().json() == {"apiKey": VALUE}


def test_a_due_credential_is_followed_by_one_of_the_policy_that_the_integration_has_by_now(door):
    has_expired(door)
    generated = door.generate()
    trial, response = tried(door), door.post()
    assert (trial.status, response.status_code) == (200, 200)
    assert Credential.objects.latest("created_at").policy == generated


def test_by_one_of_its_own_where_the_values_of_that_one_are_entered(door):
    generated = door.generate(lifetime=timedelta(days=1), overlap=timedelta(hours=1))
    door.post()
    Credential.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    door.integration.policy = make_policy(name="another")
    door.integration.save()
    trial, response = tried(door), door.post()
    assert (trial.status, response.status_code) == (200, 200)
    assert Credential.objects.latest("created_at").policy == generated
    assert Grant.objects.count() == 1
