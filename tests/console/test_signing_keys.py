"""Signing keys in the console: made, planned, activated, replaced as leaked."""

import json
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from credservice.credentials.models import CredentialPolicy
from credservice.credentials.services import start_issue
from credservice.crypto import unseal
from credservice.keys.models import SigningKey
from credservice.keys.signing_keys import activate_signing_key, generate_signing_key
from tests.conftest import Trail
from tests.support.pages import ask_bulk, send, url

NEW_KEY = {"algorithm": "EdDSA", "leaked": "no", "published_before": "10m"}


def test_a_signing_key_takes_over_and_the_old_one_is_retired(console: Client, trail: Trail) -> None:
    for _ in range(2):
        assert console.post(url(SigningKey, "add"), NEW_KEY).status_code == 302
    send(console, url(SigningKey.objects.get(state="pending"), "activate"), refuse="on")
    previous = SigningKey.objects.get(state="previous")
    assert "Live tokens of it: none." in console.get(url(previous, "retire")).content.decode()
    send(console, url(previous, "retire"))
    previous.refresh_from_db()
    assert previous.state == "retired"
    assert {line.actor for line in trail.all(object_type="signing_key")} == {"user:root"}


def test_the_forms_that_retire_a_signing_key_count_the_live_tokens(console: Client) -> None:
    policy = CredentialPolicy.objects.create(
        name="signed", issuer="jwt", options={"audience": "vendor"}, lifetime=timedelta(hours=2), overlap=timedelta(0)
    )
    for n in range(3):
        start_issue(policy=policy, context={}, subject=f"end_user:{n}", actor="test")
    assert "Live tokens now: 3 of EdDSA." in console.get(url(SigningKey, "add")).content.decode()
    old = SigningKey.objects.get()
    activate_signing_key(key=generate_signing_key(algorithm="EdDSA", actor="test"), actor="test")
    assert "Live tokens of it: 3. They are handed out no more." in console.get(url(old, "retire")).content.decode()
    asked = console.get(ask_bulk(console, SigningKey, "retire", [old]))
    assert "Live tokens of these: 3." in asked.content.decode()
    refused = send(console, url(old, "retire")).content.decode()
    assert "Nothing is retired yet. Wait until its last token has expired, or tick." in refused
    assert SigningKey.objects.get(pk=old.pk).state == "previous"
    send(console, url(old, "retire"), refuse="on")
    assert "Live tokens now: 0 of EdDSA." in console.get(url(SigningKey, "add")).content.decode()


def test_a_planned_signing_key_is_published_before_it_signs(console: Client) -> None:
    """The first of an algorithm signs at once: no other could."""
    form = console.get(url(SigningKey, "add")).content.decode()
    assert "10m" in form
    assert "Revoked now, every token that they signed verifies no more" in form
    for _ in range(2):
        console.post(url(SigningKey, "add"), NEW_KEY)
    first, second = SigningKey.objects.order_by("created_at")
    assert (first.state, second.state) == ("current", "pending")
    told = f"published, signs from {second.activates_at:%H:%M} UTC"
    # Around midnight it names the day.
    if second.activates_at.date() == timezone.now().date():
        assert told in console.get(url(second)).content.decode()
        assert told in console.get(url(SigningKey, "changelist")).content.decode()
    known = {key["kid"] for key in console.get("/.well-known/jwks.json").json()["keys"]}
    assert known == {first.kid, second.kid}
    assert "may refuse the tokens that it signs" in console.get(url(second, "activate")).content.decode()
    assert "Nothing is changed yet. Wait until" in send(console, url(second, "activate")).content.decode()
    assert SigningKey.objects.get(pk=second.pk).state == "pending"
    SigningKey.objects.filter(pk=second.pk).update(created_at=timezone.now() - timedelta(minutes=6))
    send(console, url(second, "activate"))
    assert SigningKey.objects.get(pk=second.pk).state == "current"


def test_a_signing_key_is_not_published_for_less_than_caches_keep_it(console: Client, db: None) -> None:
    page = console.post(url(SigningKey, "add"), NEW_KEY | {"published_before": "4m"}).content.decode()
    assert "Write a time from 5m to 30d." in page
    assert not SigningKey.objects.exists()


def test_a_leaked_signing_key_is_replaced_at_once(console: Client, db: None) -> None:
    for leaked in ("no", "yes"):
        console.post(url(SigningKey, "add"), NEW_KEY | {"leaked": leaked})
    assert list(SigningKey.objects.order_by("created_at").values_list("state", flat=True)) == ["retired", "current"]


def test_keys_with_live_tokens_are_replaced_as_leaked_by_a_tick(console: Client) -> None:
    policy = CredentialPolicy.objects.create(
        name="signed", issuer="jwt", options={"audience": "vendor"}, lifetime=timedelta(hours=2), overlap=timedelta(0)
    )
    start_issue(policy=policy, context={}, subject="end_user:1", actor="test")
    page = console.post(url(SigningKey, "add"), NEW_KEY | {"leaked": "yes"})
    assert page.context["adminform"].form.errors == {
        "refuse": ["No key is made yet. Let the keys before sign until their tokens expire, or tick."]
    }
    assert SigningKey.objects.count() == 1
    console.post(url(SigningKey, "add"), NEW_KEY | {"leaked": "yes", "refuse": "on"})
    assert list(SigningKey.objects.order_by("created_at").values_list("state", flat=True)) == ["retired", "current"]


def test_no_page_shows_a_private_key(console: Client, db: None) -> None:
    key = generate_signing_key(algorithm="EdDSA", actor="test")
    private = json.loads(unseal(bytes(key.sealed_private or b""), key.place))["d"]
    for page in ("change", "retire", "activate"):
        assert private not in console.get(url(key, page)).content.decode()
