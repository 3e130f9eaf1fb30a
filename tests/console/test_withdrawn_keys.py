"""Trusted and live keys that are withdrawn: what the pages say before, and where refused calls lead afterwards."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from provisioning.models import LiveKey, Marketplace, TrustedKey
from tests.conftest import DoorClient, Trail
from tests.provisioning import signer
from tests.provisioning.conftest import new_id
from tests.support.pages import run_bulk, send, tick_of, url


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


def test_a_key_in_use_is_withdrawn_with_a_tick_alone(console: Client, key: signer.Key) -> None:
    assert call(key) == 404
    trusted, live = TrustedKey.objects.get(), LiveKey.objects.get()
    for page in (url(trusted, "disable"), url(live, "deny")):
        form = send(console, page, why="leaked").context["form"]
        assert form.errors["refuse"] == [
            "Nothing is changed yet. Wait until the marketplace uses another key, or tick."
        ]
    assert call(key) == 404
    assert send(console, url(trusted, "disable"), why="leaked", refuse="on").status_code == 302
    assert call(key) == 401


def test_a_key_that_is_quiet_for_a_day_is_withdrawn_without(console: Client, key: signer.Key) -> None:
    assert call(key) == 404
    LiveKey.objects.update(last_used_at=timezone.now() - timedelta(hours=25))
    assert send(console, url(LiveKey.objects.get(), "deny"), why="leaked").status_code == 302
    assert LiveKey.objects.get().is_denied


def test_several_are_withdrawn_with_a_tick_where_one_is_in_use(console: Client, key: signer.Key) -> None:
    unused = TrustedKey.objects.create(marketplace=Marketplace.objects.get(), label="new", public_key="A" * 43)
    assert call(key) == 404
    keys = list(TrustedKey.objects.all())
    page = run_bulk(console, TrustedKey, "disable", keys, why="leaked")
    assert "Requests were accepted within 24 hours by acme: master: such are refused." in page.content.decode()
    assert TrustedKey.objects.filter(is_enabled=True).count() == 2
    assert run_bulk(console, TrustedKey, "disable", [unused], why="left").status_code == 302
    assert run_bulk(console, TrustedKey, "disable", keys, why="leaked", all_the_same="on").status_code == 302
    assert not TrustedKey.objects.filter(is_enabled=True).exists()


def ending(console: Client, **after: float) -> Any:
    end = timezone.now() + timedelta(**after)
    return send(console, url(TrustedKey.objects.get()), ends_at_0=f"{end:%Y-%m-%d}", ends_at_1=f"{end:%H:%M:%S}")


def test_the_end_of_a_key_in_use_asks_for_a_tick_where_it_is_near(
    console: Client, key: signer.Key, trail: Trail
) -> None:
    assert call(key) == 404
    assert ending(console, hours=25).status_code == 302
    page = ending(console, minutes=5)
    form = page.context["adminform"].form
    assert form.errors["confirmed"] == ["Nothing is saved yet. Set a later end, or tick this and save again."]
    assert "A request was last accepted by it just now, at" in form.fields["confirmed"].help_text
    sent = {name: form.data[name] for name in ("ends_at_0", "ends_at_1")}
    ticked = send(console, url(TrustedKey.objects.get()), **sent, confirmed=tick_of(page.content.decode()))
    assert ticked.status_code == 302
    *_, line = trail.all(action="trusted_key.changed")
    assert line.detail["accepted_changed_answers"] == {"keys_of_accepted_requests": 1}
    assert ending(console, hours=1).status_code == 302  # later than before


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
