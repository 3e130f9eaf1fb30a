"""Trusted and live keys that are withdrawn: what the pages say before, and where refused calls lead afterwards."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from provisioning.models import LiveKey, Marketplace, TrustedKey
from tests.conftest import DoorClient
from tests.provisioning import signer
from tests.provisioning.conftest import new_id
from tests.support.pages import url


@pytest.fixture
def market(db: None) -> Marketplace:
    return Marketplace.objects.create(name="acme", connector_url="https://connector.example/v1")


@pytest.fixture
def key(market: Marketplace) -> signer.Key:
    master = signer.Key()
    TrustedKey.objects.create(marketplace=market, label="master", public_key=master.public)
    return master


def call(key: signer.Key) -> int:
    return int(signer.Marketplace(DoorClient(), key).delete(f"/v1/resources/{new_id()}").status_code)


def test_the_pages_that_withdraw_a_key_say_that_it_is_in_use(console: Client, key: signer.Key) -> None:
    trusted = TrustedKey.objects.get()
    assert "No request was accepted by it yet." in console.get(url(trusted, "disable")).content.decode()
    assert call(key) == 404
    for page in (url(trusted, "disable"), url(LiveKey.objects.get(), "deny")):
        told = console.get(page).content.decode()
        assert "A request was last accepted by it just now, at" in told
        assert "Such requests fail from now on." in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"is_enabled": False}, "signed under a trusted key that is disabled"),
        ({"ends_at": timezone.now() - timedelta(seconds=1)}, "signed under a trusted key that has ended"),
    ],
)
def test_refused_calls_lead_to_the_key_that_was_withdrawn(
    console: Client, market: Marketplace, key: signer.Key, change: dict[str, Any], told: str
) -> None:
    TrustedKey.objects.update(**change)
    assert {call(key) for _ in range(3)} == {401}
    (step,) = console.get(url(market)).context["next_steps"]
    assert told in step.sentence
    assert list(console.get(step.link).context["cl"].result_list) == [TrustedKey.objects.get()]
