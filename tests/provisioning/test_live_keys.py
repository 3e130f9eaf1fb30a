"""Believes live keys, and keeps something of each."""

import logging
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning.models import LiveKey, Marketplace, TrustedKey
from tests.provisioning import signer
from tests.provisioning.conftest import new_id

UNKNOWN = f"/v1/resources/{new_id()}"  # 404 for whoever is believed, 401 for everybody else


def test_a_new_live_key_is_recorded_and_told_of(door, trail, caplog):
    caplog.set_level(logging.INFO)
    assert door.delete(UNKNOWN).status_code == 404
    live = LiveKey.objects.get()
    assert live.public_key == door.live.public
    line = trail.one(action="live_key.first_seen")
    assert (line.actor, line.object_id) == ("marketplace:manifold", str(live.pk))
    assert line.detail["public_key"] == door.live.public
    assert "new_live_key" in caplog.text


def test_a_known_live_key_is_told_of_once(door, trail):
    for _ in range(3):
        assert door.delete(UNKNOWN).status_code == 404
    assert len(trail.all(action="live_key.first_seen")) == LiveKey.objects.count() == 1


def test_a_second_live_key_of_the_same_master_key_is_believed(door):
    other = signer.Marketplace(door.client, door.master)
    assert [sender.delete(UNKNOWN).status_code for sender in (door, other)] == [404, 404]


def test_an_endorsement_is_verified_once(door, monkeypatch):
    assert door.delete(UNKNOWN).status_code == 404
    monkeypatch.setattr("provisioning.manifold.signatures.live_keys.endorses", None)
    assert door.delete(UNKNOWN).status_code == 404


def test_a_known_live_key_with_another_endorsement_is_not_believed(door):
    assert door.delete(UNKNOWN).status_code == 404
    door.master = signer.Key()
    assert door.delete(UNKNOWN).status_code == 401


def test_a_live_key_that_nobody_trusted_endorsed_leaves_nothing(door):
    door.master = signer.Key()
    assert door.delete(UNKNOWN).status_code == 401
    assert not LiveKey.objects.exists()


def test_a_stranger_has_each_trusted_key_read_and_tried_once(door, monkeypatch):
    tried = []
    monkeypatch.setattr("provisioning.manifold.signatures.live_keys.endorses", lambda key, _: tried.append(key))
    door.master = signer.Key()
    with CaptureQueriesContext(connection) as queries:
        assert door.delete(UNKNOWN).status_code == 401
    assert tried == [*TrustedKey.objects.values_list("public_key", flat=True)]
    assert sum('FROM "provisioning_trustedkey"' in query["sql"] for query in queries) == 1


def test_a_live_key_of_a_stranger_without_any_trusted_key_is_refused(door):
    TrustedKey.objects.all().delete()
    assert door.delete(UNKNOWN).status_code == 401


def test_a_denied_live_key_is_refused(door, trail):
    assert door.delete(UNKNOWN).status_code == 404
    LiveKey.objects.update(is_denied=True)
    assert door.delete(UNKNOWN).status_code == 401
    assert trail.one(outcome="refused", actor="unproven:manifold").reason == "denied_live_key"


def test_a_denied_live_key_is_refused_under_any_endorsement(door, marketplace):
    assert door.delete(UNKNOWN).status_code == 404
    LiveKey.objects.update(is_denied=True)
    second = signer.Key()
    TrustedKey.objects.create(marketplace=marketplace, label="second", public_key=second.public)
    door.master = second
    assert door.delete(UNKNOWN).status_code == 401


@pytest.mark.parametrize("seen_before", [True, False])
@pytest.mark.parametrize(
    "change",
    [{"is_enabled": False}, {"ends_at": timezone.now() - timedelta(seconds=1)}],
    ids=lambda change: next(iter(change)),
)
def test_a_withdrawn_trusted_key_endorses_nobody(door, change, seen_before):
    if seen_before:
        assert door.delete(UNKNOWN).status_code == 404
    TrustedKey.objects.update(**change)
    assert door.delete(UNKNOWN).status_code == 401


def test_a_trusted_key_endorses_until_its_end(door):
    TrustedKey.objects.update(ends_at=timezone.now() + timedelta(minutes=1))
    assert door.delete(UNKNOWN).status_code == 404


@pytest.mark.parametrize("seen_before", [True, False])
def test_a_suspended_marketplace_is_refused(door, marketplace, seen_before):
    if seen_before:
        assert door.delete(UNKNOWN).status_code == 404
    Marketplace.objects.update(is_active=False)
    assert door.delete(UNKNOWN).status_code == 401


def test_the_trusted_key_tells_which_marketplace_it_is(door, marketplace, resource_id):
    other, master = Marketplace.objects.create(name="other", connector_url="https://other.example/v1"), signer.Key()
    TrustedKey.objects.create(marketplace=other, label="master", public_key=master.public)
    stranger = signer.Marketplace(door.client, master)
    assert stranger.delete(f"/v1/resources/{resource_id}").status_code == 404
    assert door.delete(f"/v1/resources/{resource_id}").status_code == 204


def test_the_last_use_is_kept_to_the_minute(door):
    assert door.delete(UNKNOWN).status_code == 404
    first = LiveKey.objects.get().last_used_at
    assert door.delete(UNKNOWN).status_code == 404
    assert LiveKey.objects.get().last_used_at == first
    LiveKey.objects.update(last_used_at=first - timedelta(minutes=2))
    assert door.delete(UNKNOWN).status_code == 404
    assert LiveKey.objects.get().last_used_at > first


def test_a_refused_request_is_no_use(door):
    assert door.delete(UNKNOWN).status_code == 404
    LiveKey.objects.update(last_used_at=timezone.now() - timedelta(hours=1))
    before = LiveKey.objects.get().last_used_at
    assert door.delete(UNKNOWN, after={"host": "localhost"}).status_code == 401
    assert LiveKey.objects.get().last_used_at == before
