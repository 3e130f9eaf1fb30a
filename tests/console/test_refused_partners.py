"""The pages of platforms and marketplaces, and the overview, tell of their calls that are refused."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credservice.adminkit.menu import Need
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.console.sidebar import all_needed
from credservice.keys.models import SigningSecret
from credservice.keys.services import generate_secret
from exchange.models import Platform
from exchange.services.grants import new_secret_set
from provisioning.models import Marketplace
from provisioning.osb.models import BrokerPassword
from provisioning.osb.passwords import last_uses, make_password
from tests.conftest import DoorClient, Trail
from tests.support.console import World
from tests.support.doors import role_client
from tests.support.overview import overview, refuse
from tests.support.pages import send, url

PASSWORD_PAGE = "admin:provisioning_marketplace_new-password"


@pytest.fixture
def broker(db: None) -> Marketplace:
    return Marketplace.objects.create(name="cf", protocol_name="osb")


def call(marketplace: str, password: str, method: str = "GET", path: str = "/catalog", **more: str) -> int:
    basic = base64.b64encode(f"{marketplace}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "X-Broker-API-Version": "2.17"} | more
    return int(DoorClient().generic(method, f"/osb/{marketplace}/v2{path}", headers=headers).status_code)


def wrong_calls(marketplace: str, times: int) -> None:
    assert {call(marketplace, "not-the-password") for _ in range(times)} == {401}


def refused_deletions(broker: Marketplace, times: int, request_id: str = "") -> None:
    """Call with the right password, for what there is not."""
    _, password = make_password(marketplace=broker, actor="test")
    unknown = "/service_instances/nobody-has-it?service_id=a&plan_id=b"
    more = {"X-Request-ID": request_id}
    assert {call(broker.name, password, "DELETE", unknown, **more) for _ in range(times)} <= {400, 410}


def needed(client: Client) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = client.get(reverse("admin:index")).context["needed"]
    return lines


def facts(client: Client, obj: Platform | Marketplace) -> dict[str, str]:
    return {fact.name: str(fact.value) for fact in client.get(url(obj)).context["header"].facts}


def steps(client: Client, obj: Model | None) -> list[Need]:
    assert obj is not None
    found: list[Need] = client.get(url(obj)).context["next_steps"]
    return found


def test_wrong_passwords_are_told_as_claims(console: Client, broker: Marketplace, worker: None) -> None:
    wrong_calls("cf", 7)
    (line,) = needed(console)
    assert line["sentence"] == "7 calls that claimed to be cf were refused lately, most of them: wrong password"
    assert line["link"] == url(broker)
    assert not line["urgent"]
    (step,) = steps(console, broker)
    assert step.sentence == (
        "Somebody who claims to be it sends a wrong password. If its operators say that it is theirs, make a new one."
    )
    assert step.link == reverse(PASSWORD_PAGE, args=[broker.pk])
    assert not step.urgent
    assert "7 calls that claimed to be cf, most of them: wrong password" in facts(console, broker)["Refused claims"]


def test_wrong_passwords_of_anybody_do_not_lead_to_replacing_one_that_works(
    console: Client, broker: Marketplace, trail: Trail, worker: None
) -> None:
    _, password = make_password(marketplace=broker, actor="test")
    assert call("cf", password) == 200
    last_uses.flush()
    wrong_calls("cf", 3)
    assert steps(console, broker) == []
    assert steps(console, AuditEvent.objects.filter(reason="wrong_password").first()) == []
    assert [line["urgent"] for line in needed(console)] == [False]
    BrokerPassword.objects.update(last_used_at=timezone.now() - timedelta(hours=25))
    assert len(steps(console, broker)) == 1


def test_a_password_that_was_used_and_has_ended_does_not_count(console: Client, broker: Marketplace) -> None:
    _, password = make_password(marketplace=broker, actor="test")
    assert call("cf", password) == 200
    last_uses.flush()
    make_password(marketplace=broker, actor="test", overlap=timedelta(0))
    assert {call("cf", password) for _ in range(3)} == {401}
    assert len(steps(console, broker)) == 1


def test_the_fact_leads_to_the_refused_calls(console: Client, broker: Marketplace) -> None:
    wrong_calls("cf", 2)
    link = facts(console, broker)["Refused claims"].split('href="')[1].split('"')[0].replace("&amp;", "&")
    assert [row.reason for row in console.get(link).context["cl"].result_list] == ["wrong_password"] * 2


def test_calls_that_prove_to_be_its_are_told_from_claims(console: Client, broker: Marketplace, worker: None) -> None:
    refused_deletions(broker, 3)
    wrong_calls("cf", 25)
    own, claims = needed(console)
    assert own["sentence"].startswith("3 calls of cf were refused lately, most of them: ")
    assert own["urgent"]
    assert {row.actor for row in console.get(own["link"]).context["cl"].result_list} == {"marketplace:cf"}
    assert claims["sentence"].startswith("20+ calls that claimed to be cf were refused lately, most of them: ")
    assert facts(console, broker)["Refused"].count("claimed") == 0
    assert "20+ calls that claimed to be cf" in facts(console, broker)["Refused claims"]


def test_the_two_lines_of_a_partner_are_two_notices(console: Client, broker: Marketplace, worker: None) -> None:
    refused_deletions(broker, 3)
    wrong_calls("cf", 3)
    assert sum("cf" in line["sentence"] for line in all_needed().values()) == 2


def test_an_id_that_the_caller_chose_does_not_make_many_calls_one(
    console: Client, broker: Marketplace, worker: None
) -> None:
    refused_deletions(broker, 7, request_id="chosen-by-the-caller")
    assert AuditEvent.objects.filter(request_id="chosen-by-the-caller").count() == 7
    (line,) = needed(console)
    assert line["sentence"].startswith("7 calls of cf were refused lately")


def test_names_that_callers_make_up_add_no_line(console: Client, broker: Marketplace, worker: None) -> None:
    for n in range(5):
        wrong_calls(f"invented-{n}", 3)
    wrong_calls("cf", 30)
    assert len(needed(console)) == 1


def test_calls_of_a_suspended_marketplace_are_told_with_it(console: Client, broker: Marketplace, worker: None) -> None:
    Marketplace.objects.update(is_active=False)
    assert needed(console) == []
    wrong_calls("cf", 4)
    (line,) = needed(console)
    assert line["sentence"].startswith("cf is suspended. 4 calls that claimed to be cf were refused lately")
    assert (line["urgent"], line["link"]) == (False, url(broker))


def test_two_wrong_passwords_are_told_on_the_page_alone(console: Client, broker: Marketplace, worker: None) -> None:
    wrong_calls("cf", 2)
    assert needed(console) == []
    assert steps(console, broker) == []
    assert "2 calls that claimed to be cf" in facts(console, broker)["Refused claims"]


def test_one_wrong_password_is_told_as_one(console: Client, broker: Marketplace) -> None:
    wrong_calls("cf", 1)
    assert "1 call that claimed to be cf: wrong password" in facts(console, broker)["Refused claims"]


def test_a_platform_of_the_same_name_is_another(console: Client, world: World, worker: None) -> None:
    Marketplace.objects.create(name="mindcloud", protocol_name="osb")
    wrong_calls("mindcloud", 4)
    assert not {"Refused", "Refused claims"} & facts(console, world.platform).keys()


def test_a_platforms_page_leads_to_the_debugger(console: Client, world: World) -> None:
    wrong_signatures(3)
    assert "3 calls that claimed to be mindcloud" in facts(console, world.platform)["Refused claims"]
    (step,) = steps(console, world.platform)
    assert step.sentence == "Calls that claim to be its are refused: see in the signature debugger why"
    assert not step.urgent
    assert console.get(step.link).status_code == 200


def test_an_operator_is_led_to_what_she_may_open(world: World) -> None:
    """From the overview, and from the platform's page, to why these calls are refused: in no circle."""
    test_a_platforms_page_leads_to_the_debugger(role_client("Administrator"), world)
    operator = role_client("Operator")
    (line,) = [line for line in overview(operator).context["needed"] if "claimed to be mindcloud" in line["sentence"]]
    (step,) = steps(operator, world.platform)
    for link in (line["link"], step.link):
        assert "What was checked" in operator.get(link).content.decode()


def test_a_platforms_page_leads_to_a_test_of_an_exchange(console: Client, world: World) -> None:
    for _ in range(3):
        record(Line("exchange.credential", "platform:mindcloud", outcome="refused", reason="unknown_end_user"))
    assert "3 of the last 3 calls, most of them: unknown end user" in facts(console, world.platform)["Refused"]
    (step,) = steps(console, world.platform)
    assert step.link == url(world.platform, "test-exchange")
    assert step.urgent


def test_the_test_of_an_exchange_has_the_ids_of_the_newest_such_call(console: Client, world: World) -> None:
    ids = {"integration": "int_1", "installation": "inst_9", "end_user": "enduser_zzz"}
    refuse("unknown_end_user", 3, "platform:mindcloud", **ids | {"end_user": "enduser_old"})
    refuse("unknown_end_user", 1, "platform:mindcloud", **ids)
    refuse("invalid_body", 1, "platform:mindcloud")
    (step,) = steps(console, world.platform)
    page = console.get(step.link)
    assert page.context["form"].cleaned_data == ids
    assert page.context["trial"].code == "unknown_end_user"


def test_forged_calls_leave_a_platforms_page_its_own_reason(console: Client, world: World) -> None:
    refuse("unknown_end_user", 3, "platform:mindcloud")
    refuse("wrong_signature", 25)
    told = facts(console, world.platform)
    assert "3 of the last 3 calls, most of them: unknown end user" in told["Refused"]
    assert "20+ calls that claimed to be mindcloud, most of them: wrong signature" in told["Refused claims"]
    assert [step.link for step in steps(console, world.platform)] == [url(world.platform, "test-exchange")]


def test_the_line_of_a_wrong_password_leads_to_a_new_one(console: Client, broker: Marketplace, trail: Trail) -> None:
    wrong_calls("cf", 1)
    line = trail.one(reason="wrong_password")
    event = AuditEvent.objects.get(pk=line.pk)
    assert reverse(PASSWORD_PAGE, args=[broker.pk]) in [step.link for step in steps(console, event)]


@pytest.mark.parametrize(
    ("action", "actor"),
    [("user.password_check", "user:cf"), ("user.password_check", "unproven:cf"), ("resource.put", "user:cf")],
)
def test_a_persons_wrong_password_leads_to_no_marketplace_of_that_name(
    console: Client, broker: Marketplace, action: str, actor: str
) -> None:
    record(Line(action, actor, outcome="refused", reason="wrong_password"))
    assert steps(console, AuditEvent.objects.get(reason="wrong_password")) == []


def test_who_may_make_no_password_is_not_led_there(broker: Marketplace) -> None:
    wrong_calls("cf", 4)
    auditor = role_client("Auditor")
    assert steps(auditor, broker) == []
    assert "4 calls that claimed to be cf" in facts(auditor, broker)["Refused claims"]


def wrong_signatures(times: int, address: str = "/credential-exchange/mindcloud") -> None:
    for _ in range(times):
        body = '{"integrationId": "a", "installationId": "b", "endUserId": "c"}'
        headers = {"X-Signature": "00" * 32, "X-Timestamp": "1"}
        answer = DoorClient().post(address, body, content_type="application/json", headers=headers)
        assert answer.status_code == 401


def claims(client: Client) -> list[tuple[str, bool]]:
    return [(line["sentence"], line["urgent"]) for line in needed(client) if "claimed" in line["sentence"]]


def test_a_platform_whose_calls_end_with_a_change_of_its_profile_is_urgent(console: Client, world: World) -> None:
    now = timezone.now()
    secret, _ = generate_secret(secret_set=world.platform.secrets, actor="test")
    SigningSecret.objects.filter(pk=secret.pk).update(last_used_at=now - timedelta(minutes=10))
    wrong_signatures(5)
    told = "5 calls that claimed to be mindcloud were refused lately, most of them: malformed timestamp"
    assert claims(console) == [(told, False)]
    changed_at = (now - timedelta(minutes=5)).isoformat()
    profiles = [[changed_at, {"construction": "sha256-message-secret"}]]
    Platform.objects.filter(pk=world.platform.pk).update(earlier_profiles=profiles)
    told += ". None has held since its signature profile was changed 5\xa0minutes ago"
    assert claims(console) == [(told, True)]
    (step,) = steps(console, world.platform)
    assert step.sentence.startswith(
        "None has held since its signature profile was changed 5\xa0minutes ago: see in the"
    )
    assert step.urgent
    SigningSecret.objects.filter(pk=secret.pk).update(last_used_at=now)
    assert [urgent for _, urgent in claims(console)] == [False]


def set_default(client: Client, platform: Platform, **form: str) -> None:
    profile = {"construction": "hmac-sha256", "timestamp_header": "X-Timestamp", "signed_path": "path"}
    sent = profile | {"tolerance_seconds": "300", "require_signature": "on"} | form
    assert send(client, url(platform), **sent).status_code == 302


def test_calls_without_a_name_that_nobody_answers_lead_to_the_platform_that_did(
    console: Client, world: World, worker: None
) -> None:
    set_default(console, world.platform, is_default="on")
    set_default(console, world.platform)
    wrong_signatures(2, "/credential-exchange")
    wrong_signatures(3, "/credential-exchange/nobody")
    assert needed(console) == []
    wrong_signatures(1, "/credential-exchange")
    (line,) = needed(console)
    assert line["sentence"] == (
        "3 calls to /credential-exchange, without a platform's name, were refused lately: no platform is the default "
        "one. mindcloud answered there until just now"
    )
    assert (line["urgent"], line["link"]) == (True, f"{url(world.platform)}#field-is_default")
    set_default(console, world.platform, is_default="on")
    assert needed(console) == []


def test_where_none_answered_before_they_lead_to_the_list_and_are_not_urgent(
    console: Client, world: World, worker: None
) -> None:
    wrong_signatures(3, "/credential-exchange")
    (line,) = needed(console)
    assert line["sentence"].endswith("were refused lately: no platform is the default one")
    assert (line["urgent"], line["link"]) == (False, reverse("admin:exchange_platform_changelist"))


def test_calls_without_a_name_are_not_laid_to_the_platform_that_is_the_default_now(
    console: Client, world: World, worker: None
) -> None:
    other = Platform.objects.create(name="other", secrets=new_secret_set("other"))
    generate_secret(secret_set=other.secrets, actor="test")
    set_default(console, world.platform, is_default="on")
    set_default(console, world.platform)
    set_default(console, other, is_default="on")
    wrong_signatures(3, "/credential-exchange")
    (line,) = needed(console)
    assert line["sentence"] == (
        "3 calls to /credential-exchange, without the name other, were refused lately, most of them: malformed "
        "timestamp. mindcloud answered there until just now"
    )
    assert (line["urgent"], line["link"]) == (True, f"{url(other)}#field-is_default")
    (step, *_) = steps(console, other)
    assert step.sentence == (
        "Calls to /credential-exchange, without its name, are refused. mindcloud answered there until just now: if "
        "they are its calls, make it the default platform again"
    )
    wrong_signatures(5, "/credential-exchange/other")
    (line,) = needed(console)
    assert line["sentence"].startswith("8 calls that claimed to be other were refused lately")
