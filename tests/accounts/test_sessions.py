"""Sessions that end, that a copy of the database does not open, and that their owner can end."""

import json
from datetime import timedelta

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import UpdateError
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credservice.accounts.models import ConsoleSession
from credservice.accounts.sessions import SessionStore
from credservice.accounts.tasks import forget_sessions
from tests.accounts.conftest import ACCOUNT, LOGIN, sign_in
from tests.conftest import Trail
from tests.support.console import PASSWORD
from tests.support.pages import url


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def shift(hours: float) -> None:
    """Let that much time go by for every session."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_consolesession SET started_at = started_at - %(by)s, seen_at = seen_at - %(by)s, "
            "expires_at = expires_at - %(by)s",
            {"by": timedelta(hours=hours)},  # type: ignore[dict-item]
        )


def test_it_ends_when_idle(console: Client):
    shift(0.9)
    assert is_in(console)
    shift(1.1)
    assert not is_in(console)


def test_it_ends_after_its_time_however_busy(console: Client):
    for _ in range(9):
        shift(0.9)
        still = is_in(console)
    assert not still


def test_its_end_does_not_move_when_it_is_saved(console: Client):
    end = ConsoleSession.objects.get().expires_at
    session = console.session
    session["something"] = 1
    session.save()
    assert ConsoleSession.objects.get().expires_at == end


def test_its_row_holds_neither_its_id_nor_its_content(console: Client):
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text, encode(sealed_content, 'escape') FROM accounts_consolesession t")
        row = str(cursor.fetchone())
    assert str(console.session.session_key) not in row
    assert "_auth_user_id" not in row


def test_its_content_does_not_open_in_another_row(console: Client):
    sign_in(other := Client())
    rows = list(ConsoleSession.objects.order_by("started_at"))
    ConsoleSession.objects.filter(pk=rows[0].pk).update(sealed_content=rows[1].sealed_content)
    assert not is_in(console)
    assert is_in(other)


def test_an_ended_one_is_not_brought_back_by_a_late_answer(console: Client):
    store = SessionStore(console.session.session_key)
    store["late"] = 1
    ConsoleSession.objects.all().delete()
    with pytest.raises(UpdateError):
        store.save()
    assert not ConsoleSession.objects.exists()


def test_signing_out_everywhere_ends_the_others(console: Client, admin: User, trail: Trail):
    sign_in(other := Client())
    assert console.post(f"{ACCOUNT}sessions/end/")["Location"] == ACCOUNT
    assert (is_in(console), is_in(other)) == (True, False)
    assert trail.one(action="user.sessions_ended").detail == {"sessions": 1}


def test_a_new_password_ends_the_others(console: Client):
    sign_in(other := Client())
    new = {"old_password": PASSWORD, "new_password1": "quite another one", "new_password2": "quite another one"}
    assert console.post(reverse("admin:password_change"), new).status_code == 302
    assert (is_in(console), is_in(other)) == (True, False)


def test_tries_at_a_new_password_are_limited(console: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("credservice.accounts.throttle.TRIES_PER_MINUTE", 1)
    wrong = {"old_password": "wrong", "new_password1": "quite another one", "new_password2": "quite another one"}
    codes = [console.post(reverse("admin:password_change"), wrong).status_code for _ in range(3)]
    assert codes[-1] == 429


def test_the_page_lists_them(console: Client):
    Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}).post(
        LOGIN, {"username": "root", "password": PASSWORD}
    )
    page = console.get(ACCOUNT).content.decode()
    assert "Firefox on Linux" in page
    assert "(this one)" in page


def test_the_id_changes_at_the_sign_in(admin: User):
    client = Client()
    client.post(LOGIN, {"username": "root", "password": "wrong"})
    planted = SessionStore()
    planted["planted"] = 1
    planted.save()
    client.cookies["credservice-session"] = str(planted.session_key)
    sign_in(client)
    assert client.session.session_key != planted.session_key
    assert not SessionStore().exists(str(planted.session_key))


def test_what_is_past_its_end_is_removed(console: Client):
    ConsoleSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    SessionStore.clear_expired()
    assert not ConsoleSession.objects.exists()


def test_a_sign_in_by_an_account_that_may_not_is_recorded(admin: User, trail: Trail):
    User.objects.update(is_staff=False)
    assert sign_in(Client()).status_code == 200
    assert trail.one(action="user.sign_in").reason == "not_staff"
    assert PASSWORD not in json.dumps([line.detail for line in trail.all()])


def test_what_is_left_of_ended_ones_is_deleted(console: Client):
    shift(1.1)
    later = Client()
    sign_in(later)
    assert ConsoleSession.objects.count() == 2
    forget_sessions(timestamp=0)
    assert ConsoleSession.objects.count() == 1
    assert is_in(later)


def test_nobody_begins_sessions_without_end(client: Client, db: None):
    ask = {"X-Requested-With": "XMLHttpRequest", "Accept": "application/json"}
    answers = [client.get(f"{ACCOUNT}passkey/sign-in/", headers=ask) for _ in range(61)]
    assert [answers[59].status_code, answers[60].status_code] == [200, 429]
    assert int(answers[60]["Retry-After"]) > 0


def test_those_of_a_deactivated_account_do_not_come_back(console: Client):
    bob = User.objects.create_user("bob", password=PASSWORD, is_staff=True)
    his = Client()
    his.force_login(bob)
    assert is_in(his)
    form = {"username": "bob", "groups": []}
    assert console.post(url(bob), form).status_code == 302
    assert not User.objects.get(username="bob").is_active
    (late := Client()).force_login(bob)  # a sign-in that was let in before, and keeps its session only now
    assert console.post(url(bob), form | {"is_active": "on"}).status_code == 302
    assert User.objects.get(username="bob").is_active
    assert (is_in(his), is_in(late)) == (False, False)


@pytest.mark.parametrize(("only", "emergency", "stays"), [(True, "", False), (True, "root", True), (False, "", True)])
def test_those_of_local_accounts_are_deleted_where_they_are_shut(console: Client, settings, only, emergency, stays):
    settings.OIDC_ONLY, settings.EMERGENCY_ACCOUNT = only, emergency
    forget_sessions(0)
    assert ConsoleSession.objects.exists() is stays
    settings.OIDC_ONLY = False
    assert is_in(console) is stays


@pytest.mark.parametrize(("providers", "stays"), [({}, False), ({"corp": {}}, True)])
def test_those_of_a_provider_that_is_gone_are_deleted(console: Client, admin: User, settings, providers, stays):
    SocialAccount.objects.create(user=admin, provider="corp", uid="1")
    settings.OIDC_PROVIDERS = providers
    forget_sessions(0)
    assert ConsoleSession.objects.exists() is stays
