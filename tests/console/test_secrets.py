"""Signing secrets and credentials: made, replaced, revealed once, revoked. Never seen but in a reveal."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin import site as admin_site
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from credservice.accounts.models import Invitation
from credservice.adminkit.sentences import plain_sentence
from credservice.adminkit.widgets import is_secret
from credservice.audit import Line, record
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import start_issue
from credservice.crypto import unseal
from credservice.events.models import EventEndpoint
from credservice.keys.models import SigningKey, SigningSecret
from credservice.keys.rotation_progress import last_uses
from credservice.keys.services import generate_secret, retire_secret
from credservice.keys.signing_keys import activate_signing_key, generate_signing_key
from credservice.vendor_api.models import ServiceToken
from credservice.vendor_api.tokens import authenticate, create_token, revoke_token
from exchange.signatures.verify import Profile
from tests.conftest import Trail
from tests.console.test_signature_debugger import call, headers_of
from tests.events.conftest import make_endpoint
from tests.support.console import CANARY, PASSWORD, World
from tests.support.doors import role_client
from tests.support.pages import ask_bulk, run_bulk, send, url

WHY = {"why": "support case 4711", "password": PASSWORD}
ENTERED = "another-secret-of-the-platform-0123456789"


@pytest.fixture
def clerk(db: None) -> Client:
    """A member of staff who may do everything with secrets and credentials, but reveal them."""
    user = User.objects.create_user("clerk", is_staff=True)
    allowed = Permission.objects.filter(content_type__app_label__in=["keys", "credentials"])
    user.user_permissions.set(allowed.exclude(codename__startswith="reveal_"))
    client = Client()
    client.force_login(user)
    return client


def test_a_generated_secret_is_shown_exactly_once(console: Client, world: World, trail: Trail) -> None:
    address = url(world.platform.secrets, "new-secret")
    shown = send(console, address, source="generate", overlap="86400")
    current = SigningSecret.objects.get(state="current")
    text = current.open().decode()
    assert text in shown.content.decode()
    assert "it is shown again only by Reveal, with a reason." in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert text not in console.get(address).content.decode() + console.get(url(current)).content.decode()
    assert text not in str([line.detail for line in trail.all()])


def test_reloading_the_answer_makes_no_second_secret(console: Client, world: World) -> None:
    address = url(world.platform.secrets, "new-secret")
    form_id = console.get(address).context["form_id"]
    values = {"source": "generate", "overlap": "86400", "form_id": form_id}
    console.post(address, values)
    again = console.post(address, values)
    assert "was sent before" in again.content.decode()
    assert SigningSecret.objects.count() == 2


def test_a_form_of_another_page_is_refused(console: Client, world: World) -> None:
    form_id = console.get(url(world.secret, "reveal")).context["form_id"]
    values = {"source": "generate", "overlap": "86400", "form_id": form_id}
    response = console.post(url(world.platform.secrets, "new-secret"), values)
    assert "open for too long" in response.content.decode()
    assert SigningSecret.objects.count() == 1


def test_the_previous_secret_stays_for_the_overlap(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="3600")
    world.secret.refresh_from_db()
    assert world.secret.state == "previous"


def trail_of(client: Client, obj: Any) -> tuple[str, list[str]]:
    """Read an object's page, and the actions of the lines that its trail leads to."""
    page = client.get(url(obj))
    card = next(card for card in page.context["cards"] if card.title == "Trail")
    told = strip_tags(page.content.decode())
    return told, [row.action for row in client.get(card.link).context["cl"].result_list]


def test_a_platforms_page_has_the_lines_of_its_secrets(console: Client, world: World) -> None:
    """Ended ones as well; whoever may not look at secrets reads no name of one."""
    record(Line.about(world.platform, "platform.changed", "user:ann"))
    generate_secret(secret_set=world.platform.secrets, actor="user:ann", overlap=timedelta(hours=1))
    retire_secret(secret=world.secret, actor="user:ann")
    told, listed = trail_of(console, world.platform)
    assert f"ann retired signing secret {world.secret.hint} of Platform mindcloud" in told
    assert listed == ["signing_secret.retired", "signing_secret.created", "platform.changed", "signing_secret.created"]
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename__in=["view_platform", "view_auditevent"]))
    client = Client()
    client.force_login(reader)
    told, _ = trail_of(client, world.platform)
    assert f"ann retired signing secret {str(world.secret.pk)[:8]}" in told
    assert f"signing secret {world.secret.hint}" not in told


def test_an_endpoints_page_has_the_lines_of_its_secrets(console: Client) -> None:
    endpoint, _ = make_endpoint("https://api.example.com/events")
    told, listed = trail_of(console, endpoint)
    assert "created signing secret" in told
    assert "signing_secret.created" in listed


def test_a_platform_without_a_secret_has_its_own_lines(console: Client, world: World) -> None:
    SigningSecret.objects.all().delete()
    record(Line.about(world.platform, "platform.changed", "user:ann"))
    assert trail_of(console, world.platform)[1] == ["platform.changed"]


def test_a_leaked_secret_ends_at_once(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="0", refuse="on")
    world.secret.refresh_from_db()
    assert world.secret.state == "retired"


def test_to_revoke_during_a_rotation_says_what_the_partner_signs_with_and_needs_a_tick(
    console: Client, world: World
) -> None:
    address = url(world.platform.secrets, "new-secret")
    send(console, address, source="generate", overlap="86400")
    used(world.secret)
    page = console.get(address).content.decode()
    assert f"The platform signs with {world.secret.hint}: It last verified a call just now" in page
    assert "That is one before the current secret" in page
    assert f"Revoke now ends all of them, {world.secret.hint} too: every call of the platform is refused" in page
    answer = send(console, address, source="generate", overlap="0").content.decode()
    assert "Nothing is ended yet. Let the secret stay valid for a while, or tick." in answer
    assert list(SigningSecret.objects.order_by("created_at").values_list("state", flat=True)) == ["previous", "current"]
    send(console, address, source="generate", overlap="0", refuse="on")
    assert SigningSecret.objects.filter(state="retired").count() == 2


def test_what_we_sign_ourselves_is_replaced_without_a_tick(console: Client, db: None) -> None:
    endpoint, _ = make_endpoint("https://api.example.com/events")
    send(console, url(endpoint.secrets, "new-secret"), source="generate", overlap="0")
    assert list(endpoint.secrets.secrets.order_by("created_at").values_list("state", flat=True)) == [
        "retired",
        "current",
    ]


def test_a_secret_can_be_entered(console: Client, world: World, trail: Trail) -> None:
    address = url(world.platform.secrets, "new-secret")
    response = send(console, address, source="enter", text=f"  {ENTERED}\r\n", overlap="86400")
    assert response.status_code == 302
    assert SigningSecret.objects.get(state="current").open().decode() == ENTERED
    assert trail.one(action="signing_secret.created").actor == "user:root"


def test_a_weak_secret_is_refused_and_not_echoed(console: Client, world: World) -> None:
    address = url(world.platform.secrets, "new-secret")
    response = send(console, address, source="enter", text="hunter2", overlap="0", refuse="on")
    content = response.content.decode()
    assert "must have at least 24 bytes" in content
    assert "hunter2" not in content
    assert SigningSecret.objects.count() == 1


def test_a_previous_secret_is_retired(console: Client, world: World, trail: Trail) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    send(console, url(world.secret, "retire"), refuse="on")
    world.secret.refresh_from_db()
    assert world.secret.state == "retired"
    assert trail.one(action="signing_secret.retired").object_id == str(world.secret.pk)


def test_the_current_secret_is_not_retired(console: Client, world: World) -> None:
    page = console.get(url(world.secret, "retire")).content.decode()
    assert "Make a new one first" in page
    console.post(url(world.secret, "retire"))
    world.secret.refresh_from_db()
    assert world.secret.state == "current"


@pytest.mark.parametrize(("kind", "action"), [("secret", "signing_secret"), ("credential", "credential")])
def test_a_reveal_asks_why_and_is_recorded(console: Client, world: World, trail: Trail, kind: str, action: str) -> None:
    obj: Any = getattr(world, kind)
    refused = send(console, url(obj, "reveal"), why="", password=PASSWORD)
    assert CANARY not in refused.content.decode()
    shown = send(console, url(obj, "reveal"), **WHY)
    assert CANARY in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    line = trail.one(action=f"{action}.revealed")
    assert (line.actor, line.detail["why"]) == ("user:root", "support case 4711")


@pytest.mark.parametrize("kind", ["secret", "credential"])
@pytest.mark.parametrize("typed", ["", "wrong", f"{PASSWORD} ", "\u00e9" * 5000])
def test_a_reveal_needs_the_operators_own_password(console: Client, world: World, kind: str, typed: str) -> None:
    page = send(console, url(getattr(world, kind), "reveal"), why="support case 4711", password=typed)
    assert CANARY not in page.content.decode()
    assert not typed or typed not in page.content.decode()


def test_a_wrong_password_at_a_reveal_is_recorded(console: Client, world: World, trail: Trail, admin: User) -> None:
    page = send(console, url(world.secret, "reveal"), why="support case 4711", password="wrong").content.decode()
    assert "This is not your password." in page
    (line,) = trail.all()
    assert (line.action, line.actor, line.outcome) == ("user.password_check", "user:root", "refused")
    assert (line.reason, line.object_id) == ("wrong_password", str(admin.pk))


def test_tries_at_a_reveal_are_counted_by_session(
    console: Client, world: World, trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credservice.accounts.throttle.TRIES_PER_MINUTE", 2)
    for typed in ("wrong", "wrong", PASSWORD):
        page = send(console, url(world.secret, "reveal"), why="support case 4711", password=typed).content.decode()
    assert "Too many passwords were tried" in page
    assert CANARY not in page
    assert trail.all()[-1].reason == "too_many_requests"
    assert Client().post("/admin/login/", {"username": "root", "password": PASSWORD}).status_code == 302


@pytest.mark.parametrize("kind", ["secret", "credential"])
def test_a_reveal_is_not_repeated_by_a_reload(console: Client, world: World, kind: str) -> None:
    address = url(getattr(world, kind), "reveal")
    values = WHY | {"form_id": console.get(address).context["form_id"]}
    assert CANARY in console.post(address, values).content.decode()
    assert CANARY not in console.post(address, values).content.decode()


@pytest.mark.parametrize("kind", ["secret", "credential"])
def test_a_reveal_needs_a_permission_of_its_own(clerk: Client, world: World, trail: Trail, kind: str) -> None:
    address = url(getattr(world, kind), "reveal")
    assert clerk.get(address).status_code == 403
    assert clerk.post(address, WHY).status_code == 403
    assert address not in clerk.get(url(getattr(world, kind))).content.decode()
    assert [(line.action, line.outcome, line.actor) for line in trail.all()] == [
        ("console.page", "refused", "user:clerk"),
        ("console.page", "refused", "user:clerk"),
    ]


def test_without_its_permission_a_credential_is_not_revoked(clerk: Client, world: World) -> None:
    User.objects.get(username="clerk").user_permissions.remove(Permission.objects.get(codename="revoke_credential"))
    assert clerk.post(url(world.credential, "revoke"), {"why": "because"}).status_code == 403
    data = {"action": "revoke", "_selected_action": [str(world.credential.pk)], "confirmed": "yes", "why": "because"}
    assert clerk.post(url(Credential, "changelist"), data).status_code == 403
    world.credential.refresh_from_db()
    assert world.credential.state == "active"


def test_a_value_that_does_not_open_says_so(console: Client, world: World, trail: Trail) -> None:
    """Copied from another row, say: the seal is bound to its place."""
    other = world.make_credential()
    Credential.objects.filter(pk=world.credential.pk).update(sealed_values=other.sealed_values)
    page = send(console, url(world.credential, "reveal"), **WHY).content.decode()
    assert "The sealed value cannot be opened" in page
    assert trail.all(action="credential.revealed") == []


def test_a_reason_for_a_rotation_is_in_the_trail(console: Client, world: World, trail: Trail) -> None:
    send(console, url(world.credential, "replace"), value_0="the-new-key", overlap="policy", why="Ticket 4711")
    line = trail.one(action="credential.rotation_started")
    assert (line.object_id, line.detail["why"]) == (str(world.credential.pk), "Ticket 4711")
    assert plain_sentence(line).endswith(": Ticket 4711")
    keys = [world.make_key(), world.make_key()]
    run_bulk(console, Credential, "rotate", keys, overlap="policy", why="The yearly rotation")
    lines = trail.all(action="credential.rotation_started")[1:]
    assert {line.object_id: line.detail["why"] for line in lines} == dict.fromkeys(
        [str(key.pk) for key in keys], "The yearly rotation"
    )


def test_values_are_replaced(console: Client, world: World, trail: Trail) -> None:
    assert CANARY not in console.get(url(world.credential, "replace")).content.decode()
    send(console, url(world.credential, "replace"), value_0="the-new-key", overlap="policy")
    successor = Credential.objects.get(predecessor=world.credential)
    world.credential.refresh_from_db()
    assert successor.open() == {"apiKey": "the-new-key"}
    assert world.credential.state == "retiring"
    assert trail.one(action="credential.issued").actor == "user:root"


def test_a_leaked_value_ends_at_once(console: Client, world: World) -> None:
    send(console, url(world.credential, "replace"), value_0="the-new-key", overlap="none")
    world.credential.refresh_from_db()
    assert world.credential.state == "revoked"


def test_what_leaked_is_not_its_own_successor(console: Client, world: World) -> None:
    value = world.credential.open()["apiKey"]
    page = send(console, url(world.credential, "replace"), value_0=value, overlap="none").content.decode()
    assert "These values are the ones that it has already. Enter the new ones." in page
    assert value not in page
    assert not Credential.objects.filter(predecessor=world.credential).exists()


def test_a_value_of_several_lines_is_kept_as_it_is(console: Client, world: World) -> None:
    send(console, url(world.credential, "replace"), value_0="-----BEGIN\r\nabc\r\n-----END\r\n", overlap="policy")
    successor = Credential.objects.get(predecessor=world.credential)
    assert successor.open() == {"apiKey": "-----BEGIN\nabc\n-----END\n"}


def test_a_generated_key_is_rotated(console: Client, world: World) -> None:
    key = world.make_key()
    assert "come from elsewhere" in console.get(url(key, "replace")).content.decode()
    send(console, url(key, "rotate"), overlap="policy")
    assert Credential.objects.get(predecessor=key).state == "active"


def test_a_credential_is_revoked_with_a_reason(console: Client, world: World, trail: Trail) -> None:
    send(console, url(world.credential, "revoke"), why="it was in a screenshot")
    world.credential.refresh_from_db()
    assert world.credential.state == "revoked"
    assert trail.one(action="credential.revoked").detail["why"] == "it was in a screenshot"


def test_credentials_are_revoked_in_bulk(console: Client, world: World, trail: Trail) -> None:
    keys = [world.make_key(), world.make_key()]
    run_bulk(console, Credential, "revoke", keys, why="a leaked backup")
    assert Credential.objects.filter(pk__in=[key.pk for key in keys], state="revoked").count() == 2
    assert len(trail.all(action="credential.revoked")) == 2


def test_a_scope_shows_its_name_beside_its_sentence(console: Client) -> None:
    assert "Read grants (grants:read)" in console.get(url(ServiceToken, "add")).content.decode()


def test_who_may_only_look_is_told_once_whether_there_is_a_secret(world: World) -> None:
    operator, seen = role_client("Operator"), []
    for model, site_admin in admin_site._registry.items():
        secrets = {name for name, field in site_admin.form.base_fields.items() if is_secret(field)}
        obj = model._default_manager.first()
        if not secrets or obj is None or operator.get(url(obj)).status_code == 403:
            continue
        shown = [cell.field for part in operator.get(url(obj)).context["adminform"] for line in part for cell in line]
        assert secrets.isdisjoint(cell["name"] for cell in shown), model
        seen.append(model.__name__)
    assert sorted(seen) == ["Marketplace", "Platform"]
    assert operator.get(url(world.marketplace)).content.decode().lower().count("client secret") == 1


def test_a_service_token_is_shown_once(console: Client, trail: Trail) -> None:
    values = {"name": "billing", "scopes": ["credentials:introspect"], "networks": ""}
    shown = send(console, url(ServiceToken, "add"), **values)
    (text,) = re.findall(r"cst_v1_\w{36}", shown.content.decode())
    token = ServiceToken.objects.get()
    assert authenticate(text, "127.0.0.1") == token
    assert text not in console.get(url(token)).content.decode()
    assert [line.action for line in trail.all()] == ["service_token.created"]
    again = send(console, url(ServiceToken, "add"), **values)
    assert "exists already" in again.content.decode()
    revoke_token(token=token, actor="test")
    assert "cst_v1_" in send(console, url(ServiceToken, "add"), **values).content.decode()


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (ServiceToken, {"name": "billing", "scopes": ["credentials:introspect"], "networks": ""}),
        (EventEndpoint, {"name": "backend", "url": "https://api.example.com/events"}),
        (Invitation, {"invited": "Bob", "days": 3}),
    ],
)
def test_reloading_the_answer_that_shows_what_was_made_makes_nothing(
    console: Client, model: type[Model], values: dict[str, Any]
) -> None:
    if model is Invitation:
        values = values | {"roles": Group.objects.get(name="Operator").pk}
    address = url(model, "add")
    form_id = console.get(address).context["form_id"]
    assert console.post(address, values | {"form_id": form_id}).status_code == 200
    again = console.post(address, values | {"form_id": form_id}, follow=True).content.decode()
    assert "This form was sent before, and was done then." in again
    assert model._default_manager.count() == 1


def test_a_form_for_a_new_secret_that_is_of_no_page_is_refused(console: Client) -> None:
    values = {"name": "billing", "scopes": ["credentials:introspect"], "networks": "", "form_id": "made-up"}
    assert "open for too long" in console.post(url(ServiceToken, "add"), values, follow=True).content.decode()
    assert not ServiceToken.objects.exists()


def test_a_service_token_is_revoked(console: Client, trail: Trail) -> None:
    token, _ = create_token(name="billing", scopes=["credentials:introspect"], actor="test")
    send(console, url(token, "revoke"))
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert trail.one(action="service_token.revoked").actor == "user:root"


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


def used(secret: SigningSecret) -> None:
    SigningSecret.objects.filter(pk=secret.pk).update(last_used_at=timezone.now())


def test_the_platforms_page_shows_how_far_a_rotation_is(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    page = console.get(url(world.platform)).content.decode()
    assert "The partner does not use the new secret yet (a call shows within a minute)." in page
    used(SigningSecret.objects.get(state="current"))
    page = console.get(url(world.platform)).content.decode()
    assert "The partner uses the new secret, and perhaps the one before as well" in page
    SigningSecret.objects.update(created_at=timezone.now() - timedelta(hours=2))
    page = console.get(url(world.platform)).content.decode()
    assert "The partner uses the new secret, and the one before has verified no call for an hour or more." in page
    assert f'href="{url(world.secret, "retire")}">End the old secret</a>' in page


def test_a_new_secret_leads_back_to_its_platform(console: Client, world: World) -> None:
    shown = send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    assert shown.context["home"] == url(world.platform)


def test_the_page_of_a_platforms_secrets_leads_to_the_platform_and_to_the_old_ones_end(
    console: Client, world: World
) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    page = console.get(url(world.platform.secrets))
    assert page.context["header"].title == "Signing secrets of platform mindcloud"
    assert url(world.platform) in str(page.context["header"].facts[0].value)
    text = page.content.decode()
    assert text.count("End the old secret") == 1
    assert url(world.secret, "retire") in text


def test_who_may_end_no_secret_is_not_offered_to(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    auditor = role_client("Auditor")
    for obj in (world.platform, world.platform.secrets):
        assert "End the old secret" not in auditor.get(url(obj)).content.decode()


def test_the_platforms_page_does_not_say_never_right_after_the_first_call(
    console: Client, world: World, client: Client
) -> None:
    assert call(client, headers_of(Profile())).status_code == 200
    page = console.get(url(world.platform)).content.decode()
    assert page.count("never (a use shows within a minute)") == 2  # on top, and beside the secret
    last_uses.flush()
    page = console.get(url(world.platform)).content.decode()
    assert ("never (as of" in page, page.count(">just now</time>") >= 2) == (False, True)


def test_retiring_a_secret_says_when_it_last_verified_a_call(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    assert "It had verified no call a minute ago." in console.get(url(world.secret, "retire")).content.decode()
    used(world.secret)
    assert "It last verified a call just now" in console.get(url(world.secret, "retire")).content.decode()


def test_ending_a_secret_before_the_partner_uses_the_new_one_needs_a_tick(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    used(world.secret)
    page = console.get(url(world.secret, "retire")).content.decode()
    assert "The partner does not use the new secret yet" in page
    assert "All of its calls would be refused." in page
    assert "Nothing is ended yet." in send(console, url(world.secret, "retire")).content.decode()
    world.secret.refresh_from_db()
    assert world.secret.state == "previous"
    send(console, url(world.secret, "retire"), refuse="on")
    world.secret.refresh_from_db()
    assert world.secret.state == "retired"


def test_while_the_partner_uses_both_it_needs_the_tick_and_afterwards_none(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    current = SigningSecret.objects.get(state="current")
    now, hour = timezone.now(), timedelta(hours=1)
    SigningSecret.objects.update(last_used_at=now, created_at=now - 2 * hour)
    assert "Calls that are signed with it would be" in send(console, url(world.secret, "retire")).content.decode()
    SigningSecret.objects.exclude(pk=current.pk).update(last_used_at=now - hour)
    page = console.get(url(world.secret, "retire")).content.decode()
    assert "the one before has verified no call for an hour or more. Only a process" in page
    assert "End it all the same" not in page
    send(console, url(world.secret, "retire"))
    world.secret.refresh_from_db()
    assert world.secret.state == "retired"


def test_ending_several_names_the_partners_that_have_not_changed_over(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    data = {"action": "retire", "_selected_action": [str(world.secret.pk)]}
    page = console.post(url(SigningSecret, "changelist"), data, follow=True).content.decode()
    assert f"so that calls are refused: {world.platform.secrets}." in page


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"expires_at_0": "2099-01-31"}, {"expires_at": ["Write the time with the date, such as 13:05."]}),
        ({"expires_at_1": "13:05"}, {"expires_at": ["Write the date with the time, such as 2027-01-31."]}),
        (
            {"networks": "203.0.113.0/24, here\nthere 10.0.0.0/99"},
            {
                "networks": [
                    "'here', 'there', '10.0.0.0/99' are no networks; write an address, or a network such as "
                    "203.0.113.0/24."
                ]
            },
        ),
    ],
)
def test_a_service_tokens_form_says_what_is_missing(
    console: Client, values: dict[str, str], errors: dict[str, list[str]]
) -> None:
    form = (
        console.post(
            url(ServiceToken, "add"),
            {"name": "billing", "scopes": ["credentials:introspect"], "networks": "", **values},
        )
        .context["adminform"]
        .form
    )
    assert form.errors == errors
