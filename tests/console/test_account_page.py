"""Reads an account's page: the service's own words, and how somebody signs in."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from tests.support.doors import role_client
from tests.support.pages import url

DJANGOS = ("Groups", "Staff status", "Superuser status", "User permissions", "Designates", "Date joined")


@pytest.fixture
def ann(db):
    ann = User.objects.create_user("ann", password="a long enough password", is_staff=True)
    ann.groups.set(Group.objects.filter(name="Viewer"))
    return ann


@pytest.fixture
def auditor(db):
    """May look at accounts, and change none."""
    user = User.objects.create_user("auditor", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_user"))
    client = Client()
    client.force_login(user)
    return client


def facts(client, user):
    return {fact.name: fact.value for fact in client.get(url(user)).context["header"].facts}


@pytest.mark.parametrize("who", ["console", "auditor"])
def test_it_speaks_the_services_words(request, ann, who):
    page = request.getfixturevalue(who).get(url(ann)).content.decode()
    assert [word for word in DJANGOS if word in page] == []
    for word in ("User name", "May sign in", "Roles", "Last sign-in", "Viewer"):
        assert word in page


@pytest.mark.parametrize("role", ["Administrator", "Auditor"])
def test_a_superusers_page_says_so_to_who_is_none(ann, role):
    ann.is_superuser = True
    ann.save()
    answer = role_client(role).get(url(ann))
    page = answer.content.decode()
    assert re.search(r"Roles.*?Superuser: everything", page, re.DOTALL)
    assert 'name="groups"' not in page
    assert 'name="is_superuser"' not in page
    told = {fact.name: fact.value for fact in answer.context["header"].facts}.get("Changes")
    assert told == ("only by an account that may do all that this one may" if role == "Administrator" else None)


def test_a_superuser_edits_a_superuser(console, ann):
    ann.is_superuser = True
    ann.save()
    page = console.get(url(ann)).content.decode()
    assert 'name="is_superuser"' in page
    assert "Superuser: everything" not in page
    assert "Changes" not in facts(console, ann)


def test_it_says_how_somebody_signs_in(console, ann):
    assert facts(console, ann)["Signs in by"] == "password"
    assert facts(console, ann)["Second factor"] == "none yet"
    for kind in (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN, Authenticator.Type.RECOVERY_CODES):
        Authenticator.objects.create(user=ann, type=kind, data={})
    assert facts(console, ann)["Signs in by"] == "password or passkey"
    assert facts(console, ann)["Second factor"] == "authenticator app, 1 passkey, recovery codes"


def test_it_names_the_provider(console, ann, settings):
    settings.OIDC_PROVIDERS = {"corp": {"name": "Corp"}}
    SocialAccount.objects.create(user=ann, provider="corp", uid="1")
    assert facts(console, ann)["Signs in by"] == "OpenID Connect: Corp"
    assert facts(console, ann)["Second factor"] == "none yet"
    settings.OIDC_PROVIDERS = {}
    assert facts(console, ann)["Signs in by"] == "OpenID Connect: corp, which the settings name no more"


def test_it_says_whose_second_factor_is_asked_for(console, ann, settings):
    account = SocialAccount.objects.create(user=ann, provider="corp", uid="1", extra_data={"second_factor": True})
    settings.OIDC_PROVIDERS = {"corp": {"name": "Corp", "second_factor": {"amr": ["otp"]}}}
    assert facts(console, ann)["Second factor"] == "the provider's"
    settings.OIDC_PROVIDERS = {"corp": {"name": "Corp"}}  # counts no more
    assert facts(console, ann)["Second factor"] == "none yet"
    settings.OIDC_PROVIDERS = {"corp": {"name": "Corp", "second_factor": {"amr": ["otp"]}}}
    account.extra_data = {"second_factor": False}
    account.save()
    Authenticator.objects.create(user=ann, type=Authenticator.Type.TOTP, data={})
    assert facts(console, ann)["Second factor"] == "authenticator app"


def test_it_says_where_the_password_opens_nothing(console, ann, settings):
    settings.OIDC_ONLY, settings.EMERGENCY_ACCOUNT = True, "root"
    assert "shut" in facts(console, ann)["Signs in by"]


def test_it_says_that_roles_come_from_the_providers_groups(console, ann, settings):
    settings.OIDC_PROVIDERS = {"corp": {"name": "Corp"}}
    assert "Roles" not in facts(console, ann)
    SocialAccount.objects.create(user=ann, provider="corp", uid="1")
    assert "from the provider's groups" in facts(console, ann)["Roles"]


NEW = {"usable_password": "true", "password1": "Tr0ub4dor&3-horse", "password2": "Tr0ub4dor&3-horse"}


def test_while_local_accounts_are_shut_none_is_added_but_for_emergencies(console, settings):
    settings.OIDC_ONLY, settings.EMERGENCY_ACCOUNT = True, "root"
    settings.EMERGENCY_ACCOUNT = "break-glass"
    User.objects.filter(username="root").update(username="break-glass")
    assert "only break-glass can be added here" in console.get("/admin/auth/user/add/").content.decode()
    page = console.post("/admin/auth/user/add/", NEW | {"username": "bob"}).content.decode()
    assert "no other account could sign in" in page
    assert not User.objects.filter(username="bob").exists()


def test_otherwise_accounts_are_added(console):
    assert "OIDC_ONLY" not in console.get("/admin/auth/user/add/").content.decode()
    console.post("/admin/auth/user/add/", NEW | {"username": "bob"})
    assert User.objects.get(username="bob").is_staff
