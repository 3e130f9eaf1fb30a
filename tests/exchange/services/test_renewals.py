"""Successors that nobody asks for: by the policy that the integration has by now, where that makes values."""

import copy
import json
from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credservice.credentials import tasks
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.rotation_impact import ends_first, preview_rotation
from credservice.credentials.services import start_issue
from credservice.issuers import get_issuer
from exchange.models import Grant, Integration
from exchange.services.answer_impact import Look, answers_of, foretell_answers
from exchange.services.served import still_renewed
from tests.support.exchange_factories import VALUE, make_policy

AGO, SOON = timedelta(minutes=-2), timedelta(minutes=10)


def jwt(audience, **options):
    return make_policy(name=audience, issuer="jwt", options={"audience": audience, "name": "apiKey", **options})


def give(door, policy):
    door.integration.policy = policy
    door.integration.save()


def audience(response):
    assert response.status_code == 200, response.json()
    body = response.json()["apiKey"].split(".")[1]
    return json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))["aud"]


def let_pass(*, refresh=AGO, expiry=AGO):
    """Let the live credentials come to their times."""
    now = timezone.now()
    Credential.objects.filter(state="active").update(refresh_at=now + refresh, expires_at=now + expiry)


@pytest.fixture
def switched(door):
    """A customer with a token of the policy old-api, whose integration has new-api by now."""
    give(door, jwt("old-api"))
    assert audience(door.post()) == "old-api"
    give(door, jwt("new-api"))
    assert audience(door.post()) == "old-api"  # it is not due yet
    return door


@pytest.mark.parametrize("expiry", [SOON, AGO])
def test_a_due_token_is_followed_by_one_of_the_new_policy(switched, expiry):
    let_pass(expiry=expiry)
    assert audience(switched.post()) == "new-api"
    assert Grant.objects.count() == 1


def test_one_that_has_expired_is_too(switched):
    let_pass()
    tasks.expire_due()
    assert Credential.objects.get().state == "expired"
    assert audience(switched.post()) == "new-api"


def test_a_scheduled_rotation_is_made_by_the_new_policy(door):
    door.generate(rotation_period=timedelta(days=30))
    door.post()
    new = make_policy(name="new", issuer="api_key", options={"name": "apiKey", "prefix": "acme"})
    give(door, new)
    Credential.objects.update(rotates_at=timezone.now())
    tasks.rotate_due()
    assert Credential.objects.get(state="active").policy == new
    assert door.post().json()["apiKey"].startswith("acme_")


@pytest.mark.parametrize("is_swept", [False, True])
def test_whoever_has_an_expired_one_is_answered_and_judged_so(switched, is_swept):
    let_pass()
    if is_swept:
        tasks.expire_due()
    then = copy.copy(switched.integration)
    then.response_shape = {"apiKey": "$credential.apiKey", "region": "$end_user.region"}
    told = "1 installation would get no answer: install_xyz789 (the customer has no attribute region)."
    assert foretell_answers(switched.integration, then).sentences() == [told]
    give(switched, CredentialPolicy.objects.get(name="entered"))
    (answer,) = answers_of(switched.integration, Look()).by_installation.values()
    assert set(answer.fields) == {"apiKey"}  # its own policy makes another
    Credential.objects.update(state="revoked")
    (answer,) = answers_of(switched.integration, Look()).by_installation.values()
    assert answer.why == "its credential is not handed out"


def test_where_the_new_values_are_entered_the_old_policy_goes_on_and_that_is_told(switched):
    give(switched, CredentialPolicy.objects.get(name="entered"))
    assert still_renewed(switched.integration) == ["1 credential still renews by the policy old-api."]
    let_pass()
    tasks.expire_due()
    assert still_renewed(switched.integration) == ["1 credential still renews by the policy old-api."]
    assert audience(switched.post()) == "old-api"
    Credential.objects.filter(state="active").update(state="revoked")
    assert still_renewed(switched.integration) == []


def test_what_never_renews_is_not_told(door):
    door.generate()
    door.post()
    give(door, CredentialPolicy.objects.get(name="entered"))
    assert still_renewed(door.integration) == []


def test_what_another_integration_hands_out_too_goes_on_by_its_own(switched):
    own = CredentialPolicy.objects.get(name="old-api")
    other = Integration.objects.create(
        platform=switched.platform, integration_id="int_2", policy=own, response_shape={"apiKey": "$credential.apiKey"}
    )
    Grant.objects.create(integration=other, end_user=switched.end_user, line=Credential.objects.get().line)
    assert still_renewed(switched.integration) == ["1 credential still renews by the policy old-api."]
    let_pass()
    assert audience(switched.post()) == "old-api"


def test_entered_values_that_have_expired_are_followed_where_an_issuer_makes_them_by_now(door):
    door.grant()
    let_pass()
    assert door.post().status_code == 404
    door.generate()
    assert door.post().json()["apiKey"] != VALUE
    tasks.expire_due()
    assert Credential.objects.get(state="active").policy.name == "generated"


def test_those_that_were_revoked_are_not(door):
    door.grant()
    door.generate()
    Credential.objects.update(state="revoked")
    assert door.post().status_code == 404


@pytest.mark.parametrize("fault", ["refuses", "is_lost"])
def test_where_the_new_policy_cannot_the_valid_one_is_handed_out_as_stale(switched, settings, trail, fault):
    new = CredentialPolicy.objects.filter(name="new-api")
    if fault == "refuses":  # the grant is of no installation
        new.update(options={"audience": "new-api", "name": "apiKey", "claims": {"where": "$installation"}})
    else:
        new.update(issuer="lost")
    let_pass(expiry=SOON)
    assert audience(switched.post()) == "old-api"
    assert trail.all(action="exchange.credential")[-1].detail["stale"] is True
    let_pass()
    assert switched.post().status_code == (404 if fault == "refuses" else 503)


def test_a_rotation_that_cannot_be_made_stops_no_other(door):
    door.generate(rotation_period=timedelta(days=30))
    door.post()
    first = Credential.objects.get()
    give(door, make_policy(name="new", issuer="api_key", options={"name": "apiKey"}))
    CredentialPolicy.objects.filter(name="new").update(issuer="lost")
    other = start_issue(policy=first.policy, context={}, subject="", actor="test")
    Credential.objects.update(rotates_at=timezone.now())
    tasks.rotate_due()
    assert {each.predecessor for each in Credential.objects.filter(state="active", predecessor__isnull=False)} == {
        other
    }


def test_one_that_is_due_costs_one_statement_more(door, switched):
    """The policy of what hands it out is asked for, and only then."""
    let_pass()
    with CaptureQueriesContext(connection) as queries:
        switched.post()
    asked = [query["sql"] for query in queries if 'FROM "exchange_grant"' in query["sql"]]
    assert len(asked) == 1
    with CaptureQueriesContext(connection) as queries:
        switched.post()
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "INSERT"]


@pytest.mark.parametrize(
    ("own", "new", "first"),
    [
        ({}, {}, False),
        ({"multiple": False}, {}, True),
        ({}, {"multiple": False}, True),
        ({}, {"multiple": False, "issuer": "elsewhere"}, False),
        ({"multiple": False}, {"issuer": "elsewhere"}, False),
        ({"multiple": False, "issuer": "api_key"}, {"multiple": False}, False),
    ],
)
def test_the_old_one_ends_first_where_either_policy_lets_one_live(settings, db, own, new, first):
    outside = {"BACKEND": "tests.support.issuers.RemoteIssuer"}
    settings.CREDENTIAL_ISSUERS = settings.CREDENTIAL_ISSUERS | {"remote": outside, "elsewhere": outside}
    assert not get_issuer("remote").local
    old, after = (CredentialPolicy(name=str(each), **{"issuer": "remote", **each}) for each in (own, new))
    assert ends_first(Credential(policy=old), after) is first
    assert preview_rotation(Credential(policy=old), policy=after).ends_first is first
