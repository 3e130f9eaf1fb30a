"""Holds each role to what it may open and do; gives roles to accounts."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from credservice.console.roles import ADMINISTRATOR, ROLES, TABLE, Role, permissions_of, update_roles
from tests.conftest import Trail
from tests.support.console import World
from tests.support.doors import LETTERS, doors, furnish, is_open, role_client
from tests.support.pages import url
from tests.support.role_table import ROWS

NAMES = [role.name for role in ROLES]


def test_every_page_and_action_has_its_line() -> None:
    assert sorted(ROWS) == doors()


@pytest.mark.parametrize("role", NAMES)
def test_a_role_opens_what_its_table_says(world: World, role: str) -> None:
    furnish()
    client = role_client(role)
    wrong = [door for door, allowed in ROWS.items() if is_open(client, door) != (LETTERS[role] in allowed)]
    assert wrong == []


@pytest.mark.parametrize("role", NAMES)
def test_no_page_shows_a_button_that_is_denied(world: World, role: str) -> None:
    client = role_client(role)
    for obj in (world.credential, world.secret, world.platform, world.end_user, world.installation, world.trusted_key):
        for link in client.get(url(obj)).context["page_links"]:
            assert client.get(link["path"]).status_code == 200, link["path"]


def test_a_denied_page_can_be_read_and_is_recorded(world: World, trail: Trail) -> None:
    answer = role_client("Operator").get(url(world.credential, "reveal"))
    assert answer.status_code == 403
    assert "Your account may not do this" in answer.content.decode()
    line = trail.one(action="console.page")
    assert (line.actor, line.outcome, line.object_id) == ("user:a Operator", "refused", str(world.credential.pk))
    assert line.detail["page"] == "credentials_credential_reveal"


def test_every_permission_of_the_table_exists(db: None) -> None:
    existing = set(Permission.objects.values_list("content_type__app_label", "codename"))
    missing = [name for role in ROLES[:-1] for name in permissions_of(role) - existing]
    assert missing == []


def test_every_model_of_the_console_has_its_row(db: None) -> None:
    from django.contrib import admin

    assert sorted(model._meta.label_lower for model in admin.site._registry) == sorted(TABLE)


def test_a_migration_puts_a_role_right_and_says_so(db: None, trail: Trail) -> None:
    viewer = Group.objects.get(name="Viewer")
    viewer.permissions.add(Permission.objects.get(codename="reveal_credential"))
    update_roles()
    update_roles()
    assert not viewer.permissions.filter(codename="reveal_credential").exists()
    line = trail.one(action="group.changed")
    assert (line.actor, line.detail["taken"]) == ("migrate", ["credentials.reveal_credential"])


def test_the_command_migrate_puts_a_role_right(db: None, trail: Trail) -> None:
    operator = Group.objects.get(name="Operator")
    operator.permissions.set(Permission.objects.filter(codename="reveal_credential"))
    call_command("migrate", verbosity=0)
    assert not operator.permissions.filter(codename="reveal_credential").exists()
    assert operator.permissions.filter(codename="rotate_credential").exists()
    assert trail.one(action="group.changed").object_id == str(operator.pk)


def test_the_account_page_says_what_each_role_may_do(console: Client, admin: User) -> None:
    page = console.get(url(User.objects.create_user("clerk"))).content.decode()
    assert "Runs the service by day and night" in page
    assert "Can change log entry" not in page


@pytest.mark.parametrize("role", ROLES[:-1], ids=lambda role: role.name)
def test_the_roles_text_names_what_it_may_not_look_at(role: Role) -> None:
    column = ROLES.index(role)
    unseen = [model for model, columns in TABLE.items() if "view" not in columns[column].split()]
    words = {
        "auth.user": "accounts",
        "accounts.invitation": "invitations",
        "vendor_api.servicetoken": "service tokens",
        "console.approval": "approvals",
        "console.bulkrun": "bulk work",
        "console.foureyes": "acts that need a second person",
    }
    text = f"{role.may} {role.may_not}"
    sees = text.partition("Looks at everything but" if role.name == "Viewer" else "Does not see")[2].partition(";")[0]
    assert {model for model, word in words.items() if word in sees} == set(unseen)


@pytest.mark.parametrize("role", NAMES)
def test_everybody_reads_what_roles_may_do_and_who_may_look_at_accounts_who_has_them(world: World, role: str) -> None:
    User.objects.create_user("zoe").groups.add(Group.objects.get(name="Viewer"))
    client = role_client(role)
    page = client.get(url(Group.objects.get(name="Viewer"))).content.decode()
    assert "Looks at everything but" in page
    assert ("zoe" in page) == (role in ("Auditor", ADMINISTRATOR))
    shown = client.get(url(Group, "changelist")).context["cl"].list_display
    assert ("people" in shown) == (role in ("Auditor", ADMINISTRATOR))
    assert ROLES[NAMES.index(role)].may in client.get("/admin/account/").content.decode()


def test_an_administrator_gives_roles_and_it_is_recorded(world: World, trail: Trail) -> None:
    clerk, operator = User.objects.create_user("clerk", is_staff=True), Group.objects.get(name="Operator")
    role_client(ADMINISTRATOR).post(url(clerk), {"is_active": "on", "groups": [operator.pk]})
    assert list(clerk.groups.all()) == [operator]
    line = trail.one(action="user.changed", object_id=str(clerk.pk))
    assert (line.actor, line.detail["changes"]["groups"]["to"]) == ("user:a Administrator", ["Operator"])


def test_nobody_gives_more_than_he_has(world: World) -> None:
    manager = User.objects.create_user("manager", is_staff=True)
    manager.groups.add(Group.objects.get(name="Viewer"))
    manager.user_permissions.set(Permission.objects.filter(content_type__app_label="auth", codename__endswith="user"))
    client, clerk = Client(), User.objects.create_user("clerk", is_staff=True)
    client.force_login(manager)
    wanted = {name: Group.objects.get(name=name).pk for name in ("Viewer", "Operator")}
    page = client.post(url(clerk), {"is_active": "on", "groups": list(wanted.values())}).content.decode()
    assert "You may not give or take Operator" in page
    assert not clerk.groups.exists()
    client.post(url(clerk), {"is_active": "on", "groups": [wanted["Viewer"]]})
    assert clerk.groups.get().name == "Viewer"


def test_an_administrator_makes_nobody_a_superuser(world: World) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    role_client(ADMINISTRATOR).post(url(clerk), {"is_active": "on", "is_superuser": "on"})
    clerk.refresh_from_db()
    assert not clerk.is_superuser


@pytest.mark.parametrize("change", [{}, {"groups": "Viewer", "is_active": "on"}])
def test_the_last_administrator_stays(world: World, change: dict[str, str]) -> None:
    clerk = User.objects.create_user("last", is_staff=True)
    clerk.groups.add(Group.objects.get(name=ADMINISTRATOR))
    manager = User.objects.create_user("manager", is_staff=True)
    manager.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(manager)
    values = {key: Group.objects.get(name=value).pk if key == "groups" else value for key, value in change.items()}
    assert "This is the last administrator" in client.post(url(clerk), values).content.decode()
    clerk.refresh_from_db()
    assert clerk.is_active
    assert clerk.groups.get().name == ADMINISTRATOR


def test_one_of_two_administrators_can_go(console: Client, admin: User) -> None:
    other = User.objects.create_user("other", is_staff=True)
    other.groups.add(Group.objects.get(name=ADMINISTRATOR))
    assert console.post(url(other), {}).status_code == 302
    other.refresh_from_db()
    assert not other.is_active


def test_a_role_is_not_edited_by_hand(console: Client) -> None:
    viewer = Group.objects.get(name="Viewer")
    page = console.get(url(viewer)).content.decode()
    assert "Can view credential" in page
    assert console.post(url(viewer), {"name": "Viewer"}).status_code == 403


def test_an_address_of_another_lists_action_is_denied(world: World) -> None:
    data = {"action": "revoke", "_selected_action": [str(world.credential.pk)]}
    client = role_client("Viewer")
    assert client.post(reverse("admin:credentials_credential_changelist"), data).status_code == 403
