"""The one local account that OIDC_ONLY leaves open: what keeps it from helping is told before it is needed."""

import time
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, User
from django.core.checks import Tags, run_checks
from django.test import Client
from django.urls import reverse

from credservice.checks import EMERGENCY, refuse_unsound_start
from tests.support.console import PASSWORD
from tests.support.overview import overview
from tests.support.pages import url

NAME = "break-glass"
ROLES = {"operators": ["Operator"]}
FAULTS = {
    "missing": "there is none of this name",
    "inactive": "it may not sign in",
    "demoted": "it may not administer",
    "without a password": "it has no password",
    "of a provider": "it belongs to a provider, and signs in by that alone",
}


@pytest.fixture
def account(db: None, settings: Any) -> User:
    account = User.objects.create_superuser(NAME, password=PASSWORD)
    settings.OIDC_ONLY, settings.EMERGENCY_ACCOUNT = True, NAME
    corp = {"name": "Corp", "issuer": "https://a.example", "client_id": "x", "roles": ROLES}
    settings.OIDC_PROVIDERS = {"corp": corp}
    settings.OIDC_CLIENT_SECRETS = {"corp": "x"}
    return account


@pytest.fixture
def colleague(admin: User) -> Client:
    """An administrator who came by the provider."""
    SocialAccount.objects.create(user=admin, provider="corp", uid="1")
    client = Client()
    client.force_login(admin)
    session = client.session
    session["provider"] = ("corp", int(time.time()), True)
    session.save()
    return client


def spoil(account: User, how: str) -> None:
    match how:
        case "missing":
            account.delete()
        case "inactive":
            User.objects.filter(pk=account.pk).update(is_active=False)
        case "demoted":
            User.objects.filter(pk=account.pk).update(is_superuser=False)
        case "without a password":
            account.set_unusable_password()
            account.save()
        case "of a provider":
            SocialAccount.objects.create(user=account, provider="corp", uid="2")


@pytest.mark.parametrize("how", FAULTS)
def test_what_is_wrong_with_it_is_told(account: User, colleague: Client, how: str) -> None:
    assert not warnings()
    assert NAME not in needed(colleague)
    spoil(account, how)
    (warning,) = warnings()
    assert warning.msg == f"The emergency account {NAME} is of no use: {FAULTS[how]}."
    assert f"The emergency account {NAME} is of no use: {FAULTS[how]}" in needed(colleague)


def warnings() -> list[Any]:
    return [found for found in run_checks(tags=[Tags.database], databases=["default"]) if found.id == EMERGENCY]


def needed(client: Client) -> str:
    return str([line["sentence"] for line in overview(client).context["needed"]])


def test_check_deploy_tells_it_without_naming_the_database(account: User) -> None:
    spoil(account, "missing")
    found = run_checks(tags=[Tags.security], include_deployment_checks=True)
    assert [each.id for each in found if each.id == EMERGENCY] == [EMERGENCY]


def test_nothing_is_told_where_local_accounts_are_open(account: User, settings: Any) -> None:
    settings.OIDC_ONLY = False
    spoil(account, "missing")
    assert not warnings()


def test_a_start_tells_it_and_goes_on(account: User, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(account, "missing")
    refuse_unsound_start()
    told = capsys.readouterr().err
    assert f"credservice starts, but ({EMERGENCY}): The emergency account {NAME} is of no use" in told
    assert f"createsuperuser --username {NAME}" in told


def test_its_page_says_what_it_is(account: User, colleague: Client, admin: User) -> None:
    assert "This is the emergency account" in colleague.get(url(account)).content.decode()
    assert "This is the emergency account" not in colleague.get(url(admin)).content.decode()
    spoil(account, "without a password")
    assert "It is of no use now: it has no password." in colleague.get(url(account)).content.decode()


@pytest.mark.parametrize("rights", [{"is_superuser": "on"}, {"is_active": "on"}], ids=["deactivated", "demoted"])
def test_it_is_not_taken_out_of_use(account: User, colleague: Client, rights: dict[str, str]) -> None:
    answer = colleague.post(url(account), rights)
    assert "Name another one in the settings first." in answer.content.decode()
    account.refresh_from_db()
    assert (account.is_active, account.is_superuser) == (True, True)


def test_it_may_be_given_the_role_in_place_of_superuser(account: User, colleague: Client) -> None:
    role = Group.objects.get(name="Administrator")
    assert colleague.post(url(account), {"is_active": "on", "groups": [role.pk]}).status_code == 302
    account.refresh_from_db()
    assert not account.is_superuser
    assert not warnings()


def test_no_account_loses_its_password_in_the_console(account: User, colleague: Client) -> None:
    address = reverse("admin:auth_user_password_change", args=[account.pk])
    colleague.post(address, {"usable_password": "false", "unset-password": "1"})
    account.refresh_from_db()
    assert account.check_password(PASSWORD)


def test_the_list_says_of_the_others_that_they_are_shut(account: User, colleague: Client) -> None:
    User.objects.create_user("ann", password=PASSWORD, is_staff=True)
    page = colleague.get(url(User, "changelist")).content.decode()
    assert page.count(">shut<") + page.count("shut\n") == 1
