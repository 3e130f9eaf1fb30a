"""Accounts, sign-ins, permissions, and what nobody may do here."""

from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group, Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from credservice.adminkit.sentences import plain_sentence
from credservice.audit.models import AuditEvent
from credservice.console.accounts.account_form import OWN
from exchange.models import Platform
from tests.conftest import Trail
from tests.support.console import PASSWORD, World
from tests.support.doors import role_client
from tests.support.pages import all_models, every_url, url

LOGIN = "/admin/login/"


def test_a_sign_in_and_a_sign_out_are_recorded(admin: User, trail: Trail) -> None:
    client = Client()
    client.post(LOGIN, {"username": "root", "password": PASSWORD})
    client.post(reverse("admin:logout"))
    assert [(line.action, line.actor) for line in trail.all()] == [
        ("user.signed_in", "user:root"),
        ("user.signed_out", "user:root"),
    ]


def test_a_failed_sign_in_is_recorded(admin: User, trail: Trail) -> None:
    Client().post(LOGIN, {"username": "root", "password": "wrong"})
    line = trail.one(action="user.sign_in")
    assert (line.outcome, line.reason, line.object_id) == ("refused", "wrong_credentials", str(admin.pk))


def test_a_password_in_the_wrong_box_is_not_kept(admin: User, trail: Trail) -> None:
    Client().post(LOGIN, {"username": PASSWORD, "password": "root"})
    line = trail.one(action="user.sign_in")
    assert PASSWORD not in f"{line.actor} {line.object_id} {line.detail}"


def test_a_nul_in_the_user_name_is_a_failed_sign_in(admin: User) -> None:
    assert Client().post(LOGIN, {"username": "ro\x00ot", "password": "x"}).status_code == 200


def test_a_new_user_and_its_permissions_are_recorded(console: Client, trail: Trail) -> None:
    values = {"username": "clerk", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert console.post(url(User, "add"), values).status_code == 302
    created = trail.one(action="user.created").detail
    assert PASSWORD not in str(created)
    clerk, role = User.objects.get(username="clerk"), Group.objects.get(name="Operator")
    console.post(url(clerk), {"is_active": "on", "groups": [role.pk]})
    line = trail.one(action="user.changed")
    assert (line.actor, line.detail["changes"]["groups"]) == ("user:root", {"from": [], "to": ["Operator"]})
    assert plain_sentence(line) == "root changed user clerk: role Operator added"
    console.post(url(clerk), {"email": "clerk@example.com"})
    assert plain_sentence(AuditEvent.objects.latest("id")) == (
        "root changed user clerk: e-mail address changed, role Operator removed, no longer active"
    )


@pytest.mark.parametrize("name", ["clerk", "Clerk"])
def test_a_new_user_whose_name_is_taken_is_refused(console: Client, name: str) -> None:
    User.objects.create_user("clerk")
    values = {"username": name, "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    answer = console.post(url(User, "add"), values)
    assert answer.context["adminform"].form.errors == {"username": ["This is taken already: write another."]}
    assert f'value="{name}"' in answer.content.decode()
    assert PASSWORD not in answer.content.decode()


def test_another_users_password_is_set_and_recorded(console: Client, trail: Trail) -> None:
    clerk = User.objects.create_user("clerk")
    values = {"password1": "quite another one", "password2": "quite another one", "usable_password": "true"}
    console.post(reverse("admin:auth_user_password_change", args=[clerk.pk]), values)
    clerk.refresh_from_db()
    assert clerk.check_password("quite another one")
    assert "quite another one" not in str(trail.one(action="user.changed").detail)


def test_the_own_password_is_changed_and_recorded(console: Client, admin: User, trail: Trail) -> None:
    new = {"old_password": PASSWORD, "new_password1": "quite another one", "new_password2": "quite another one"}
    assert console.post(reverse("admin:password_change"), new).status_code == 302
    assert trail.one(action="user.password_changed").object_id == str(admin.pk)


@pytest.mark.parametrize("missing", ["is_active", "is_superuser"])
def test_nobody_takes_the_console_from_himself(console: Client, admin: User, missing: str) -> None:
    rights = {"is_active": "on", "is_superuser": "on"}
    response = console.post(url(admin), {name: on for name, on in rights.items() if name != missing})
    assert "your own account" in response.content.decode()
    admin.refresh_from_db()
    assert getattr(admin, missing)


def test_an_administrator_does_not_take_the_role_from_himself(admin: User) -> None:
    client = role_client("Administrator")
    own = User.objects.get(username="a Administrator")
    operator, administrator = Group.objects.get(name="Operator"), Group.objects.get(name="Administrator")
    page = client.post(url(own), {"is_active": "on", "groups": [operator.pk]})
    assert page.context["adminform"].form.errors == {"groups": [OWN]}
    assert list(own.groups.all()) == [administrator]
    assert client.post(url(own), {"is_active": "on", "groups": [administrator.pk, operator.pk]}).status_code == 302
    # What takes no right away is theirs to change.
    assert client.post(url(own), {"is_active": "on", "groups": [administrator.pk]}).status_code == 302
    assert list(own.groups.all()) == [administrator]


def test_a_new_account_is_said_to_need_a_role(console: Client) -> None:
    assert "Its roles are chosen on the next page. Without a role" in console.get(url(User, "add")).content.decode()
    clerk = User.objects.create_user("clerk", is_staff=True)
    assert "Without a role an account sees nothing." in console.get(url(clerk)).content.decode()


def test_passwords_that_differ_and_are_too_short_are_told_as_both(console: Client, admin: User) -> None:
    short = {"new_password1": "short", "new_password2": "other"}
    page = console.post(reverse("admin:password_change"), short | {"old_password": PASSWORD})
    assert page.context["form"].errors["new_password1"][0].startswith("This password is too short.")
    assert page.context["form"].errors["new_password2"] == ["The two password fields didn\u2019t match."]
    values = {"username": "clerk", "password1": "short", "password2": "other", "usable_password": "true"}
    page = console.post(url(User, "add"), values)
    assert page.context["adminform"].form.errors["password1"][0].startswith("This password is too short.")


def test_whoever_manages_accounts_manages_none_that_may_do_more(admin: User) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
    client = Client()
    client.force_login(clerk)
    assert client.post(url(admin), {"is_active": "on"}).status_code == 403
    assert client.post(reverse("admin:auth_user_password_change", args=[admin.pk]), {}).status_code == 403


def test_staff_without_permissions_sees_nothing(world: World) -> None:
    client, clerk = Client(), User.objects.create_user("clerk", is_staff=True)
    client.force_login(clerk)
    assert "has no permission yet" in client.get(reverse("admin:index")).content.decode()
    for address in set(every_url(clerk)) - {reverse("admin:index"), reverse("admin:password_change")}:
        if not address.endswith("/history/"):
            assert client.get(address).status_code == 403, address


def test_a_stranger_is_sent_to_the_sign_in(world: World) -> None:
    for address in every_url(None):
        response = Client().get(address)
        assert response.status_code == 302, address
        assert response["Location"].startswith(LOGIN)


@pytest.mark.parametrize("model", sorted(all_models(), key=str), ids=lambda model: model._meta.label)
def test_nothing_is_deleted(console: Client, world: World, model: type[Model]) -> None:
    obj = model._default_manager.order_by("pk").first()
    if obj is None:
        return
    assert console.post(url(obj, "delete"), {"post": "yes"}).status_code == 403
    console.post(url(model, "changelist"), {"action": "delete_selected", "_selected_action": [str(obj.pk)]})
    assert model._default_manager.filter(pk=obj.pk).exists()


@pytest.mark.parametrize(
    "label",
    [
        "audit.AuditEvent",
        "credentials.Credential",
        "keys.SigningSecret",
        "keys.SigningSecretSet",
        "crypto.DataKey",
        "crypto.KekFingerprint",
        "exchange.Grant",
        "provisioning.LiveKey",
        "provisioning.Resource",
        "provisioning.ResourceCredential",
    ],
)
def test_it_refuses_edits(console: Client, world: World, label: str) -> None:
    model = next(model for model in django_admin.site._registry if model._meta.label == label)
    obj: Any = model._default_manager.first()
    assert console.post(url(obj), {"state": "active", "_save": "Save"}).status_code == 403


def test_django_keeps_no_history_of_its_own(console: Client, world: World) -> None:
    from django.contrib.admin.models import LogEntry

    console.post(url(Platform, "add"), {"name": "staging"})
    assert not LogEntry.objects.exists()


def test_every_page_forbids_frames_and_caches(console: Client) -> None:
    response = console.get(reverse("admin:index"))
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]


def test_nobody_tells_a_superuser_to_ask_for_a_permission(console: Client, world: World) -> None:
    page = console.get(url(AuditEvent, "add")).content.decode()
    assert "This is not done here, or not by you" in page
    assert "An administrator can give it" not in page


def test_a_post_without_a_token_is_refused_with_a_page(admin: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    response = client.post(url(Platform, "add"), {"name": "staging"})
    assert response.status_code == 403
    assert "open since before your last sign-in" in response.content.decode()


def test_a_stranger_without_a_token_is_refused_with_a_page(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "root"})
    assert response.status_code == 403
    assert "open since before your last sign-in" in response.content.decode()


def send_sign_in(client: Client, **headers: str) -> str:
    token = client.get(LOGIN, headers=headers).context["csrf_token"]
    values = {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": str(token)}
    response = client.post(LOGIN, values, headers=headers)
    return "in" if response.status_code == 302 else response.content.decode()


SETTINGS = ("TRUSTED_PROXIES", "X-Forwarded-Proto", "CSRF_TRUSTED_ORIGINS")


@pytest.mark.parametrize("headers", [{"Origin": "https://testserver"}, {"Origin": "http://testserver:8443"}])
def test_a_form_refused_for_its_origin_names_the_settings(admin: User, headers: dict[str, str]) -> None:
    proxied = {"X-Forwarded-Proto": "https", "Host": "testserver"}
    page = send_sign_in(Client(enforce_csrf_checks=True), **proxied, **headers)
    assert all(name in page for name in SETTINGS)
    assert headers["Origin"] in page
    assert "http://testserver." in page
    assert "open since before your last sign-in" not in page


def test_a_form_of_no_origin_says_to_open_the_page_again(admin: User) -> None:
    page = send_sign_in(Client(enforce_csrf_checks=True), Origin="null")
    assert "open the page again by a link" in page
    assert "came from null" not in page


def test_a_form_refused_for_its_referer_names_the_settings(admin: User) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post(LOGIN, {"username": "root"}, secure=True, headers={"Referer": "https://other.example/a/b?c"})
    page = response.content.decode()
    assert all(name in page for name in SETTINGS)
    assert "https://other.example," in page


def test_a_form_through_the_documented_proxy_is_ours(admin: User, settings: Any) -> None:
    """Host with its port and X-Forwarded-Proto, from a proxy that is named."""
    settings.TRUSTED_PROXIES = ["127.0.0.1/32"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    proxied = {"Host": "testserver:8443", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    headers = proxied | {"Origin": "https://testserver:8443"}
    assert send_sign_in(Client(enforce_csrf_checks=True), **headers) == "in"


def test_a_file_that_nobody_asked_for_is_not_read(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.http.request.HttpRequest.parse_file_upload", pytest.fail)
    client = Client(enforce_csrf_checks=True)
    client.cookies["credservice-csrf"] = "x" * 32
    response = client.post("/admin/login/", {"file": SimpleUploadedFile("file", b"x" * 70_000)})
    assert response.status_code == 413
    assert "more than a form here may hold" in response.content.decode()


def test_an_address_may_not_try_passwords_for_ever(admin: User, trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credservice.accounts.throttle.TRIES_PER_MINUTE", 2)
    tries = [Client().post(LOGIN, {"username": "root", "password": "wrong"}) for _ in range(3)]
    assert [response.status_code for response in tries] == [200, 200, 429]
    assert 1 <= int(tries[-1]["Retry-After"]) <= 60
    assert trail.all(action="user.sign_in")[-1].reason == "too_many_requests"
    assert Client(REMOTE_ADDR="203.0.113.9").post(LOGIN, {"username": "root", "password": PASSWORD}).status_code == 302
