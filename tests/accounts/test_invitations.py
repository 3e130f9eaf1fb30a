"""People are invited by a one-time link: it makes one account, with the roles that were given, and a second factor."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone

from credservice.accounts.invitations import end_invitation, make_invitation
from credservice.accounts.models import Invitation
from tests.conftest import Trail
from tests.support.pages import send, url

PAGE = "/admin/account/invitation/"
OWN = {
    "username": "bob",
    "first_name": "Bob",
    "password1": "a-long-new-pass-phrase",
    "password2": "a-long-new-pass-phrase",
}
ENDED = "This invitation is taken, ended or expired"


def invite(by: User, role: str = "Operator") -> tuple[Invitation, str]:
    roles = Group.objects.filter(name=role)
    return make_invitation(invited="Bob", roles=roles, days=3, by=by, actor=f"user:{by.username}")


def take(code: str, **values: Any) -> tuple[Client, Any]:
    client = Client()
    opened = client.post(PAGE, {"code": code})
    return client, client.post(PAGE, OWN | values) if opened.status_code == 302 else opened


def test_who_is_invited_makes_an_account_and_must_set_up_a_second_factor(console: Client, trail: Trail) -> None:
    role = Group.objects.get(name="Operator")
    shown = send(console, url(Invitation, "add"), invited="Bob", roles=role.pk, days=3).content.decode()
    code = re.findall(rf"http://[^#]+{PAGE}#(csi_\w+)", shown)[0]
    client, answer = take(code)
    bob = User.objects.get(username="bob")
    assert [group.name for group in bob.groups.all()] == ["Operator"]
    assert (answer["Location"], client.get("/admin/")["Location"]) == ("/admin/account/", "/admin/account/")
    made, taken, signed_in = trail.all()[-3:]
    assert (made.action, taken.action, taken.actor) == ("invitation.made", "invitation.taken", "user:bob")
    assert signed_in.action == "user.signed_in"
    assert code not in f"{made.detail}{taken.detail}{console.get(url(Invitation.objects.get())).content.decode()}"


def test_the_second_factor_is_asked_for_at_later_sign_ins_too(admin: User) -> None:
    take(invite(admin)[1])
    client = Client()
    client.post("/admin/login/", {"username": "bob", "password": OWN["password1"]})
    assert client.get("/admin/")["Location"] == "/admin/account/"


def test_it_is_asked_for_as_well_where_somebody_else_was_signed_in(admin: User) -> None:
    _, code = invite(admin)
    client = Client()
    client.force_login(admin)
    client.post(PAGE, {"code": code})
    client.post(PAGE, OWN)
    assert client.get("/admin/")["Location"] == "/admin/account/"


def test_a_name_like_those_of_a_provider_is_refused(admin: User, settings: Any) -> None:
    settings.OIDC_PROVIDERS = {"corp": {}}
    _, answer = take(invite(admin)[1], username="ann@Corp")
    assert "Names that end in @corp are those of people who sign in by that provider." in answer.content.decode()
    assert not User.objects.filter(username="ann@Corp").exists()


@pytest.mark.parametrize("name", ["root", "Root"])
def test_a_name_that_is_taken_is_refused_and_the_invitation_stays(admin: User, name: str) -> None:
    client, answer = take(invite(admin)[1], username=name)
    page = answer.content.decode()
    assert answer.context["form"].errors == {"username": ["This is taken already: write another."]}
    assert f'value="{name}"' in page
    assert 'value="Bob"' in page
    assert OWN["password1"] not in page
    assert client.post(PAGE, OWN)["Location"] == "/admin/account/"


def test_a_link_works_once(admin: User, trail: Trail) -> None:
    _, code = invite(admin)
    first = Client()
    first.post(PAGE, {"code": code})
    take(code)
    assert ENDED in first.post(PAGE, OWN | {"username": "carol"}).content.decode()
    assert ENDED in take(code)[1].content.decode()
    assert not User.objects.filter(username="carol").exists()
    assert trail.one(action="invitation.open").reason == "unknown_or_ended"


@pytest.mark.parametrize("way", ["ended", "expired", "host_demoted", "host_gone", "host_away", "only_by_provider"])
def test_an_invitation_ends(admin: User, settings: Any, way: str) -> None:
    made, code = invite(admin)
    client = Client()
    client.post(PAGE, {"code": code})
    match way:
        case "ended":
            end_invitation(invitation=made, actor="user:root")
        case "expired":
            Invitation.objects.update(expires_at=timezone.now())
        case "host_demoted":
            User.objects.update(is_superuser=False)
        case "host_gone":
            User.objects.update(is_active=False)
        case "host_away":  # perhaps no longer in the provider's directory
            SocialAccount.objects.create(user=admin, provider="corp", uid="of-root")
            long_ago = timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
            User.objects.update(last_login=long_ago)
        case "only_by_provider":
            settings.OIDC_ONLY = True
    client.post(PAGE, OWN)
    assert not User.objects.filter(username="bob").exists()


def test_those_of_a_deactivated_account_end_for_good(console: Client, trail: Trail) -> None:
    host = User.objects.create_superuser("host", password="x")
    made, code = invite(host)
    form = {"username": "host", "is_superuser": "on"}
    assert console.post(url(host), form).status_code == 302
    made.refresh_from_db()
    assert made.state == "ended"
    assert trail.one(action="invitation.ended").actor == "user:root"
    console.post(url(host), form | {"is_active": "on"})
    assert User.objects.get(username="host").is_active
    assert ENDED in take(code)[1].content.decode()


def test_a_link_of_a_maker_who_is_gone_opens_nothing(admin: User) -> None:
    code = invite(admin)[1]
    User.objects.update(is_active=False)
    assert ENDED in Client().post(PAGE, {"code": code}).content.decode()


def test_a_weak_password_is_refused_and_the_invitation_stays(admin: User) -> None:
    _, code = invite(admin)
    client, answer = take(code, password1="bob", password2="bob")
    assert "This password is too short" in answer.content.decode()
    assert client.post(PAGE, OWN)["Location"] == "/admin/account/"


def test_passwords_that_differ_and_are_too_short_are_told_as_both(admin: User) -> None:
    _, answer = take(invite(admin)[1], password1="short", password2="other")
    errors = answer.context["form"].errors
    assert errors["password1"][0].startswith("This password is too short.")
    assert errors["password2"] == ["The two password fields didn\u2019t match."]


def test_nobody_is_invited_twice_at_once(console: Client, admin: User) -> None:
    """The second link would stay good when the first is taken."""
    first, _ = invite(admin)
    values = {"roles": Group.objects.get(name="Operator").pk, "days": 3}
    answer = send(console, url(Invitation, "add"), invited="BOB", **values).content.decode()
    assert f'href="{url(first)}"' in answer
    assert "is open already: end it first." in answer
    assert Invitation.objects.count() == 1
    end_invitation(invitation=first, actor="user:root")
    assert send(console, url(Invitation, "add"), invited="BOB", **values).status_code == 200
    assert Invitation.objects.open().get().invited == "BOB"


def test_nobody_gives_more_than_their_own_account_may(admin: User) -> None:
    host = User.objects.create_user("host", is_staff=True)
    host.user_permissions.add(Permission.objects.get(codename="add_invitation"))
    client = Client()
    client.force_login(host)
    role = Group.objects.get(name="Secrets manager")
    answer = send(client, url(Invitation, "add"), invited="me", roles=role.pk, days=3)
    assert "You may not give Secrets manager" in answer.content.decode()
    assert not Invitation.objects.exists()


def test_the_form_says_to_an_administrator_why_it_is_shut(console: Client, admin: User, settings: Any) -> None:
    settings.OIDC_ONLY, settings.EMERGENCY_ACCOUNT = True, admin.username
    answer = console.get(url(Invitation, "add"))
    assert (answer.status_code, "Nobody is invited while OIDC_ONLY is on" in answer.content.decode()) == (403, True)
    assert "An administrator can give it the permission" not in answer.content.decode()
