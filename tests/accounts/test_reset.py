"""Help for who has lost the second factor."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from credservice.accounts.sealing import seal_text
from credservice.audit.names import command_actor
from tests.accounts.conftest import sign_in
from tests.conftest import Trail
from tests.support.console import PASSWORD
from tests.support.pages import send


@pytest.fixture
def lost(db: None) -> User:
    """Somebody whose phone is gone."""
    user = User.objects.create_user("lost", password=PASSWORD, is_staff=True)
    Authenticator.objects.create(user=user, type="totp", data={"secret": seal_text("JBSWY3DPEHPK3PXP", user.pk)})
    return user


def page(user: User) -> str:
    return reverse("admin:auth_user_reset-second-factor", args=[user.pk])


def test_an_administrator_resets_it(console: Client, lost: User, trail: Trail):
    assert send(console, page(lost), why="phone stolen", password=PASSWORD).status_code == 302
    assert not Authenticator.objects.filter(user=lost).exists()
    line = trail.one(action="user.second_factor_reset")
    assert (line.actor, line.object_id, line.detail["why"]) == ("user:root", str(lost.pk), "phone stolen")


def test_it_ends_their_sessions(console: Client, lost: User):
    client = Client()
    client.force_login(lost)
    send(console, page(lost), why="phone stolen", password=PASSWORD)
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("sent", [{"why": "", "password": PASSWORD}, {"why": "x", "password": "wrong"}, {"why": "x"}])
def test_it_asks_why_and_for_a_proof(console: Client, lost: User, sent: dict[str, Any]):
    send(console, page(lost), **sent)
    assert Authenticator.objects.filter(user=lost).exists()


def test_nobody_resets_their_own(app: str, console: Client, admin: User):
    assert console.get(page(admin)).status_code == 403
    assert console.post(page(admin), {"why": "x", "password": PASSWORD}).status_code == 403
    assert Authenticator.objects.filter(user=admin).exists()


def test_it_needs_the_right_to_manage_that_account(lost: User, admin: User):
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_user"))
    client = Client()
    client.force_login(clerk)
    assert client.post(page(lost), {"why": "x", "password": PASSWORD}).status_code == 403


def test_an_account_without_one_has_nothing_to_reset(console: Client):
    user = User.objects.create_user("plain", is_staff=True)
    assert "no second factor" in console.get(page(user)).content.decode()


def test_the_command_lets_the_locked_out_in(app: str, admin: User, trail: Trail, capsys: Any):
    call_command("reset_second_factor", "root", "--why", "locked out")
    assert "signs in with the password alone" in capsys.readouterr().out
    assert sign_in(Client())["Location"] == "/admin/"
    line = trail.one(action="user.second_factor_reset")
    assert (line.actor, line.detail["why"]) == (command_actor("reset_second_factor"), "locked out")


def test_the_command_says_so_where_there_is_no_such_account(db: None):
    with pytest.raises(CommandError, match="no account 'nobody'"):
        call_command("reset_second_factor", "nobody")
