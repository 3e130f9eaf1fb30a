"""Test exchange: what a call would be answered, and why, without changing or showing anything."""

import pytest

from credservice.credentials.models import Credential
from credservice.credentials.services import revoke
from exchange.models import EndUser, Grant, Installation, Integration, Platform
from exchange.serializers import ExchangeIds
from exchange.services.dry_run import MASK, try_exchange
from tests.support.console import CANARY
from tests.support.pages import url

IDS = {"integration": "int_1", "installation": "inst_1", "end_user": "eu_1"}


def tried(world, **other):
    return try_exchange(platform=world.platform, ids=ExchangeIds(**IDS | other))


def test_it_shows_the_answer_without_its_secret(world, console):
    page = console.get(url(world.platform, "test-exchange"), IDS).content.decode()
    assert MASK in page
    assert "The grant is of the end user." in page
    assert CANARY not in page


def test_an_installation_has_its_ids_filled_in(world, console):
    page = console.get(url(world.installation, "test-exchange"), IDS).content.decode()
    assert "A credential would be answered" in page


@pytest.mark.parametrize(
    ("other", "status", "code"),
    [
        ({"integration": "no"}, 404, "unknown_integration"),
        ({"end_user": "no"}, 404, "unknown_end_user"),
        ({"installation": "new"}, 403, "waiting_for_approval"),
    ],
)
def test_a_refusal_is_told_as_the_platform_would_read_it(world, other, status, code):
    trial = tried(world, **other)
    assert (trial.status, trial.code, trial.answer) == (status, code, None)


def test_a_new_installation_is_answered_where_it_is_approved_at_once(world):
    world.platform.approve_installations = True
    assert tried(world, installation="new").status == 200
    assert Installation.objects.count() == 1


@pytest.mark.parametrize("suspended", [Integration, EndUser, Installation])
def test_what_is_suspended_is_named(world, suspended):
    field = {"state": "suspended"} if suspended is Installation else {"is_active": False}
    suspended.objects.update(**field)
    trial = tried(world)
    assert (trial.status, trial.code) == (403, "suspended")


def test_a_suspended_platform_is_refused(world):
    Platform.objects.update(is_active=False)
    world.platform.refresh_from_db()
    assert tried(world).status == 401


def test_nothing_granted_says_why(world):
    Grant.objects.all().delete()
    assert "no grant" in tried(world).notes[-1]


def test_a_revoked_credential_says_why(world):
    revoke(credential=world.credential, actor="test", reason="test")
    assert "credential revoked" in tried(world).notes[-1]


def test_a_policy_that_generates_would_make_one(world):
    Grant.objects.all().delete()
    Integration.objects.update(policy=world.key_policy, response_shape={"apiKey": "$credential.API_KEY"})
    made = Credential.objects.count()
    assert "would be made" in tried(world).notes[0]
    assert Credential.objects.count() == made
