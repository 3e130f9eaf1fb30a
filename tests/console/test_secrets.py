"""Signing secrets and credentials: made, replaced, revealed once, revoked. Never seen but in a reveal."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin import site as admin_site
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from credservice.adminkit.sentences import plain_sentence
from credservice.adminkit.widgets import is_secret
from credservice.audit import Line, record
from credservice.credentials.models import Credential
from credservice.keys.models import SigningSecret
from credservice.keys.services import generate_secret, retire_secret
from tests.conftest import Trail
from tests.events.conftest import make_endpoint
from tests.support.console import CANARY, PASSWORD, World
from tests.support.doors import role_client
from tests.support.pages import run_bulk, send, url

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
    SigningSecret.objects.filter(pk=world.secret.pk).update(last_used_at=timezone.now())
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
