"""Foretelling what a rotation would touch."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.policy_impact import successor_differences
from credservice.credentials.rotation_impact import preview_rotation, reach_of
from credservice.credentials.services import finish_issue, revoke, rotate, start_issue
from credservice.keys.models import SigningSecretSet
from exchange import credential_hooks
from exchange.models import EndUser, Grant, Installation, Integration, Platform
from tests.support.exchange_factories import make_door, make_policy


@pytest.fixture
def shared(policy: CredentialPolicy) -> Credential:
    """Granted to an end user with two installations, one of which has another grant of its own."""
    platform = Platform.objects.create(name="p", secrets=SigningSecretSet.objects.create(label="p"))
    integration = Integration.objects.create(
        platform=platform, integration_id="i", policy=policy, response_shape={"p": "$credential.PASSWORD"}
    )
    end_user = EndUser.objects.create(platform=platform, end_user_id="e")
    pending = start_issue(policy=policy, context={}, subject=end_user.subject, actor="test")
    active = finish_issue(pending, actor="test")
    both = {"platform": platform, "integration": integration, "end_user": end_user}
    Installation.objects.create(installation_id="shares", **both)
    own = Installation.objects.create(installation_id="own", **both)
    Grant.objects.create(integration=integration, end_user=end_user, line=active.line)
    Grant.objects.create(integration=integration, end_user=end_user, installation=own, line=active.pk)
    Grant.objects.filter(installation=own).update(line=Credential().pk)
    return active


def test_it_counts_the_installations_that_are_handed_the_credential(shared):
    assert preview_rotation(shared).reach == {"installations": 1, "marketplace credentials": 0}


def test_it_says_how_long_the_old_one_stays(shared):
    assert "It stays valid for 1 day after its successor is there." in preview_rotation(shared).sentences()


def test_it_counts_one_and_several(shared):
    assert preview_rotation(shared).sentences()[0] == "It is handed to 1 installation."
    Grant.objects.filter(installation__isnull=False).update(line=shared.line)
    assert preview_rotation(shared).sentences()[0] == "It is handed to 2 installations."


def test_it_counts_only_installations_that_are_answered(shared):
    shares = Installation.objects.get(installation_id="shares")
    for state in ("pending", "suspended"):
        Installation.objects.filter(pk=shares.pk).update(state=state)
        assert reach_of([shared])["installations"] == 0
    Installation.objects.filter(pk=shares.pk).update(state="active")
    for row in (shares.integration, shares.end_user, shares.platform):
        type(row).objects.filter(pk=row.pk).update(is_active=False)
        assert reach_of([shared])["installations"] == 0
        type(row).objects.filter(pk=row.pk).update(is_active=True)
    assert reach_of([shared])["installations"] == 1
    Integration.objects.update(response_shape={"p": "$credential.PASSWORD", "region": "$end_user.region"})
    assert reach_of([shared])["installations"] == 0
    EndUser.objects.update(attributes={"region": "eu"})
    assert reach_of([shared])["installations"] == 1


def test_more_than_can_be_looked_at_are_counted_all_the_same(shared, monkeypatch):
    monkeypatch.setattr(credential_hooks, "MAX_LOOKED_AT", 1)
    Grant.objects.filter(installation__isnull=False).update(line=shared.line)
    Integration.objects.update(response_shape={"region": "$end_user.region"})
    assert reach_of([shared])["installations"] == 2


def test_one_that_is_answered_with_a_successor_counts_for_that_alone(shared):
    successor = finish_issue(rotate(credential=shared, actor="test"), actor="test")
    before = Credential.objects.get(pk=shared.pk)
    assert before.state == "retiring"
    assert [reach_of(some)["installations"] for some in ([before], [successor], [before, successor])] == [0, 1, 1]
    revoke(credential=successor, actor="test", reason="a test")
    assert reach_of([before])["installations"] == 1


@pytest.mark.parametrize(
    ("overlap", "spoken"),
    [
        (timedelta(days=2, hours=1, minutes=30), "2 days 1 hour 30 minutes"),
        (timedelta(seconds=61), "1 minute 1 second"),
        (timedelta(milliseconds=3), "less than a second"),
    ],
)
def test_it_speaks_of_time_in_words(shared, overlap, spoken):
    assert f"It stays valid for {spoken} after" in preview_rotation(shared, overlap).sentences()[1]


def test_the_command_says_that_only_an_active_one_can_be_rotated(shared, capsys):
    Credential.objects.filter(pk=shared.pk).update(state="retiring", retires_at=timezone.now())
    call_command("rotate", str(shared.pk), "--dry-run")
    assert capsys.readouterr().out == "Only an active credential can be rotated; this one is retiring.\n"


def test_it_says_that_a_leaked_one_has_no_overlap(shared):
    assert "without overlap" in preview_rotation(shared, timedelta(0)).sentences()[1]


def test_it_says_that_there_is_a_gap_where_only_one_may_live(outside, db):
    policy = CredentialPolicy.objects.create(name="one", issuer="one_only")
    only = finish_issue(start_issue(policy=policy, context={}, subject="", actor="test"), actor="test")
    assert "there is a gap" in preview_rotation(only).sentences()[1]


def test_the_command_previews_and_rotates(shared, capsys):
    call_command("rotate", str(shared.pk), "--dry-run")
    assert not Credential.objects.filter(predecessor=shared).exists()
    call_command("rotate", str(shared.pk), "--leaked")
    assert "Successor: " in capsys.readouterr().out
    assert Credential.objects.get(predecessor=shared).predecessor_overlap == timedelta(0)


def test_the_command_rotates_by_the_policy_that_the_integration_has_now(client, db, capsys):
    credential = make_door(client).grant()
    policy = make_policy(name="now", issuer="api_key", options={"name": "apiKey"}, overlap=timedelta(hours=2))
    Integration.objects.update(policy=policy)
    call_command("rotate", str(credential.pk))
    assert "It stays valid for 2 hours after its successor is there." in capsys.readouterr().out
    assert Credential.objects.get(predecessor=credential).policy == policy


def test_the_command_says_that_a_rotation_is_pending(shared, capsys):
    rotate(credential=shared, actor="test")
    with pytest.raises(CommandError, match="has been pending since"):
        call_command("rotate", str(shared.pk))
    assert "A rotation is pending already." in capsys.readouterr().out


@pytest.mark.parametrize("unknown", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_the_command_names_a_credential_that_is_not_there(db, unknown):
    with pytest.raises(CommandError, match=f"There is no credential {unknown}"):
        call_command("rotate", unknown)


def test_it_says_what_of_the_successor_is_other_than_of_the_credential(db):
    policy = CredentialPolicy.objects.create(name="keys", issuer="api_key", options={"name": "BEAR_API_KEY"})
    key = start_issue(policy=policy, context={}, subject="", actor="test")
    assert successor_differences(key, policy) == []
    policy.options, policy.lifetime = {"name": "BEAR_TOKEN"}, timedelta(hours=1)
    (sentence,) = successor_differences(key, policy)
    assert sentence == "The successor has BEAR_TOKEN in place of BEAR_API_KEY and expires after 1 hour."
    policy.overlap = timedelta(minutes=5)
    policy.save()
    rotated = rotate(credential=key, actor="test")
    assert successor_differences(rotated, policy) == []
    policy.lifetime = timedelta(days=1)
    assert successor_differences(rotated, policy) == ["The successor expires after 1 day, not 1 hour."]
    policy.lifetime = None
    assert successor_differences(rotated, policy) == ["The successor does not expire."]


def test_an_end_that_the_issuer_sets_earlier_is_no_difference(db):
    policy = CredentialPolicy.objects.create(name="tokens", issuer="jwt", options={"audience": "vendor"})
    token = start_issue(policy=policy, context={}, subject="", actor="test")
    assert successor_differences(token, policy) == []
    policy.issuer, policy.lifetime, policy.options = "webhook", timedelta(days=1), {"names": ["TOKEN"]}
    assert successor_differences(token, policy) == []


def test_the_command_says_so_too(shared, capsys):
    CredentialPolicy.objects.filter(pk=shared.policy_id).update(lifetime=timedelta(days=30))
    call_command("rotate", str(shared.pk), "--dry-run")
    assert capsys.readouterr().out.endswith("The successor expires after 30 days.\n")
