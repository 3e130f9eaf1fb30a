"""From an empty service to a platform's first call."""

import json
import re
import shlex

import pytest
from django.urls import reverse

from credservice.adminkit.models import FourEyes
from credservice.audit.models import AuditEvent
from credservice.credentials.models import CredentialPolicy
from credservice.manifest.apply import apply
from exchange.models import Grant, Integration, Platform
from provisioning.models import Marketplace, Product
from tests.support.console import PASSWORD
from tests.support.pages import send, url

START = "admin:exchange_platform_start"


@pytest.fixture
def platform(console):
    page = send(console, reverse(START), name="staging", approve_installations="on")
    assert page.status_code == 200
    return Platform.objects.get()


def do(console, platform, **values):
    return send(console, url(platform, "first-steps"), **values)


@pytest.fixture
def granted(console, platform):
    do(console, platform, integration_id="int_1", field="apiKey", kind="entered")
    do(console, platform, end_user_id="eu_1", external_id="acme", value="the-customers-key")
    return platform


def test_it_makes_a_platform_and_shows_its_secret_once(console):
    page = send(console, reverse(START), name="staging", approve_installations="on").content.decode()
    secret = Platform.objects.get().secrets.live().get().open().decode()
    assert secret in page
    assert secret not in console.get(url(Platform.objects.get(), "first-steps")).content.decode()


def test_a_reload_makes_no_second_one(console):
    page = console.get(reverse(START)).content.decode()
    form = {"name": "staging", "form_id": re.search(r'name="form_id" value="([^"]+)"', page)[1]}
    console.post(reverse(START), form)
    console.post(reverse(START), form | {"name": "other"})
    assert Platform.objects.count() == 1


def test_a_taken_name_is_told(console, platform):
    page = send(console, reverse(START), name="staging").content.decode()
    assert "There is a platform staging already" in page


def test_a_name_that_fits_no_address_is_told_plainly(console):
    page = send(console, reverse(START), name="My Platform").content.decode()
    assert "Write letters, digits and hyphens only" in page
    assert not Platform.objects.exists()


def test_a_new_one_comes_before_those_that_are_begun(console, platform):
    page = console.get(reverse(START)).content.decode()
    assert (
        page.index('name="approve_installations"')
        < page.index("Or go on with")
        < page.index(url(platform, "first-steps"))
    )


def test_what_a_set_up_file_made_is_nobodys_to_go_on_with(console, platform):
    apply("platforms: {filed: {source_networks: [10.0.0.0/8], require_signature: false}}", "a.yaml")
    page = console.get("/admin/first-steps/").content.decode()
    assert ("Continue with staging" in page, "filed" in page) == (True, False)
    assert url(Platform.objects.get(name="filed"), "first-steps") not in console.get(reverse(START)).content.decode()


def test_the_secrets_page_says_which_step_it_is(console):
    assert "1 of 4: Connect it" in send(console, reverse(START), name="staging").content.decode()


def test_its_steps_lead_to_a_call_that_is_answered(console, client, granted):
    page = do(console, granted, password=PASSWORD).content.decode()
    command = re.search(r"(curl -X POST .*?)</pre>", page, re.DOTALL)[1]
    words = shlex.split(command.replace("&#x27;", "'").replace("&quot;", '"').replace("\\\n", " "))
    headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
    body, content_type = words[words.index("-d") + 1], headers.pop("Content-Type")
    waiting = f"{url(granted, 'first-steps')}?waiting=1"
    assert console.get(waiting).json() == {"done": False}
    answer = client.post("/credential-exchange/staging", body, content_type=content_type, headers=headers)
    assert answer.json() == {"apiKey": "the-customers-key"}
    assert console.get(waiting).json() == {"done": True}
    assert "It works." in console.get(url(granted, "first-steps")).content.decode()


def test_a_refused_call_is_told(console, client, granted):
    body = json.dumps({"integrationId": "int_1", "installationId": "i", "endUserId": "eu_1"})
    client.post("/credential-exchange/staging", body, content_type="application/json")
    page = console.get(url(granted, "first-steps")).content.decode()
    assert "missing signature" in page


def test_keys_are_made_where_the_vendor_has_none(console, platform):
    do(console, platform, integration_id="int_1", field="apiKey", kind="made")
    do(console, platform, end_user_id="eu_1")
    assert Integration.objects.get().policy.issuer == "api_key"
    assert Grant.objects.count() == 1


def test_what_is_typed_is_not_kept_in_the_trail(console, granted):
    lines = "".join(str(event.detail) for event in AuditEvent.objects.filter(actor="user:root"))
    assert "acme" in lines
    assert "the-customers-key" not in lines


@pytest.mark.parametrize("wrong", [{"integration_id": ""}, {"field": ""}, {"kind": "x"}, {"field": "a\nb"}])
def test_a_wrong_entry_is_told_and_nothing_made(console, platform, wrong):
    do(console, platform, **{"integration_id": "int_1", "field": "apiKey", "kind": "entered"} | wrong)
    assert not Integration.objects.exists()


def test_who_may_not_reveal_gets_no_signed_call(console, admin, granted):
    from django.contrib.auth.models import Permission

    admin.is_superuser = False
    admin.save()
    admin.user_permissions.set(Permission.objects.exclude(codename="reveal_credential"))
    page = console.get(url(granted, "first-steps")).content.decode()
    assert "Your role may not do this" in page
    assert console.post(url(granted, "first-steps"), {}).status_code == 403


def test_a_marketplace_is_led_to_its_first_check(console):
    start = reverse("admin:provisioning_marketplace_start")
    send(
        console, start, name="market", connector_url="https://connector.example.com/v1", client_secret="s3cret-of-ours"
    )
    market = Marketplace.objects.get()
    do(console, market, label="trials", key="PY7wu3q3-adYr9-0ES6CMRixup9OjO5iL7EFDFpolhk")
    do(console, market, product="rockets", plan="small", region="all::global")
    page = console.get(url(market, "first-steps")).content.decode()
    assert "--product rockets --plan small --region all::global" in page
    assert market.open_client_secret() == "s3cret-of-ours"


@pytest.mark.parametrize(
    "wrong", [{"product": "Rockets!"}, {"plan": ""}, {"region": "nowhere"}, {"region": "a::b"}, {"product": "x" * 200}]
)
def test_a_wrong_product_is_told_and_nothing_made(console, wrong):
    start = reverse("admin:provisioning_marketplace_start")
    send(console, start, name="market", connector_url="https://connector.example.com/v1")
    market = Marketplace.objects.get()
    do(console, market, label="trials", key="PY7wu3q3-adYr9-0ES6CMRixup9OjO5iL7EFDFpolhk")
    do(console, market, **{"product": "rockets", "plan": "small", "region": "all::global"} | wrong)
    assert not Product.objects.exists()
    assert not CredentialPolicy.objects.exists()


@pytest.mark.parametrize("proof", [{}, {"password": "not the password"}])
def test_a_signed_call_is_shown_to_nobody_but_the_operator(console, granted, proof):
    page = do(console, granted, **proof).content.decode()
    assert "curl -X POST" not in page
    assert not AuditEvent.objects.filter(action="signing_secret.used", detail__platform=granted.name).exists()


def test_a_signed_call_is_not_shown_where_reveals_need_two(console, granted):
    FourEyes.objects.update_or_create(pk=1, defaults={"reveal": True})
    page = do(console, granted, password=PASSWORD).content.decode()
    assert "curl -X POST" not in page
    assert "need a second person" in page


def test_blanks_at_the_ends_are_dropped_and_invisible_characters_refused(console, platform):
    do(console, platform, integration_id=" int_1 ", field="apiKey", kind="entered")
    assert Integration.objects.get().integration_id == "int_1"
    page = do(console, platform, end_user_id="eu\u200b_1", external_id="acme", value="the-customers-key")
    assert "This holds a line break, an invisible character" in page.content.decode()
    assert not Grant.objects.exists()
