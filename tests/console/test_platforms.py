"""Do what operators do with marketplaces that speak Open Service Broker, and their passwords."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from credservice.adminkit.cards import cards_of
from credservice.adminkit.links import list_url
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.core.exceptions import Invalid
from provisioning.manifold.signatures.trusted_keys import trust_key
from provisioning.models import Feature, Marketplace, Plan, TrustedKey
from provisioning.osb.models import BrokerPassword
from provisioning.osb.passwords import digest_of, make_password
from tests.conftest import Trail
from tests.support.console import World
from tests.support.pages import send, url

ADD = {"name": "cf", "protocol_name": "osb", "sign_on_404": "refuse"}


@pytest.fixture
def platform(db: None) -> Marketplace:
    return Marketplace.objects.create(name="cf", protocol_name="osb")


def test_a_platform_is_added_without_a_connector(console: Client, trail: Trail) -> None:
    assert console.post(url(Marketplace, "add"), ADD).status_code == 302
    assert Marketplace.objects.get().protocol_name == "osb"
    refused = console.post(url(Marketplace, "add"), ADD | {"name": "mf", "protocol_name": "manifold"})
    assert "Write the address of its connector" in refused.content.decode()


def test_its_page_shows_what_is_set_for_its_protocol(console: Client, world: World, platform: Marketplace) -> None:
    answers = [console.get(url(row)) for row in (platform, world.marketplace)]
    page, other = (answer.content.decode() for answer in answers)
    links, of_other = ({link["title"] for link in answer.context["page_links"]} for answer in answers)
    assert "/osb/cf" in page
    assert ("Connector URL" in page, "trustedkey/?marketplace" in page) == (False, False)
    assert ("Connector URL" in other, "trustedkey/?marketplace" in other) == (True, True)
    assert ("New password" in links, "First steps" in links) == (True, True)
    assert ("New password" in of_other, "First steps" in of_other) == (False, True)


def test_a_password_is_shown_once_and_two_are_good_meanwhile(
    console: Client, platform: Marketplace, trail: Trail
) -> None:
    for _ in range(2):
        page = send(console, url(platform, "new-password"), overlap="86400").content.decode()
    text = next(found for found in re.findall(r"[A-Za-z0-9_-]{43}", page) if _is_known(found))
    assert [bool(row.ends_at) for row in BrokerPassword.objects.order_by("created_at")] == [True, False]
    assert text not in console.get(url(platform)).content.decode()
    assert text not in str([line.detail for line in trail.all()])
    lines = trail.all(action="broker_password.created")
    assert [line.actor for line in lines] == ["user:root", "user:root"]


def test_a_leaked_password_ends_at_once(console: Client, platform: Marketplace) -> None:
    make_password(marketplace=platform, actor="test")
    send(console, url(platform, "new-password"), overlap="0")
    assert BrokerPassword.objects.live().count() == 1


def test_a_password_in_use_is_ended_with_a_tick_alone(console: Client, platform: Marketplace) -> None:
    used, _ = make_password(marketplace=platform, actor="test")
    BrokerPassword.objects.update(last_used_at=timezone.now())
    page = send(console, url(used, "end"))
    assert f"The password {used.hint} last let the platform in just now, at " in page.content.decode()
    assert "refuse" in page.context["form"].errors
    assert "refuse" in send(console, url(platform, "new-password"), overlap="0").context["form"].errors
    assert "New password" in send(console, url(platform, "new-password"), overlap="86400").content.decode()
    told = send(console, url(platform, "new-password"), overlap="86400").context["form"].errors["refuse"]
    assert told[0].startswith(f"Nothing is ended yet. The password {used.hint} last let the platform in just now")
    assert BrokerPassword.objects.live().count() == 2
    send(console, url(platform, "new-password"), overlap="86400", refuse="on")
    assert used not in BrokerPassword.objects.live()


def test_a_password_is_ended(console: Client, platform: Marketplace, trail: Trail) -> None:
    password, _ = make_password(marketplace=platform, actor="test")
    send(console, url(password, "end"))
    assert not BrokerPassword.objects.live().exists()
    assert trail.one(action="broker_password.ended").actor == "user:root"
    assert "has ended already" in console.get(url(password, "end")).content.decode()


def test_the_other_protocols_marketplace_gets_no_password(console: Client, world: World) -> None:
    before = BrokerPassword.objects.count()
    console.post(url(world.marketplace, "new-password"), {"overlap": "0"})
    assert BrokerPassword.objects.count() == before
    assert "knows no password" in console.get(url(world.marketplace, "new-password")).content.decode()


def test_a_platform_gets_no_trusted_key(console: Client, platform: Marketplace) -> None:
    key = "PtISNzqQmQPBxNlUw3CdxsWczXbIwyExxlkRqZ7E690"
    values = {"marketplace": platform.pk, "label": "k", "public_key": key}
    assert "it has no keys" in console.post(url(TrustedKey, "add"), values).content.decode()
    with pytest.raises(Invalid, match="signs nothing"):
        trust_key(marketplace="cf", label="k", key=key, actor="test")
    assert not TrustedKey.objects.exists()


def _is_known(text: Any) -> bool:
    return BrokerPassword.objects.filter(digest=digest_of(text)).exists()


def test_a_page_with_nothing_to_edit_has_no_save(console: Client, world: World, platform: Marketplace) -> None:
    assert 'name="_save"' not in console.get(url(platform)).content.decode()
    assert 'name="_save"' in console.get(url(world.marketplace)).content.decode()
    assert 'name="_save"' in console.get(url(Marketplace, "add")).content.decode()


def test_its_trail_tells_of_its_passwords_products_and_calls(console: Client, trail: Trail, db: None) -> None:
    row = Marketplace.objects.create(name="cf", protocol_name="osb")
    record(Line.about(row, "marketplace.created", "user:root"))
    for _ in range(2):
        make_password(marketplace=row, actor="user:root")
    record(Line("credential.issued", "marketplace:cf"))
    found = cards_of(console.get(url(row)).wsgi_request, row)
    own, did = [card for card in found if card.link.startswith(list_url(AuditEvent))]
    lines = [strip_tags(str(line[1])) for line in own.lines()]
    assert len(lines) == 3
    told = r"root created platform password cf: \w+; the one before is good until [\d-]+ [\d:]+ UTC"
    assert re.fullmatch(told, lines[0])
    assert len(did.lines()) == 1
    for card, number in ((own, 3), (did, 1)):
        assert len(console.get(card.link).context["cl"].result_list) == number


def test_its_trail_tells_of_its_catalogue_and_keys(console: Client, world: World) -> None:
    console.post(url(Plan, "add"), {"product": world.product.pk, "label": "ursa-major", "metadata": "{}"})
    values = {"product": world.product.pk, "label": "size", "type": "number", "values": "[]"}
    console.post(url(Feature, "add"), values)
    send(console, url(world.live_key, "deny"), why="leaked", refuse="on")
    send(console, url(world.plan, "suspend"), why="sold out")
    [own] = [
        card
        for card in cards_of(console.get(url(world.marketplace)).wsgi_request, world.marketplace)
        if card.title == "Trail"
    ]
    assert [strip_tags(str(line[1])) for line in own.lines()] == [
        "root suspended plan ursa-minor: sold out",
        f"root denied live key {world.live_key.public_key}: leaked",
        "root created feature size",
        "root created plan ursa-major",
    ]
