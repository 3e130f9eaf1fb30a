"""The console's first page: what needs a person, and where that is seen to."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credservice.audit import Line, record
from credservice.console.sidebar import all_needed
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import revoke, rotate
from credservice.crypto import seal
from credservice.keys.admin import reminding
from credservice.keys.models import SigningKey, SigningSecret
from credservice.keys.reminders import Reminder, reminders
from credservice.keys.services import generate_secret
from credservice.keys.signing_keys import generate_signing_key
from exchange.admin.refused_platforms import refused_of
from exchange.models import EndUser, Grant, Installation, Integration, Platform
from exchange.models.refused_calls import RefusedCall
from provisioning.models import CredentialRotation, Marketplace, Operation
from provisioning.services.operation_worker import STUCK_AFTER
from tests.support.console import World
from tests.support.doors import role_client
from tests.support.overview import overview, refuse
from tests.support.pages import url


def needed(client: Client) -> list[str]:
    return [line["sentence"] for line in overview(client).context["needed"]]


def found(client: Client, line: dict[str, Any]) -> set[Any]:
    """Follow a line to the rows that it leads to."""
    return {row.pk for row in client.get(line["link"]).context["cl"].result_list}


def test_it_says_that_nothing_waits(console: Client, world: World, worker: None) -> None:
    assert "Nothing needs attention." in overview(console).content.decode()


def test_it_leads_to_installations_that_wait(console: Client, world: World, worker: None) -> None:
    waiting = world.make_installation("inst_2", "pending")
    (line,) = overview(console).context["needed"]
    assert line["sentence"] == "1 installation waiting for approval"
    assert [row.pk for row in console.get(line["link"]).context["cl"].result_list] == [waiting.pk]


def test_what_has_retired_since_the_console_was_started_is_no_successor(
    console: Client, world: World, worker: None
) -> None:
    """The worker ends it up to a minute later."""
    rotate(credential=world.credential, actor="test", entered={"apiKey": "second"}, overlap=timedelta(hours=3))
    Credential.objects.filter(state="active").update(state="retiring", retires_at=timezone.now())
    assert [sentence.partition(" until")[0] for sentence in needed(console)] == ["1 retiring credential is handed out"]


def test_it_leads_to_what_retires_without_a_successor(console: Client, world: World, worker: None) -> None:
    old = world.credential
    new = rotate(credential=old, actor="test", entered={"apiKey": "second"}, overlap=timedelta(hours=23, minutes=30))
    assert needed(console) == []
    revoke(credential=new, actor="test", reason="wrong", ended_outside=True)
    (line,) = overview(console).context["needed"]
    assert line["sentence"] == (
        "1 retiring credential is handed out until it ends, in 23\xa0hours, and has no successor: replace its values, "
        "or rotate it"
    )
    assert found(console, line) == {old.pk}
    third = rotate(credential=old, actor="test", entered={"apiKey": "third"})
    assert needed(console) == []
    revoke(credential=third, actor="test", reason="wrong", ended_outside=True)
    assert len(needed(console)) == 1
    Grant.objects.all().delete()
    assert needed(console) == []


def test_it_leads_to_entered_values_before_and_after_their_end(console: Client, world: World, worker: None) -> None:
    now, day = timezone.now(), timedelta(days=1)
    CredentialPolicy.objects.filter(pk=world.policy.pk).update(lifetime=30 * day)
    mine = Credential.objects.filter(pk=world.credential.pk)
    mine.update(expires_at=now + 15 * day)
    assert needed(console) == []
    mine.update(expires_at=now + 13 * day)
    (line,) = overview(console).context["needed"]
    assert line["sentence"] == "1 entered credential of entered ends soon: enter new values before"
    assert found(console, line) == {world.credential.pk}
    page = console.get(url(world.credential)).content.decode()
    assert "Entered values have no successor until somebody enters one. Replace them before their end" in page
    key = world.make_key()
    Credential.objects.filter(pk=key.pk).update(expires_at=now + day)
    assert "Replace them before their end" not in console.get(url(key)).content.decode()  # it is made anew
    Credential.objects.filter(pk=key.pk).update(expires_at=None)
    assert url(world.credential, "replace") in page
    mine.update(state="expired", ended_at=now - day, expires_at=now - day)
    (line,) = overview(console).context["needed"]
    assert line["sentence"] == "1 entered credential of entered expired, and nothing follows: enter new values"
    assert (found(console, line), line["urgent"]) == ({world.credential.pk}, True)
    Grant.objects.filter(pk=world.grant.pk).update(line=world.make_credential().line)  # as entering others does
    assert needed(console) == []


def test_it_leads_to_stuck_issues_and_revocations(console: Client, world: World, worker: None) -> None:
    making, ending = world.make_key(), world.make_key()
    past = timezone.now() - timedelta(hours=1)
    Credential.objects.filter(pk=making.pk).update(state="pending", attempts=5)
    Credential.objects.filter(pk=ending.pk).update(state="retiring", retires_at=past, attempts=5)
    lines = overview(console).context["needed"]
    told = [line["sentence"].split(":")[0] for line in lines]
    assert told == ["The issuer api_key fails, 2 credentials waiting for it", "1 revocation stuck", "1 issue stuck"]
    assert [found(console, line) for line in lines] == [{making.pk, ending.pk}, {ending.pk}, {making.pk}]


def test_it_leads_to_failed_credentials(console: Client, world: World, worker: None) -> None:
    failed, before = world.make_key(), world.make_key()
    Credential.objects.filter(pk__in=[failed.pk, before.pk]).update(state="failed")
    Credential.objects.filter(pk=before.pk).update(created_at=timezone.now() - timedelta(days=2))
    (line,) = overview(console).context["needed"]
    assert line["sentence"] == "1 credential failed to be made since yesterday"
    assert found(console, line) == {failed.pk}


def test_what_is_in_progress_is_what_its_line_leads_to(console: Client, world: World, worker: None) -> None:
    making, ending, retiring = world.make_key(), world.make_key(), world.make_key()
    Credential.objects.filter(pk=making.pk).update(state="pending")
    Credential.objects.filter(pk=ending.pk).update(state="retiring", retires_at=timezone.now())
    Credential.objects.filter(pk=retiring.pk).update(state="retiring", retires_at=timezone.now() + timedelta(hours=1))
    lines = overview(console).context["under_way"]
    assert [line["sentence"] for line in lines] == ["1 credential being created", "1 credential being ended"]
    assert [found(console, line) for line in lines] == [{making.pk}, {ending.pk}]


def test_each_issuer_that_fails_leads_to_what_waits_for_it(console: Client, world: World, worker: None) -> None:
    key, entered = world.make_key(), world.credential
    Credential.objects.filter(pk__in=[key.pk, entered.pk]).update(state="pending", attempts=2, failure="refused")
    lines = overview(console).context["needed"]
    assert [line["sentence"].partition(" fails")[0] for line in lines] == ["The issuer api_key", "The issuer static"]
    assert [found(console, line) for line in lines] == [{key.pk}, {entered.pk}]


def test_it_counts_to_a_hundred(console: Client, world: World, worker: None) -> None:
    for n in range(101):
        world.make_installation(f"waiting-{n}", "pending")
    assert needed(console) == ["100+ installations waiting for approval"]


def test_it_misses_a_worker(console: Client, world: World) -> None:
    assert needed(console) == ["No worker runs at all: start one with .venv/bin/python manage.py worker"]


def test_a_worker_that_fell_silent_is_missed(console: Client, world: World, worker: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '5 minutes'")
    assert re.match(r"No worker runs since \d{4}-\d\d-\d\d \d\d:\d\d UTC", needed(console)[0])


def test_it_leads_to_a_platform_that_can_verify_nothing(console: Client, world: World, worker: None) -> None:
    SigningSecret.objects.update(state="retired")
    (line,) = overview(console).context["needed"]
    assert line["sentence"] == "mindcloud has no signing secret: all of its calls are refused"
    assert console.get(line["link"]).context["original"] == world.platform


def test_it_leads_to_unsigned_platforms(console: Client, world: World, worker: None) -> None:
    Platform.objects.update(require_signature=False, source_networks=["203.0.113.0/24"])
    assert needed(console) == ["1 platform may call unsigned, from its source networks alone"]


def test_it_leads_to_a_marketplace_that_is_set_up_for_a_checker(console: Client, world: World, worker: None) -> None:
    connector = "http://localhost:3001/v1"
    marketplace = Marketplace.objects.create(name="trials", connector_url=connector, sign_on_404="allow")
    (line,) = overview(console).context["needed"]
    assert (
        line["sentence"] == "trials lets users sign on to resources that its connector does not find (404 at sign-on)"
    )
    assert line["link"] == f"{url(marketplace)}#field-sign_on_404"
    (line,) = overview(role_client("Operator")).context["needed"]
    assert line["sentence"].endswith("(404 at sign-on). A secrets manager can change it")


def test_the_field_has_its_name_also_where_it_is_only_read(console: Client, world: World, settings: Any) -> None:
    settings.PROOF_SECONDS = 0
    text = console.get(url(world.marketplace)).content.decode()
    assert re.search(r'<div class="[^"]*\bfield-sign_on_404\b', text)
    assert 'name="sign_on_404"' not in text


def test_a_key_that_has_signed_for_long_leads_to_making_another(console: Client, world: World, worker: None) -> None:
    long_ago = timezone.now() - timedelta(days=400)
    key = generate_signing_key(algorithm="RS256", actor="test")
    SigningKey.objects.filter(pk=key.pk).update(state="current", created_at=long_ago, activated_at=long_ago)
    (line,) = overview(console).context["needed"]
    assert line["link"] == url(SigningKey, "add")


def test_a_stuck_operation_is_found_in_any_state(console: Client, world: World, worker: None) -> None:
    operations = [
        Operation.objects.create(
            resource=world.make_resource(f"op{n}"), verb="provision", fingerprint=b"x", state=state, attempts=attempts
        )
        for n, (state, attempts) in enumerate([("queued", STUCK_AFTER), ("running", STUCK_AFTER), ("running", 0)])
    ]
    (line,) = overview(console).context["needed"]
    found = console.get(line["link"]).context["cl"].result_list
    assert {row.pk for row in found} == {operation.pk for operation in operations[:2]}


def test_a_rotation_that_was_never_acknowledged_is_found(console: Client, world: World, worker: None) -> None:
    asked = CredentialRotation.objects.create(
        partner_id="r1", resource_credential=world.resource_credential, reason="test"
    )
    CredentialRotation.objects.update(created_at=timezone.now() - timedelta(days=2))
    (line,) = overview(console).context["needed"]
    assert [row.pk for row in console.get(line["link"]).context["cl"].result_list] == [asked.pk]


def test_calls_that_wait_for_approval_lead_to_the_installations(console: Client, world: World, worker: None) -> None:
    waiting = world.make_installation("inst_2", "pending")
    refuse("waiting_for_approval", 4, "platform:mindcloud", installation="inst_2")
    lines = overview(console).context["needed"]
    assert len(lines) == 2
    for line in lines:
        assert [row.pk for row in console.get(line["link"]).context["cl"].result_list] == [waiting.pk]


def test_calls_that_waited_are_no_trouble_once_nothing_waits(console: Client, world: World, worker: None) -> None:
    waiting = world.make_installation("inst_2", "pending")
    refuse("waiting_for_approval", 10, "platform:mindcloud", installation="inst_2")
    refuse("unknown_end_user", 2, "platform:mindcloud")
    told = "12 of the last 12 calls of mindcloud were refused, most of them"
    sentence = f"{told}: waiting for approval, then unknown end user"
    assert sentence in needed(console)
    assert len(console.get(url(world.platform)).context["next_steps"]) == 1
    type(waiting).objects.filter(pk=waiting.pk).update(state="active")
    assert needed(console) == []
    assert console.get(url(world.platform)).context["next_steps"] == []
    refuse("unknown_end_user", 3, "platform:mindcloud")
    assert len(needed(console)) == 1


def test_calls_that_waited_settle_one_installation_at_a_time(console: Client, world: World, worker: None) -> None:
    approved, waiting = (world.make_installation(name, "pending") for name in ("inst_2", "inst_3"))
    refuse("waiting_for_approval", 9, "platform:mindcloud", installation="inst_2")
    type(approved).objects.filter(pk=approved.pk).update(state="active")
    refuse("too_many", 5, "platform:mindcloud", installation="inst_2")
    told = "5 of the last 14 calls of mindcloud were refused, most of them: too many (9 more for what is settled since)"
    (line,) = [line for line in overview(console).context["needed"] if line["sentence"] == told]
    assert "too_many" in {row.reason for row in console.get(line["link"]).context["cl"].result_list}
    refuse("waiting_for_approval", 6, "platform:mindcloud", installation=waiting.installation_id)
    (line,) = [line for line in overview(console).context["needed"] if "calls of mindcloud" in line["sentence"]]
    assert "most of them: waiting for approval, then too many" in line["sentence"]
    assert [row.pk for row in console.get(line["link"]).context["cl"].result_list] == [waiting.pk]


NAMED = {"end_user": "eu_1", "installation": "inst_1", "integration": "int_1"}


@pytest.mark.parametrize(
    ("reason", "model", "before", "after"),
    [
        ("unknown_end_user", EndUser, {"end_user_id": "eu_0"}, {"end_user_id": "eu_1"}),
        ("unknown_integration", Integration, {"integration_id": "int_0"}, {"integration_id": "int_1"}),
        ("installation_of_another", Installation, {"installation_id": "inst_0"}, {"installation_id": "inst_1"}),
        ("end_user_suspended", EndUser, {"is_active": False}, {"is_active": True}),
        ("credential_suspended", EndUser, {"is_active": False}, {"is_active": True}),
        ("integration_suspended", Integration, {"is_active": False}, {"is_active": True}),
        ("installation_suspended", Installation, {"state": "suspended"}, {"state": "active"}),
        ("waiting_for_approval", Installation, {"state": "pending"}, {"state": "active"}),
        ("no_live_secret", SigningSecret, {"state": "retired"}, {"state": "current"}),
        ("no_grant", Grant, {"line": uuid4()}, {}),
        ("credential_revoked", Credential, {"state": "revoked"}, {"state": "active"}),
        ("incomplete_answer", EndUser, {"attributes": {}}, {"attributes": {"region": "eu"}}),
    ],
)
def test_calls_that_the_present_state_has_settled_are_no_trouble(
    console: Client, world: World, reason: str, model: type[Model], before: dict[str, Any], after: dict[str, Any]
) -> None:
    shape = {"apiKey": "$credential.apiKey", "region": "$end_user.region"}
    Integration.objects.update(response_shape=shape if reason == "incomplete_answer" else {"a": "$credential.apiKey"})
    model._default_manager.update(**before)
    refuse(reason, 5, "platform:mindcloud", **NAMED)
    assert refused_of(world.platform).proven.refused == 5
    model._default_manager.update(**after or {"line": world.credential.line})
    look = refused_of(world.platform).proven
    assert (look.refused, look.settled) == (0, 5)


def test_calls_of_an_installation_that_somebody_refused_are_no_trouble(world: World) -> None:
    Installation.objects.update(state="refused")
    refuse("installation_refused", 5, "platform:mindcloud", **NAMED)
    look = refused_of(world.platform).proven
    assert (look.refused, look.settled) == (0, 5)


def test_calls_that_a_resumed_platform_had_refused_are_settled(world: World) -> None:
    Platform.objects.update(is_active=False)
    refuse("platform_suspended", 5)
    assert refused_of(Platform.objects.get()).claimed.refused == 5
    Platform.objects.update(is_active=True)
    assert refused_of(Platform.objects.get()).claimed.settled == 5


def test_calls_of_a_suspended_platform_are_told_with_it(console: Client, world: World, worker: None) -> None:
    Platform.objects.update(is_active=False)
    assert list(overview(console).context["needed"]) == []
    refuse("platform_suspended", 5)
    (line,) = overview(console).context["needed"]
    assert line["sentence"].startswith("mindcloud is suspended. 5 calls that claimed to be mindcloud were refused")
    assert (line["urgent"], line["link"]) == (False, url(world.platform))


def test_what_settles_refused_calls_is_found_by_a_bounded_number_of_queries(world: World) -> None:
    for n, reason in enumerate(["unknown_end_user", "no_grant", "end_user_suspended", "installation_suspended"] * 4):
        refuse(reason, 1, "platform:mindcloud", **NAMED | {"end_user": f"eu_{n}"})
    with CaptureQueriesContext(connection) as captured:
        assert refused_of(world.platform).proven.settled == 8
    assert len(captured) <= 7


def test_a_frequent_reason_does_not_hide_the_next(console: Client, world: World, worker: None) -> None:
    refuse("wrong_signature", 4)
    refuse("stale_timestamp", 3)
    (line,) = overview(console).context["needed"]
    assert line["sentence"].endswith("most of them: wrong signature, then stale timestamp")


def keep_call(world: World, reason: str) -> RefusedCall:
    call = RefusedCall(platform=world.platform, reason=reason, request_id="1")
    call.sealed_request = seal(json.dumps(["POST", "/credential-exchange", "", {}]).encode(), call.place)
    call.save()
    return call


def test_it_leads_to_a_platform_of_which_every_call_fails_to_prove(console: Client, world: World, worker: None) -> None:
    refuse("wrong_signature", 4)
    keep_call(world, "wrong_signature")
    (line,) = overview(console).context["needed"]
    assert line["sentence"] == "4 calls that claimed to be mindcloud were refused lately, most of them: wrong signature"
    assert not line["urgent"]
    assert "The call carries no X-Signature and no X-Timestamp." in console.get(line["link"]).content.decode()


def test_forged_calls_neither_hide_nor_discredit_those_that_are_proven(
    console: Client, world: World, worker: None
) -> None:
    refuse("unknown_end_user", 19, "platform:mindcloud")
    record(Line("exchange.credential", "platform:mindcloud", outcome="granted"))
    refuse("wrong_signature", 25)
    call = keep_call(world, "wrong_signature")
    own, claims = overview(console).context["needed"]
    assert own["sentence"] == "19 of the last 20 calls of mindcloud were refused, most of them: unknown end user"
    assert own["urgent"]
    assert {row.actor for row in console.get(own["link"]).context["cl"].result_list} == {"platform:mindcloud"}
    assert (
        claims["sentence"]
        == "20+ calls that claimed to be mindcloud were refused lately, most of them: wrong signature"
    )
    assert not claims["urgent"]
    assert claims["link"] == f"{url(world.platform, 'debugger')}?call={call.pk}"


def test_one_forged_call_changes_nothing(console: Client, world: World, worker: None) -> None:
    refuse("unknown_end_user", 3, "platform:mindcloud")
    refuse("wrong_signature", 1)
    assert needed(console) == ["3 of the last 3 calls of mindcloud were refused, most of them: unknown end user"]


def test_half_of_the_refused_calls_are_not_most(console: Client, world: World, worker: None) -> None:
    refuse("unknown_end_user", 2, "platform:mindcloud")
    refuse("unknown_installation", 2, "platform:mindcloud")
    refuse("no_grant", 1, "platform:mindcloud")
    (line,) = overview(console).context["needed"]
    assert "were refused, most often: " in line["sentence"]


def test_a_few_refused_calls_among_many_are_no_trouble(console: Client, world: World, worker: None) -> None:
    refuse("wrong_signature", 3)
    for _ in range(20):
        record(Line("exchange.credential", "platform:mindcloud", outcome="granted"))
    assert needed(console) == []


def test_refusals_that_are_no_matter_of_signatures_lead_to_their_lines(
    console: Client, world: World, worker: None
) -> None:
    refuse("unknown_end_user", 4, "platform:mindcloud")
    (line,) = overview(console).context["needed"]
    assert len(console.get(line["link"]).context["cl"].result_list) == 4


@pytest.mark.parametrize("actor", ["platform:mindcloud", "unproven:mindcloud"])
def test_a_number_of_refused_calls_leads_to_exactly_those(
    console: Client, world: World, worker: None, actor: str
) -> None:
    """Of each reason, and none that is older than what was looked at."""
    with connection.cursor() as cursor:  # a test's lines have one time, that of its transaction
        cursor.execute(
            "INSERT INTO audit_auditevent (at, action, outcome, actor, reason)"
            " SELECT now() - interval '1 millisecond', 'exchange.credential', 'refused', %s, 'of_before'"
            " FROM generate_series(1, 3)",
            [actor],
        )
    for reason, times in (("stale_timestamp", 3), ("wrong_signature", 2), ("no_secret", 1)):
        refuse(reason, times, actor)
        record(Line("exchange.credential", actor, outcome="granted"))
    for _ in range(11):
        record(Line("exchange.credential", actor, outcome="granted"))
    (line,) = overview(console).context["needed"]
    assert line["sentence"].partition(" call")[0] in ("6 of the last 20", "6")
    listed = console.get(line["link"]).context["cl"].result_list
    assert [row.reason for row in listed] == ["no_secret", *["wrong_signature"] * 2, *["stale_timestamp"] * 3]
    assert line["link"] in unescape(console.get(url(world.platform)).content.decode())


def test_a_line_of_refused_calls_stays_one_notice_while_there_are_more(world: World) -> None:
    refuse("wrong_signature", 4)
    keep_call(world, "wrong_signature")
    before = set(all_needed())
    refuse("wrong_signature", 4)
    keep_call(world, "wrong_signature")
    assert set(all_needed()) == before


def test_it_tells_which_issuer_is_down_and_why(console: Client, world: World, worker: None) -> None:
    Credential.objects.filter(pk=world.make_key().pk).update(state="pending", attempts=2, failure="connection refused")
    (line,) = overview(console).context["needed"]
    assert line["sentence"] == "The issuer api_key fails, 1 credential waiting for it: connection refused"
    assert len(console.get(line["link"]).context["cl"].result_list) == 1


def test_it_tells_of_secrets_near_their_end(console: Client, world: World, worker: None) -> None:
    SigningSecret.objects.update(state="previous", ends_at=timezone.now() + timedelta(days=1))
    (line,) = overview(console).context["needed"]
    assert line["sentence"].startswith("The previous secret of Platform mindcloud verifies until")
    assert line["link"] == url(world.secret.secret_set)


def test_it_tells_of_a_platforms_old_secrets_once_and_of_each_key(console: Client, world: World, worker: None) -> None:
    for days in (2, 3):
        generate_secret(secret_set=world.platform.secrets, actor="test", overlap=timedelta(days=days))
    assert world.platform.secrets.live().filter(state="previous").count() == 2
    for algorithm in ("EdDSA", "RS256"):
        generate_signing_key(algorithm=algorithm, actor="test")
    SigningKey.objects.update(activated_at=timezone.now() - timedelta(days=200))
    told = needed(console)
    ends = min(secret.ends_at for secret in world.platform.secrets.live() if secret.ends_at)
    (of_secrets,) = [line for line in told if line.startswith("The previous secret of Platform mindcloud")]
    assert f"verifies until {ends:%Y-%m-%d %H:%M} UTC." in of_secrets
    assert sum("has signed for half a year" in line for line in told) == 2


def test_a_secret_that_goes_while_it_is_told_of_breaks_nothing(
    console: Client, world: World, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    SigningSecret.objects.update(state="previous", ends_at=timezone.now() + timedelta(days=1))

    def last_look() -> Iterator[Reminder]:
        for reminder in reminders():
            SigningSecret.objects.all().delete()
            yield reminder

    monkeypatch.setattr(reminding, "reminders", last_look)
    assert next(line["link"] for line in overview(console).context["needed"]) == url(world.secret.secret_set)


def test_what_is_broken_stands_first(console: Client, world: World) -> None:
    world.make_installation("inst_2", "pending")
    assert [line.split()[0] for line in needed(console)] == ["No", "1"]


def failed_job(task: str, timestamp: int) -> None:
    with connection.cursor() as cursor:
        args = json.dumps({"timestamp": timestamp})
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status) VALUES ('default', %s, %s, 'failed')",
            [task, args],
        )


def run_at(task: str, timestamp: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_periodic_defers (task_name, defer_timestamp, periodic_id) VALUES (%s, %s, '')",
            [task, timestamp],
        )


def test_a_failed_job_counts_until_its_next_run_by_the_clock(console: Client, world: World, worker: None) -> None:
    failed_job("audit.seal", 60)
    run_at("audit.seal", 60)
    run_at("another", 120)
    assert needed(console) == ["1 job failed"]
    run_at("audit.seal", 120)
    assert needed(console) == []
    failed_job("audit.seal", 120)
    assert needed(console) == ["1 job failed"]
