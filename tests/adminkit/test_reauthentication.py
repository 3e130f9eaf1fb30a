"""Asks an old session for a proof: what lets somebody in, shows a secret, or changes or ends what is handed out."""

import re
import time
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from credservice.accounts.sessions import STARTED
from credservice.adminkit.models import FourEyes
from credservice.audit.models import AuditEvent
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.events.models import EventEndpoint
from credservice.keys.models import SigningKey, SigningSecret
from credservice.vendor_api.models import ServiceToken
from exchange.models import EndUser, Installation, Integration, Platform, UnsettledEndUser
from exchange.models.refused_calls import RefusedCall
from exchange.signatures.verify import Profile
from provisioning.models import LiveKey, Marketplace, Product, TrustedKey
from tests.console.test_signature_debugger import call, headers_of
from tests.support.console import CANARY, PASSWORD
from tests.support.doors import role_client
from tests.support.pages import ask_bulk, url

CONFIRM = "/admin/account/confirm/"
ADDED = (
    ServiceToken,
    SigningKey,
    EventEndpoint,
    CredentialPolicy,
    Platform,
    Integration,
    Marketplace,
    Product,
    TrustedKey,
    User,
    EndUser,
    Installation,
)


def age(client, seconds=601):
    """As if the session had begun so long ago, with no proof since."""
    session = client.session
    session[STARTED] = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    session.pop("account_authentication_methods", None)
    session.save()


@pytest.fixture
def console(console):
    age(console)
    return console


def is_asked(answer, address):
    where = urlsplit(answer.headers.get("Location", ""))
    return answer.status_code == 302 and where.path == CONFIRM and parse_qs(where.query) == {"next": [address]}


def is_shown_again(answer, *typed):
    """The form, with what was typed, and a link to the proof; and nothing done."""
    page = answer.content.decode()
    assert (answer.status_code, "Nothing is saved yet" in page) == (200, True)
    assert f"{CONFIRM}?next=" in page
    return all(text in page for text in typed)


def pages(world):
    secrets, trusted, live = world.platform.secrets, world.trusted_key, world.live_key
    return [
        url(secrets, "new-secret"),
        url(trusted, "enable"),
        url(live, "allow"),
        *(url(thing, page) for thing in (world.platform, world.marketplace) for page in ("first-steps",)),
        url(world.integration, "shape"),
        url(world.credential, "rotate"),
        url(world.credential, "revoke"),
        url(world.grant, "withdraw"),
        url(world.secret, "retire"),
        url(world.end_user, "rebind"),
        url(UnsettledEndUser.objects.create(platform=world.platform, external_id="lost"), "created"),
        reverse("admin:exchange_platform_first-steps-start"),
        reverse("admin:provisioning_marketplace_first-steps-start"),
        reverse("admin:auth_user_password_change", args=[User.objects.create_user("bob", is_staff=True).pk]),
    ]


def changed(world):
    FourEyes.objects.get_or_create(pk=1)
    bob = User.objects.create_user("carol", is_staff=True)
    kept = [world.platform, world.integration, world.marketplace, world.product, world.trusted_key, world.policy]
    kept += [world.end_user, world.installation]
    return [*kept, bob, FourEyes.objects.get()]


@pytest.mark.parametrize("model", ADDED, ids=lambda model: model.__name__)
def test_adding_asks_first(console, world, model):
    count = model.objects.count()
    assert is_asked(console.get(url(model, "add")), url(model, "add"))
    assert is_shown_again(console.post(url(model, "add"), {"name": "new"}))
    assert model.objects.count() == count


def test_ending_many_asks_first_as_ending_one_does(console, world):
    address = ask_bulk(console, Credential, "revoke", [world.credential])
    assert is_asked(console.get(address), address)
    assert is_shown_again(console.post(address, {"why": "it was printed"}))
    world.credential.refresh_from_db()
    assert world.credential.state == "active"
    suspending = ask_bulk(console, EndUser, "suspend", [world.end_user])
    assert console.get(suspending).status_code == 200


def test_its_pages_ask_first(console, world):
    count = SigningSecret.objects.count()
    for address in pages(world):
        assert is_asked(console.get(address), address), address
        late = console.post(address, {"source": "generate", "overlap": "0"})
        assert is_asked(late, address) or is_shown_again(late), address
    assert SigningSecret.objects.count() == count


def test_a_change_asks_first_and_a_look_does_not(console, world):
    for obj in changed(world):
        page = console.get(url(obj))
        assert page.status_code == 200, obj
        assert not page.context["has_change_permission"]
        assert f"{CONFIRM}?next=" in page.content.decode()
        assert is_shown_again(console.post(url(obj), {"is_superuser": "on"})), obj


def test_the_debugger_shows_why_and_asks_before_it_sets(console, client, world):
    call(client, headers_of(Profile(), at=int(time.time()) - 350))
    address = f"{url(world.platform, 'debugger')}?call={RefusedCall.objects.get().pk}"
    page = console.get(address).content.decode()
    assert "Set tolerance to 420 s" in page
    assert CANARY not in page
    assert console.post(url(world.platform, "debugger"), {"pasted": "POST / HTTP/1.1"}).status_code == 200
    sent = {name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in ("settings", "form_id")}
    assert is_asked(console.post(address, sent), address)
    assert Platform.objects.get().tolerance_seconds == 300


def test_nothing_is_changed_without_it(console, world):
    world.platform.refresh_from_db()
    console.post(url(world.platform), {"tolerance_seconds": "3600", "source_networks": ""})
    LiveKey.objects.update(is_denied=True)
    console.post(url(world.live_key, "allow"))
    assert Platform.objects.get().require_signature
    assert LiveKey.objects.get().is_denied


def test_no_time_is_stretched_without_it(console, world):
    values = {"overlap": "240h", "stale_for": "1h", "options-names": "apiKey"}
    console.post(url(world.policy), values)
    assert CredentialPolicy.objects.get(pk=world.policy.pk).overlap == world.policy.overlap
    age(console, 0)
    assert console.post(url(world.policy), values).status_code == 302
    assert CredentialPolicy.objects.get(pk=world.policy.pk).overlap == timedelta(hours=240)


def test_a_proof_leads_back_and_is_good_for_its_time(console, world, settings):
    address = url(world.platform.secrets, "new-secret")
    asked = console.get(address)["Location"]
    assert console.post(asked, {"password": PASSWORD})["Location"] == address
    assert console.get(address).status_code == 200
    settings.PROOF_SECONDS = 0
    assert is_asked(console.get(address), address)


def test_a_wrong_password_is_no_proof(console, world):
    address = url(ServiceToken, "add")
    assert console.post(f"{CONFIRM}?next={address}", {"password": "wrong"}).status_code == 200
    assert is_asked(console.get(address), address)


def test_what_was_typed_too_late_is_kept_but_for_secrets(console, world):
    typed = {"name": "late-policy", "issuer": "static", "options-names": "apiKey", "overlap": "3h"}
    assert is_shown_again(console.post(url(CredentialPolicy, "add"), typed), "late-policy", "3h")
    assert not CredentialPolicy.objects.filter(name="late-policy").exists()
    late = console.post(
        url(world.platform.secrets, "new-secret"), {"source": "enter", "secret": "typed-by-hand-too-late"}
    )
    assert is_shown_again(late)
    assert "typed-by-hand-too-late" not in late.content.decode()
    start = reverse("admin:exchange_platform_first-steps-start")
    assert is_shown_again(console.post(start, {"name": "late-platform"}), "late-platform")
    assert not Platform.objects.filter(name="late-platform").exists()


def test_a_late_form_says_why_and_marks_nothing(console, world):
    page = console.post(url(CredentialPolicy, "add"), {"name": "late-policy"}).content.decode()
    assert "Nothing is saved yet" in page
    assert "Correct what is marked below" not in page


def test_nothing_of_a_late_form_is_checked(console, world):
    """A check of it would tell whether a password is right, and undo that a try was counted or a code used up."""
    lines = AuditEvent.objects.count()
    for password in ("wrong", PASSWORD):
        page = console.post(url(world.platform, "first-steps"), {"password": password})
        assert is_shown_again(page, "Show a signed call")
        assert "not your password" not in page.content.decode()
    assert AuditEvent.objects.count() == lines
    assert is_asked(console.get(url(ServiceToken, "add")), url(ServiceToken, "add"))


def test_it_is_saved_after_the_proof(console, world):
    typed = {"name": "late-policy", "issuer": "api_key", "lifetime": "90d", "overlap": "3h", "stale_for": "1h"}
    address = url(CredentialPolicy, "add")
    assert is_shown_again(console.post(address, typed))
    age(console, 0)
    assert console.post(address, typed).status_code == 302
    assert CredentialPolicy.objects.get(name="late-policy").overlap == timedelta(hours=3)


@pytest.mark.usefixtures("stopped_clock")
def test_a_sign_in_counts_as_a_proof(admin, world, client):
    client.post("/admin/login/", {"username": "root", "password": PASSWORD})
    assert client.get(url(ServiceToken, "add")).status_code == 200
    age(client, 599)
    assert client.get(url(ServiceToken, "add")).status_code == 200


def test_a_proof_of_another_user_does_not_count(console, world):
    session = console.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    session["account_authentication_methods_user"] = "999999"
    session.save()
    assert is_asked(console.get(url(ServiceToken, "add")), url(ServiceToken, "add"))


def test_who_may_not_is_refused_and_not_asked(world):
    auditor = role_client("Auditor")
    age(auditor)
    assert auditor.get(url(ServiceToken, "add")).status_code == 403
    assert auditor.get(url(world.platform.secrets, "new-secret")).status_code == 403


def test_who_may_change_no_attributes_is_not_asked(world):
    operator = role_client("Operator")
    age(operator)
    assert operator.post(url(world.end_user), {"name": "Acme"}).status_code == 302
    world.end_user.refresh_from_db()
    assert world.end_user.name == "Acme"
    assert operator.get(url(Installation, "add")).status_code == 200


def test_looking_asks_for_nothing(console, world):
    for address in (url(Platform, "changelist"), url(world.integration), url(world.end_user), url(Group, "changelist")):
        assert console.get(address).status_code == 200


def test_the_answer_is_previewed_while_one_types(console, world):
    preview = {"preview": "1", "response_shape": '{"apiKey": "$credential.apiKey"}'}
    assert "answer" in console.post(url(world.integration, "shape"), preview).json()


def test_waiting_for_a_first_call_is_not_interrupted(console, world):
    assert console.get(f"{url(world.platform, 'first-steps')}?waiting=1").headers["Content-Type"] == "application/json"


def test_a_form_that_waits_is_confirmed_on_a_page_that_leads_back_to_it(console, world):
    address = url(world.end_user, "rebind")
    page = console.post(address, {"external_id": "x", "why": "typed"}).content.decode()
    [confirm] = re.findall(rf'href="({CONFIRM}[^"]+)"\s+target="_blank"', page)
    answer = console.post(unescape(confirm), {"password": PASSWORD}, follow=True)
    told = answer.content.decode()
    assert "Go back to the tab with your form, and save it there." in told
    assert f'href="{address}"' in told


def test_the_page_that_says_confirmed_says_so_of_nobody_else(console):
    address = f"{reverse('account_confirmed')}?next=https://thief.example/"
    assert console.get(address)["Location"].startswith(CONFIRM)
    console.post(CONFIRM, {"password": PASSWORD})
    assert "thief" not in console.get(address).content.decode()


def test_who_signs_in_on_the_way_to_the_question_is_not_asked_again(admin):
    client = Client()
    add = reverse("mfa_activate_totp")
    answer = client.get(add, follow=True)
    where = answer.redirect_chain[-1][0]
    answer = client.post(where, {"username": "root", "password": PASSWORD}, follow=True)
    assert [to.partition("?")[0] for to, _ in answer.redirect_chain] == [CONFIRM, add]
    assert answer.status_code == 200
    age(client)
    assert client.get(f"{CONFIRM}?next={add}").status_code == 200
