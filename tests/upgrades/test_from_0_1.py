"""A database from before 0.1.0 is migrated: every value, session, token and queued job of it is as good as before.

The literals are in ``from_0_1.json``, beside the dump; README.md says how both were made. Almost nothing of the
service is imported here: it is asked by its commands, over HTTP, and by SQL.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.e2e.partners import TIMEOUT, Manifold, MindCloud
from tests.support.paths import ROOT
from tests.upgrades.conftest import Upgraded, upgraded_from
from tests.upgrades.console import Browser, totp


@pytest.fixture(scope="module")
def upgraded() -> Iterator[Upgraded]:
    """Shared: no test changes what another one looks at."""
    with upgraded_from("from_0_1") as upgraded:
        yield upgraded


@pytest.fixture
def expected(upgraded: Upgraded) -> Any:
    return upgraded.expected


@pytest.fixture
def work(expected: Any) -> Any:
    """Find what was queued, and what it comes to."""
    return expected["work"]


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=TIMEOUT, trust_env=False) as client:
        yield client


@pytest.fixture
def mindcloud(upgraded: Upgraded, http: httpx2.Client) -> MindCloud:
    return MindCloud(upgraded.service, http)


@pytest.fixture
def manifold(upgraded: Upgraded, http: httpx2.Client) -> Manifold:
    return Manifold(upgraded.service, http)


@pytest.mark.parametrize("command", ["migrate", "makemigrations", "check_sealed", "worker", "verify_audit"])
def test_every_command_ends_well(upgraded: Upgraded, command: str) -> None:
    done = upgraded.commands[command]
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_sealed_value_opens(upgraded: Upgraded, expected: Any) -> None:
    assert f"All {expected['sealed']} sealed values open." in upgraded.commands["check_sealed"].stdout


def test_nothing_is_migrated_or_served_before_the_settings_accept_how_it_was_sealed(upgraded: Upgraded) -> None:
    refusing = {**upgraded.service.environment, "ACCEPT_ROW_BOUND": "false"}
    for command in (["manage.py", "migrate", "--check"], ["-c", "import credservice.wsgi"]):
        done = subprocess.run([sys.executable, *command], env=refusing, cwd=ROOT, capture_output=True, text=True)
        assert (done.returncode > 0, "credservice.E018" in done.stderr) == (True, True), done.stderr


def test_the_trail_is_as_it_was_sealed_and_goes_on(upgraded: Upgraded, expected: Any) -> None:
    (lines,) = upgraded.column("SELECT count(*) FROM audit_auditevent")
    assert "Anchors compared: 1." in upgraded.commands["verify_audit"].stdout
    assert lines > expected["audit"]["lines"]
    assert upgraded.column("SELECT max(number) FROM audit_auditseal") > [expected["audit"]["seals"]]


# --- partners ------------------------------------------------------------------------------------------------------


def test_exchanges_answer_the_values_that_were_stored(mindcloud: MindCloud, expected: Any) -> None:
    for ids, values in expected["exchanges"]:
        assert mindcloud.exchange(**ids).json() == values


def test_the_signing_secret_before_the_current_one_still_verifies(mindcloud: MindCloud, expected: Any) -> None:
    mindcloud.secret = expected["secrets"]["mindcloud-signing-secret-before"].encode()
    ids, values = expected["exchanges"][0]
    assert mindcloud.exchange(**ids).json() == values


def test_a_new_token_is_signed_by_the_signing_key_that_was_there(
    mindcloud: MindCloud, upgraded: Upgraded, expected: Any
) -> None:
    answer = mindcloud.exchange(integrationId="int_tokens", installationId="install_new", endUserId="enduser_2")
    keys = KeySet.import_key_set(httpx2.get(f"{upgraded.url}/.well-known/jwks.json").json())
    token = jwt.decode(answer.json()["token"], keys, algorithms=["EdDSA"])
    assert (token.header["kid"], token.claims["sub"]) == (expected["kid"], "customer-2")


def test_repeated_orders_of_the_marketplace_are_answered_the_same(manifold: Manifold, expected: Any) -> None:
    ordered = expected["resource"]
    order = ordered["order"]
    assert manifold.send("PUT", f"/v1/resources/{order['id']}", order).status_code == 201
    again = manifold.put_credential(ordered["credential"], order["id"])
    assert (again.status_code, again.json()) == (201, ordered["answer"])


def test_usage_is_measured_as_before(manifold: Manifold, expected: Any) -> None:
    target, measures = expected["measures"]
    assert manifold.send("GET", target).json() == measures


def test_a_users_session_at_a_resource_goes_on(upgraded: Upgraded, expected: Any) -> None:
    page = expected["resource_page"]
    answer = httpx2.get(f"{upgraded.url}{page['path']}", cookies=[page["cookie"]], trust_env=False)
    assert answer.status_code == 200
    assert page["shows"] in answer.text  # the marketplace tells it to the user's own access token


# --- the vendor's backend ------------------------------------------------------------------------------------------


def test_a_user_who_is_on_the_way_to_the_vendors_dashboard_arrives(upgraded: Upgraded, expected: Any) -> None:
    handed = expected["hand_over"]
    order = {"token": handed["token"], "audience": "https://dashboard.example.com/marketplace"}
    redeemed = upgraded.api("POST", "/api/v1/sso/redeem", order).json()
    assert redeemed["resource_id"] == handed["resource"]


def test_service_tokens_are_good_or_revoked_as_before(upgraded: Upgraded, expected: Any) -> None:
    assert upgraded.api("GET", "/api/v1/end-users").status_code == 200
    assert upgraded.api("GET", "/api/v1/end-users", token=expected["revoked_token"]).status_code == 401


@pytest.mark.parametrize("call", ["idempotent", "reveal"])
def test_a_call_that_was_made_before_is_answered_from_memory(upgraded: Upgraded, expected: Any, call: str) -> None:
    made = expected[call]
    answer = upgraded.api("POST", f"/api/v1{made['path']}", made["body"], Idempotency_Key=made["key"])
    assert (answer.headers["Idempotent-Replayed"], answer.json()) == ("true", made["answer"])


def test_a_key_is_found_by_its_digests(upgraded: Upgraded, expected: Any) -> None:
    key = expected["reveal"]["answer"]["values"]["apiKey"]
    assert upgraded.api("POST", "/api/v1/introspect", {"token": key}).json()["active"] is True
    (leaked,) = upgraded.api("POST", "/api/v1/leaks", {"text": f"a log with {key} in it"}).json()["credentials"]
    assert leaked["credential"] == expected["idempotent"]["answer"]["id"]


def test_a_list_goes_on_where_it_was_left(upgraded: Upgraded, expected: Any) -> None:
    assert upgraded.api("GET", expected["page"]["next"]).json()["items"] == expected["page"]["items"]


def test_mindcloud_is_called_with_the_key_that_was_entered(upgraded: Upgraded) -> None:
    assert upgraded.api("POST", "/api/v1/end-users/customer-1/mindcloud-token", {}).status_code == 200
    lost = upgraded.api("POST", "/api/v1/end-users/customer-lost/mindcloud-token", {"name": "Lost"})
    assert (lost.status_code, lost.json()["type"]) == (409, "urn:credservice:problem:creation_unsettled")


# --- operators -----------------------------------------------------------------------------------------------------


@pytest.fixture
def console(expected: Any) -> Any:
    return expected["console"]


@pytest.mark.parametrize("name", ["ann", "bob", "root"])
def test_who_was_signed_in_still_is(upgraded: Upgraded, console: Any, name: str) -> None:
    assert Browser(upgraded.url, console["sessions"][name]).is_in()


def test_a_password_with_a_code_signs_in(upgraded: Upgraded, expected: Any, console: Any) -> None:
    for code in (totp(console["totp"]), console["recovery_code"]):
        browser = Browser(upgraded.url)
        assert browser.sign_in("ann", expected["password"], code) == "/admin/"
        assert browser.is_in()


@pytest.fixture
def proven(upgraded: Upgraded, expected: Any, console: Any) -> Any:
    """The browser of who was signed in, once they have confirmed that it is still them."""

    def proven(name: str) -> Browser:
        browser = Browser(upgraded.url, console["sessions"][name])
        assert browser.send("/admin/account/confirm/", password=expected["password"]).status_code == 302
        return browser

    return proven


def test_what_waits_for_a_second_person_is_approved_and_done(proven: Any, expected: Any, console: Any) -> None:
    reveal = console["reveal"]
    assert proven("bob").send(reveal["approve"], why="").status_code == 302
    assert reveal["shows"] in proven("ann").send(reveal["path"], password=expected["password"]).text


def test_a_refused_call_is_there_for_the_signature_debugger(upgraded: Upgraded, proven: Any) -> None:
    (platform,) = upgraded.column("SELECT id FROM exchange_platform")
    (call,) = upgraded.column("SELECT id FROM exchange_refusedcall")
    page = proven("root").get(f"/admin/exchange/platform/{platform}/debugger/?call={call}")
    assert "No secret makes this signature of this text." in page.text


# --- queued jobs ---------------------------------------------------------------------------------------------------


def test_every_job_is_run_and_leaves_the_queue(upgraded: Upgraded, expected: Any) -> None:
    left = upgraded.service.rows("SELECT id::text, task_name FROM procrastinate_jobs WHERE status <> 'succeeded'")
    assert dict(left).items() & expected["jobs"]["leave"].items() == set()
    assert upgraded.column("SELECT task_name FROM procrastinate_jobs WHERE status = 'failed'") == []


def test_what_cannot_be_done_yet_is_tried_again_later(upgraded: Upgraded, expected: Any, work: Any) -> None:
    waiting = "SELECT id::text, task_name FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at IS NOT NULL"
    assert expected["jobs"]["stay"].items() <= dict(upgraded.service.rows(waiting)).items()
    assert upgraded.column("SELECT attempts > 1 FROM credentials_credential WHERE id = %s", work["away"]) == [True]


def test_a_credential_is_made_that_its_issuer_could_not_make(mindcloud: MindCloud, work: Any) -> None:
    ids, values = work["made"]
    assert mindcloud.exchange(**ids).json() == values


def test_what_was_revoked_ends_outside_as_well(upgraded: Upgraded, work: Any) -> None:
    (revocation,) = upgraded.outside.got("/revoke")
    assert work["revoked_token"].encode() in revocation.body
    states = "SELECT state FROM credentials_credential WHERE id::text = ANY(%s)"
    assert upgraded.column(states, work["revoked"]) == ["revoked", "revoked"]


def test_time_does_its_work(upgraded: Upgraded, work: Any) -> None:
    """The periodic tasks: the trail's own are above."""
    state = "SELECT state FROM credentials_credential WHERE id = %s"
    assert [upgraded.column(state, work[name]) for name in ("expired", "retiring")] == [["expired"], ["retiring"]]
    assert upgraded.column("SELECT 1 FROM accounts_consolesession WHERE id = %s", work["ended_session"]) == []
    assert upgraded.column("SELECT 1 FROM vendor_api_idempotentcall WHERE key = 'order-of-yesterday'") == []
    assert upgraded.column("SELECT 1 FROM statistics_tally WHERE count = 7 AND hour < now() - interval '39 days'") == []
    assert upgraded.column("SELECT 1 FROM events_event WHERE id = %s", work["old_event"]) == []
    assert upgraded.column("SELECT object_id FROM events_event WHERE type = 'credential.expiring'") == [
        work["expiring"]
    ]
    assert upgraded.column("SELECT count(*) FROM audit_auditevent WHERE action = 'signing_secret.reminded'") == [1]
    pending = upgraded.column(
        "SELECT sum(count) FROM statistics_tally WHERE series = 'credentials' AND name = 'pending'"
    )
    assert pending > [0]  # nobody had counted them before


def test_the_marketplace_hears_the_outcomes_that_it_waits_for(upgraded: Upgraded, work: Any) -> None:
    told = {call.path.rpartition("/")[2]: json.loads(call.body) for call in upgraded.outside.got("/v1/callbacks/")}
    for content in told.values():
        content.pop("message")
    assert told == work["callbacks"]


def test_the_marketplace_is_asked_for_the_rotation(upgraded: Upgraded, work: Any) -> None:
    (asked,) = upgraded.outside.got("/v1/credential-rotations/")
    content = json.loads(asked.body)
    assert [content["credential_id"], content["reason"]] == work["rotation"]
    assert upgraded.column("SELECT state FROM provisioning_credentialrotation") == ["acknowledged"]


def test_a_bulk_run_is_taken_up_where_it_was_and_a_draft_is_not_begun(upgraded: Upgraded, work: Any) -> None:
    runs = dict(upgraded.service.rows("SELECT id::text, state FROM console_bulkrun"))
    assert runs == {work["bulk_run"]: "done", work["draft"]: "draft"}
    active = "SELECT is_active FROM exchange_enduser WHERE end_user_id LIKE 'many_%%' OR end_user_id = 'enduser_3'"
    assert sorted(upgraded.column(active)) == [False, False, False, True]


def test_events_are_delivered_under_the_ids_that_they_had(upgraded: Upgraded, work: Any) -> None:
    received = {request.headers["webhook-id"] for request in upgraded.outside.got("/events")}
    delivered = upgraded.column("SELECT event_id FROM events_eventdelivery WHERE state = 'delivered'")
    assert set(work["events"]) <= received & {f"evt_{event.hex}" for event in delivered}
