"""From an empty service to a marketplace's first call, by either protocol."""

import base64
import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from credservice.audit.models import AuditEvent
from credservice.credentials.models import CredentialPolicy
from provisioning.models import Marketplace, Product
from provisioning.osb.models import BrokerPassword
from provisioning.osb.passwords import is_one_of
from tests.support.pages import send, url

START = "admin:provisioning_marketplace_first-steps-start"
BROKER = "admin:provisioning_marketplace_first-steps-osb-start"


def do(console, marketplace, **values):
    return send(console, url(marketplace, "first-steps"), **values)


def test_a_marketplace_is_led_to_its_first_check(console):
    send(
        console,
        reverse(START),
        name="market",
        connector_url="https://connector.example.com/v1",
        client_secret="s3cret-of-ours",
    )
    market = Marketplace.objects.get()
    do(console, market, label="trials", key="PY7wu3q3-adYr9-0ES6CMRixup9OjO5iL7EFDFpolhk")
    do(console, market, product="rockets", plan="small", region="all::global")
    page = console.get(url(market, "first-steps")).content.decode()
    assert "--product rockets --plan small --region all::global" in page
    assert market.open_client_secret() == "s3cret-of-ours"


@pytest.fixture
def trusting(console):
    send(console, reverse(START), name="market", connector_url="https://connector.example.com/v1")
    market = Marketplace.objects.get()
    do(console, market, label="trials", key="PY7wu3q3-adYr9-0ES6CMRixup9OjO5iL7EFDFpolhk")
    return market


@pytest.mark.parametrize(
    "wrong",
    [
        {"product": "Rockets!"},
        {"plan": ""},
        {"region": "nowhere"},
        {"region": "a::b"},
        {"region": ""},
        {"product": "x" * 200},
        {"product": "Rockets!", "plan": "Small!", "region": "nowhere"},
    ],
)
def test_a_wrong_product_is_told_at_its_field_and_nothing_made(console, trusting, wrong):
    page = do(console, trusting, **{"product": "rockets", "plan": "small", "region": "all::global"} | wrong)
    errors = page.context["form"].errors
    assert errors.keys() == wrong.keys()
    assert all(len(texts) == 1 for texts in errors.values())
    assert not Product.objects.exists()
    assert not CredentialPolicy.objects.exists()


def test_a_taken_product_and_a_wrong_key_are_told_at_their_fields(console, trusting):
    policy = CredentialPolicy.objects.create(name="keys", issuer="api_key")
    Product.objects.create(marketplace=trusting, label="rockets", policy=policy, regions=["all::global"])
    page = do(console, trusting, product="rockets", plan="small", region="all::global")
    assert "There is a product rockets already" in page.context["form"].errors["product"][0]
    send(console, reverse(START), name="other", connector_url="https://connector.example.com/v1")
    page = do(console, Marketplace.objects.get(name="other"), label="trials", key="no key")
    assert "That is no public key" in page.context["form"].errors["key"][0]


def test_a_broker_platforms_password_is_shown_once(console, trail):
    page = send(console, reverse(BROKER), name="cf").content.decode()
    password = re.search(r'<pre id="shown-3"[^>]*>([^<]+)<', page)[1]
    market = Marketplace.objects.get(protocol_name="osb")
    assert is_one_of(password, [bytes(row.digest) for row in BrokerPassword.objects.filter(marketplace=market)]) == 0
    send(console, url(market, "first-steps-osb"), product="queue", plan="small")
    page = console.get(url(market, "first-steps-osb")).content.decode()
    assert str(Product.objects.get().pk) in page
    assert password not in page + "".join(str(line.detail) for line in AuditEvent.objects.all())
    assert trail.one(action="broker_password.created").detail["marketplace"] == "cf"


def test_each_protocols_marketplaces_have_its_own_steps(console):
    send(console, reverse(BROKER), name="cf")
    market = Marketplace.objects.get()
    assert console.get(url(market, "first-steps")).status_code == 404
    assert url(market, "first-steps") + '"' not in console.get(url(market)).content.decode()
    page = console.get("/admin/first-steps/").content.decode()
    assert page.count("Continue with cf") == 1
    assert page.index("Connect an Open Service Broker platform") < page.index("Continue with cf")


def test_a_name_that_another_protocols_has_leads_to_its_own_steps(console):
    send(console, reverse(BROKER), name="cf")
    form = send(console, reverse(START), name="cf", connector_url="https://connector.example.com/v1").context["form"]
    assert f'href="{url(Marketplace.objects.get(), "first-steps-osb")}">continue with' in form.errors["name"][0]


@pytest.mark.parametrize(("start", "such_as"), [(START, "manifold-staging"), (BROKER, "cloudfoundry-staging")])
def test_a_wrong_name_is_told_with_one_that_fits(console, start, such_as):
    form = send(console, reverse(start), name="not a name").context["form"]
    assert form.errors["name"] == [f"Write letters, digits, hyphens and underscores only, such as {such_as}."]


def test_both_labels_of_a_broker_are_told_at_their_fields(console):
    send(console, reverse(BROKER), name="cf")
    form = send(console, url(Marketplace.objects.get(), "first-steps-osb"), product="Q!", plan="S!").context["form"]
    assert (form.errors.keys(), len(form.errors["plan"])) == ({"product", "plan"}, 1)


def test_who_may_make_no_password_connects_no_broker_platform(console, admin):
    admin.is_superuser = False
    admin.save()
    admin.user_permissions.set(Permission.objects.exclude(codename="add_brokerpassword"))
    assert console.post(reverse(BROKER), {"name": "cf"}).status_code == 403
    assert "Connect an Open Service Broker platform" not in console.get("/admin/first-steps/").content.decode()


@pytest.mark.parametrize(
    ("password", "version", "reason"),
    [("wrong", "2.17", "wrong password"), ("", "1.0", "unsupported version")],
)
def test_a_refused_call_is_told_while_the_page_waits(console, client, password, version, reason):
    page = send(console, reverse(BROKER), name="cf").content.decode()
    shown = re.search(r'<pre id="shown-3"[^>]*>([^<]+)<', page)[1]
    steps = url(Marketplace.objects.get(), "first-steps-osb")
    send(console, steps, product="queue", plan="small")
    assert console.get(f"{steps}?waiting=1").json() == {"done": False, "refused": None}
    basic = base64.b64encode(f"cf:{password or shown}".encode()).decode()
    client.get("/osb/cf/v2/catalog", headers={"Authorization": f"Basic {basic}", "X-Broker-API-Version": version})
    told = console.get(f"{steps}?waiting=1").json()["refused"]
    assert told["sentence"].endswith(f"UTC: {reason}.")
    assert told["link"] == url(AuditEvent.objects.filter(outcome="refused").latest("id"))
    assert told["sentence"] in console.get(steps).content.decode()
