"""The pages of platforms and marketplaces, and the overview, tell of their calls that are refused."""

import base64
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from exchange.models import Platform
from provisioning.models import Marketplace
from provisioning.osb.passwords import make_password
from tests.conftest import DoorClient, Trail
from tests.support.console import World
from tests.support.doors import role_client
from tests.support.pages import url

PASSWORD_PAGE = "admin:provisioning_marketplace_new-password"


@pytest.fixture
def broker(db: None) -> Marketplace:
    return Marketplace.objects.create(name="cf", protocol_name="osb")


def call(marketplace: str, password: str, method: str = "GET", path: str = "/catalog") -> int:
    basic = base64.b64encode(f"{marketplace}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "X-Broker-API-Version": "2.17"}
    return int(DoorClient().generic(method, f"/osb/{marketplace}/v2{path}", headers=headers).status_code)


def wrong_calls(marketplace: str, times: int) -> None:
    assert {call(marketplace, "not-the-password") for _ in range(times)} == {401}


def needed(client: Client) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = client.get(reverse("admin:index")).context["needed"]
    return lines


def facts(client: Client, obj: Platform | Marketplace) -> dict[str, str]:
    return {fact.name: str(fact.value) for fact in client.get(url(obj)).context["header"].facts}


def test_wrong_passwords_are_on_the_overview_and_on_the_page(
    console: Client, broker: Marketplace, worker: None
) -> None:
    wrong_calls("cf", 7)
    (line,) = needed(console)
    assert line["sentence"] == "7 of the last 7 calls that claimed to be cf were refused, most of them: wrong password"
    assert line["link"] == url(broker)
    page = console.get(line["link"])
    (step,) = page.context["next_steps"]
    assert step.sentence == "It calls with a wrong password: make a new one here, and enter it at the platform"
    assert step.link == reverse(PASSWORD_PAGE, args=[broker.pk])
    assert (
        "7 of the last 7 calls that claimed to be cf, most of them: wrong password" in facts(console, broker)["Refused"]
    )


def test_the_fact_leads_to_the_refused_calls(console: Client, broker: Marketplace) -> None:
    wrong_calls("cf", 2)
    link = facts(console, broker)["Refused"].split('href="')[1].split('"')[0].replace("&amp;", "&")
    assert [row.reason for row in console.get(link).context["cl"].result_list] == ["wrong_password"] * 2


def test_calls_that_prove_to_be_its_are_told_from_claims(console: Client, broker: Marketplace, worker: None) -> None:
    _, password = make_password(marketplace=broker, actor="test")
    unknown = "/service_instances/nobody-has-it?service_id=a&plan_id=b"
    assert {call("cf", password, "DELETE", unknown) for _ in range(3)} <= {400, 410}
    assert "calls of cf were refused" in needed(console)[0]["sentence"]
    assert "claimed" not in facts(console, broker)["Refused"]


def test_names_that_callers_make_up_add_no_line(console: Client, broker: Marketplace, worker: None) -> None:
    for n in range(5):
        wrong_calls(f"invented-{n}", 3)
    wrong_calls("cf", 30)
    assert len(needed(console)) == 1


def test_a_suspended_marketplace_is_no_trouble(console: Client, broker: Marketplace, worker: None) -> None:
    Marketplace.objects.update(is_active=False)
    wrong_calls("cf", 4)
    assert needed(console) == []


def test_two_wrong_passwords_are_told_on_the_page_alone(console: Client, broker: Marketplace, worker: None) -> None:
    wrong_calls("cf", 2)
    assert needed(console) == []
    page = console.get(url(broker))
    assert page.context["next_steps"] == []
    assert "2 of the last 2 calls" in facts(console, broker)["Refused"]


def test_a_platform_of_the_same_name_is_another(console: Client, world: World, worker: None) -> None:
    Marketplace.objects.create(name="mindcloud", protocol_name="osb")
    wrong_calls("mindcloud", 4)
    assert "Refused" not in facts(console, world.platform)


def test_a_platforms_page_leads_to_the_debugger(console: Client, world: World) -> None:
    for _ in range(3):
        body = '{"integrationId": "a", "installationId": "b", "endUserId": "c"}'
        headers = {"X-Signature": "00" * 32, "X-Timestamp": "1"}
        address = "/credential-exchange/mindcloud"
        answer = DoorClient().post(address, body, content_type="application/json", headers=headers)
        assert answer.status_code == 401
    assert "3 of the last 3 calls that claimed to be mindcloud" in facts(console, world.platform)["Refused"]
    (step,) = console.get(url(world.platform)).context["next_steps"]
    assert step.sentence == "Its calls are refused: see in the signature debugger why"
    assert console.get(step.link).status_code == 200


def test_a_platforms_page_leads_to_a_test_of_an_exchange(console: Client, world: World) -> None:
    for _ in range(3):
        record(Line("exchange.credential", "platform:mindcloud", outcome="refused", reason="unknown_end_user"))
    assert "3 of the last 3 calls, most of them: unknown end user" in facts(console, world.platform)["Refused"]
    (step,) = console.get(url(world.platform)).context["next_steps"]
    assert step.link == url(world.platform, "test-exchange")


def test_the_line_of_a_wrong_password_leads_to_a_new_one(console: Client, broker: Marketplace, trail: Trail) -> None:
    wrong_calls("cf", 1)
    line = trail.one(reason="wrong_password")
    steps = console.get(url(AuditEvent.objects.get(pk=line.pk))).context["next_steps"]
    assert reverse(PASSWORD_PAGE, args=[broker.pk]) in [step.link for step in steps]


def test_who_may_make_no_password_is_not_led_there(broker: Marketplace) -> None:
    wrong_calls("cf", 4)
    auditor = role_client("Auditor")
    assert auditor.get(url(broker)).context["next_steps"] == []
    assert "4 of the last 4 calls" in facts(auditor, broker)["Refused"]
