"""Operators come by OpenID Connect: against a real provider, over HTTP."""

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from credservice.adminkit.sentences import plain_sentence
from credservice.console.accounts.ways_in import ways_in
from tests.accounts.conftest import add_app, sign_in, totp
from tests.accounts.oidc.conftest import OURS, SIGN_IN, Browser
from tests.conftest import Trail
from tests.support.console import PASSWORD
from tests.support.oidc import Provider

ANN = "ann@corp"


def names(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def test_the_first_sign_in_makes_an_account_with_the_roles_of_its_groups(
    provider: Provider, browser: Browser, trail: Trail
) -> None:
    assert browser.through(f"{SIGN_IN}?next=/admin/exchange/grant/")["Location"] == "/admin/exchange/grant/"
    user = User.objects.get(username=ANN)
    assert (names(user), user.is_superuser, user.has_usable_password()) == ({"Operator"}, False, False)
    lines = {line.action: line for line in trail.all()}
    assert set(lines) == {"user.joined", "user.roles_set", "user.signed_in"}
    assert lines["user.signed_in"].detail == {"provider": "corp"}


def test_a_local_account_of_the_same_address_is_not_touched(provider: Provider, browser: Browser, admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(email="root@example.com")
    User.objects.create_user(ANN, "root@example.com", PASSWORD)
    browser.through()
    assert SocialAccount.objects.get().user.username == "ann-2@corp"


def test_roles_are_set_anew_at_each_sign_in(provider: Provider, browser: Browser, trail: Trail) -> None:
    browser.through()
    user = User.objects.get(username=ANN)
    user.groups.add(Group.objects.get(name="Administrator"))
    provider.tell("ann", claims={"groups": ["cred-secrets"]})
    browser.through()
    assert names(user) == {"Secrets manager"}
    assert trail.all(action="user.roles_set")[-1].detail["from"] == ["Administrator", "Operator"]


@pytest.mark.parametrize("groups", [["all-staff"], [], None, {"cred-ops": True}, "cred", 7])
def test_groups_without_a_role_open_nothing(provider: Provider, browser: Browser, trail: Trail, groups: Any) -> None:
    provider.tell("ann", claims={"groups": groups})
    assert "Your groups have no role here" in browser.page(browser.through())
    assert not User.objects.exists()
    assert trail.one(action="user.sign_in").reason == "no_role"


def test_an_administrator_sees_which_groups_to_map(provider: Provider, browser: Browser, trail: Trail) -> None:
    long, unseen = "g" * 300, "all\u202estaff"
    provider.tell("ann", claims={"groups": ["all-staff", unseen, 7, long, *(f"team-{n}" for n in range(40))]})
    page = browser.page(browser.through())
    assert "Ask an administrator of this service to give one of them a role" in page
    assert "those that Corp told just now." in page
    shown = ["all-staff", "g" * 200, *(f"team-{n}" for n in range(17))]
    told = {"provider": "corp", "groups_claim": "groups", "groups": shown, "more": 23}
    line = trail.one(action="user.sign_in")
    assert line.detail == told | {"name_by_provider": "ann"}
    assert plain_sentence(line) == "ann was refused by Corp: none of their groups has a role"


def test_who_was_turned_away_is_found_by_the_name(provider: Provider, browser: Browser, console: Client) -> None:
    provider.tell("ann", claims={"groups": ["all-staff", "team-1"]})
    browser.through()
    (line,) = console.get(reverse("admin:audit_auditevent_changelist"), {"q": "ann"}).context["cl"].result_list
    page = console.get(reverse("admin:audit_auditevent_change", args=[line.pk])).content.decode()
    assert "Said by the provider" in page
    assert "all-staff, team-1" in page


def test_the_groups_that_are_shown_are_bounded_together(provider: Provider, browser: Browser, trail: Trail) -> None:
    provider.tell("ann", claims={"groups": [f"{n:02}{'g' * 198}" for n in range(20)]})
    browser.through()
    detail = trail.one(action="user.sign_in").detail
    assert sum(map(len, detail["groups"])) == 2000
    assert (len(detail["groups"]), detail["more"]) == (10, 10)


def test_whoever_loses_the_groups_loses_roles_and_sessions(provider: Provider, browser: Browser, trail: Trail) -> None:
    elsewhere = Browser()
    elsewhere.through()
    browser.through()
    provider.tell("ann", claims={"groups": ["all-staff"]})
    browser.through()
    assert names(User.objects.get(username=ANN)) == set()
    told = {"provider": "corp", "groups_claim": "groups", "groups": ["all-staff"]}
    assert trail.one(action="user.sign_in").detail == told
    assert elsewhere.get("/admin/")["Location"].startswith("/admin/login/")


def test_only_an_explicit_mapping_makes_a_superuser(provider: Provider, browser: Browser, settings: Any) -> None:
    settings.OIDC_PROVIDERS = provider.settings(roles={"cred-ops": ["Superuser"]})
    browser.through()
    assert User.objects.get(username=ANN).is_superuser
    settings.OIDC_PROVIDERS = provider.settings()
    browser.through()
    assert not User.objects.get(username=ANN).is_superuser


def test_a_deactivated_account_stays_out(provider: Provider, browser: Browser, trail: Trail) -> None:
    browser.through()
    User.objects.update(is_active=False)
    assert browser.through()["Location"] == "/admin/login/"
    assert trail.one(action="user.sign_in").reason == "not_staff"


def test_the_alias_of_another_issuer_finds_nobodys_account(provider: Provider, browser: Browser, settings: Any) -> None:
    browser.through()
    SocialAccount.objects.update(uid="as another issuer's subject was digested")
    browser.through()
    assert User.objects.count() == 2


def test_an_answer_counts_once_and_in_its_own_browser_alone(provider: Provider, browser: Browser) -> None:
    url = browser.get(SIGN_IN)["Location"]
    back = browser.person.answer(url, "ann", OURS).removeprefix(OURS)
    assert Client().get(back)["Location"] == "/admin/login/"
    assert browser.get(back)["Location"] == "/admin/"
    assert Client().get(back)["Location"] == "/admin/login/"


def test_an_answer_to_another_request_is_refused(provider: Provider, browser: Browser, trail: Trail) -> None:
    url = browser.get(SIGN_IN)["Location"]
    state = url.partition("state=")[2].partition("&")[0]
    stolen = browser.get(SIGN_IN)["Location"]
    nonce = stolen.partition("nonce=")[2].partition("&")[0]
    assert state not in stolen
    swapped = url.replace(url.partition("nonce=")[2].partition("&")[0], nonce)
    assert "answers another request" in browser.page(browser.come_back(swapped))
    assert trail.one(action="user.sign_in").reason == "provider"


def test_somebody_who_cancels_is_told_so(provider: Provider, browser: Browser) -> None:
    assert "Corp did not sign you in: you cancelled it." in browser.page(browser.through(account="nobody"))


def test_a_provider_that_is_another_than_the_settings_say_is_refused(
    provider: Provider, browser: Browser, settings: Any
) -> None:
    settings.OIDC_PROVIDERS = provider.settings(issuer=provider.issuer.replace("127.0.0.1", "localhost"))
    assert "names another issuer than the settings" in browser.page(browser.get(SIGN_IN))


def test_a_wrong_client_secret_is_told_without_it(provider: Provider, browser: Browser, settings: Any) -> None:
    settings.OIDC_CLIENT_SECRETS = {"corp": "a-wrong-one"}
    page = browser.page(browser.through())
    assert "it gave no token (invalid_client)" in page
    assert "a-wrong-one" not in page


def test_the_second_factor_is_ours_unless_the_settings_take_the_providers(
    provider: Provider, browser: Browser, settings: Any
) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    provider.tell("ann", amr=["pwd", "otp"])
    browser.through()
    assert browser.get("/admin/")["Location"] == "/admin/account/"
    user = User.objects.get(username=ANN)
    assert ways_in(user)[1] == "none yet"
    settings.OIDC_PROVIDERS = provider.settings(second_factor={"amr": ["otp"]})
    assert ways_in(user)[1] == "none yet"
    again = Browser()
    assert again.get(again.through()["Location"]).status_code == 200
    assert ways_in(user)[1] == "the provider's"
    provider.tell("ann", amr=["pwd"])
    Browser().through()
    assert ways_in(user)[1] == "none yet"


def test_a_weaker_sign_in_there_does_not_count_as_a_second_factor(
    provider: Provider, browser: Browser, settings: Any
) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    settings.OIDC_PROVIDERS = provider.settings(second_factor={"amr": ["otp"], "acr": ["urn:example:mfa"]})
    provider.tell("ann", amr=["pwd"])
    browser.through()
    assert browser.get("/admin/")["Location"] == "/admin/account/"


def test_the_user_info_of_another_person_is_refused(provider: Provider, browser: Browser, trail: Trail) -> None:
    provider.tell("ann", userinfo={"sub": "eve", "groups": ["cred-admins"]})
    assert "its user info is another user&#x27;s than its ID token" in browser.page(browser.through())
    assert not User.objects.exists()
    assert trail.one(action="user.sign_in").reason == "provider"


def test_the_user_info_proves_no_second_factor(provider: Provider, browser: Browser, settings: Any) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    settings.OIDC_PROVIDERS = provider.settings(second_factor={"amr": ["otp"], "acr": ["urn:example:mfa"]})
    said = {"amr": ["otp"], "acr": "urn:example:mfa"}  # where its users may write it into their profiles
    provider.tell("ann", userinfo=said)
    browser.through()
    assert User.objects.filter(username=ANN).exists()
    assert browser.get("/admin/")["Location"] == "/admin/account/"


def test_an_own_second_factor_is_asked_for_after_the_provider(
    stopped_clock: None, provider: Provider, browser: Browser
) -> None:
    browser.through()
    secret = add_app(browser)
    other = Browser()
    other.person = browser.person
    assert other.through()["Location"] == "/admin/account/second-step/"
    assert other.get("/admin/")["Location"].startswith("/admin/login/")
    assert other.post("/admin/account/second-step/", {"code": totp(secret, 1)}).status_code in (200, 302)


@pytest.fixture
def only(provider: Provider, settings: Any, admin: User) -> Any:
    settings.OIDC_ONLY, settings.EMERGENCY_ACCOUNT = True, "break-glass"
    return settings


def test_only_by_the_provider_but_for_the_account_for_emergencies(only: Any, admin: User, trail: Trail) -> None:
    local = Client()
    page = sign_in(local).content.decode()
    assert "This account may not sign in here, or not in this way." in page
    assert "open no account here" not in page
    assert trail.one(action="user.sign_in").reason == "only_by_provider"
    wrong = local.post("/admin/login/", {"username": "root", "password": "a wrong password"}).content.decode()
    assert "open no account here" in wrong
    assert "may not sign in here" not in wrong
    only.EMERGENCY_ACCOUNT = "root"
    assert sign_in(local)["Location"] == "/admin/"


def test_open_sessions_end_when_their_way_in_is_closed(provider: Provider, settings: Any, admin: User) -> None:
    local, browser = Client(), Browser()
    sign_in(local)
    browser.through()
    settings.OIDC_ONLY, settings.EMERGENCY_ACCOUNT = True, "break-glass"
    assert (local.get("/admin/").status_code, browser.get("/admin/").status_code) == (302, 200)
    settings.OIDC_PROVIDERS = {}
    assert browser.get("/admin/").status_code == 302


def test_an_account_of_a_provider_gets_no_password(provider: Provider, browser: Browser, admin: User) -> None:
    browser.through()
    user = User.objects.get(username=ANN)
    local = Client()
    sign_in(local)
    assert local.post(f"/admin/auth/user/{user.pk}/password/", {"password1": PASSWORD}).status_code == 403
    assert "New password" not in local.get(f"/admin/auth/user/{user.pk}/change/").content.decode()
    user.set_password(PASSWORD)  # even with one
    user.save()
    response = Client().post("/admin/login/", {"username": ANN, "password": PASSWORD})
    assert response["Location"] == "/admin/login/"
