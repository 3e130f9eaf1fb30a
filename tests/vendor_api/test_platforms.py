"""Platforms and integrations, as a script sets them up: by the checks of the set-up file."""

import pytest
from django.db import transaction
from django.utils import timezone

from credservice.audit.models import AuditEvent
from credservice.credentials.models import CredentialPolicy
from credservice.keys.models import SigningSecret
from credservice.keys.rotation_progress import last_uses as secret_uses
from credservice.manifest.apply import wait_for_others
from credservice.vendor_api import setup
from credservice.vendor_api.models import Scope
from exchange.audit import ACTION
from exchange.models import Integration, Platform
from tests.support.concurrency import at_once
from tests.support.exchange_factories import make_platform
from tests.vendor_api.client import Vendor, refused

PLATFORM = {"api_url": "https://api.example.com", "api_key": "the-key-of-that-api", "tolerance_seconds": 60}
SHAPE = {"policy": "keys", "response_shape": {"apiKey": "$credential.API_KEY"}}
SECRETS = ("first-secret-of-a-platform-0123", "second-secret-of-a-platform-456")


def test_it_makes_a_platform(vendor, trail):
    answer = vendor.put("/platforms/acme", PLATFORM)
    assert (answer.status_code, answer.json()["tolerance_seconds"], answer.json()["has_api_key"]) == (201, 60, True)
    assert PLATFORM["api_key"] not in answer.content.decode()
    assert Platform.objects.get(name="acme").open_api_key() == PLATFORM["api_key"]
    line = trail.one(action="platform.created")
    assert (line.actor, line.detail["path"]) == ("token:backend", "platforms.acme")


def test_it_shows_what_it_takes(vendor):
    made = vendor.put("/platforms/acme", PLATFORM).json()
    fields = {name: made[name] for name in made if name not in ("id", "name", "created_at", "has_api_key")}
    again = vendor.put("/platforms/acme", fields)
    assert (again.status_code, again.json()) == (200, made)


def test_the_same_again_changes_nothing_and_what_is_left_out_stays(vendor, trail):
    vendor.put("/platforms/acme", PLATFORM)
    vendor.put("/platforms/acme", PLATFORM)
    answer = vendor.put("/platforms/acme", {"state": "suspended", "requests_per_minute": None})
    assert (answer.json()["state"], answer.json()["tolerance_seconds"]) == ("suspended", 60)
    (line,) = trail.all(action="platform.changed")
    assert line.detail["changes"] == {"is_active": {"from": True, "to": False}}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"tolerance_seconds": 4000}, "/tolerance_seconds"),
        ({"source_networks": ["203.0.113.0/24", "here"]}, "/source_networks"),
        ({"require_signature": False}, "/source_networks"),
        ({"api_url": "ftp://api.example.com"}, "/api_url"),
        ({"public_prefix": "partners"}, "/public_prefix"),
        ({"state": "paused"}, "/state"),
        ({"is_active": True}, "/is_active"),
        ({"api_key": "with a line\nbreak"}, "/api_key"),
    ],
)
def test_it_refuses_what_the_set_up_file_does(vendor, body, pointer):
    refused(vendor.put("/platforms/acme", body), 400, "invalid_request", pointer)
    assert not Platform.objects.exists()


def test_there_is_one_default_platform(vendor):
    vendor.put("/platforms/acme", {"is_default": True})
    refused(vendor.put("/platforms/other", {"is_default": True}), 400, "invalid_request", "/is_default")


def test_a_stored_key_goes_to_no_other_address(vendor):
    vendor.put("/platforms/acme", PLATFORM)
    body = refused(vendor.put("/platforms/acme", {"api_url": "https://evil.example"}), 400, "invalid_request")
    assert [error["pointer"] for error in body["errors"]] == ["/api_key"]
    assert Platform.objects.get().api_url == PLATFORM["api_url"]
    assert vendor.put("/platforms/acme", {"api_url": ""}).json()["has_api_key"] is False


def test_a_text_refers_to_no_secret_of_this_machine(vendor, monkeypatch):
    monkeypatch.setenv("A_SECRET", "of-the-machine")
    vendor.put("/platforms/acme", PLATFORM | {"api_key": "env:A_SECRET"})
    assert Platform.objects.get().open_api_key() == "env:A_SECRET"


def test_a_write_may_ask_for_what_it_has_read(vendor):
    tag = vendor.put("/platforms/acme", {})["ETag"]
    assert vendor.put("/platforms/acme", {"requests_per_minute": 5}, If_Match=tag).status_code == 200
    refused(vendor.put("/platforms/acme", {"requests_per_minute": 6}, If_Match=tag), 412, "precondition_failed")
    refused(vendor.put("/platforms/acme", {}, If_None_Match="*"), 412, "precondition_failed")
    refused(vendor.put("/platforms/none", {}, If_Match=tag), 412, "precondition_failed")
    assert Platform.objects.get().requests_per_minute == 5


@pytest.mark.django_db(transaction=True)
def test_of_several_at_once_one_makes_it(vendor):
    answers = at_once(lambda _: vendor.again().put("/platforms/acme", PLATFORM), 4)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]


@pytest.mark.django_db(transaction=True)
def test_who_waits_too_long_for_another_write_is_told_when_to_come_again(vendor, monkeypatch):
    monkeypatch.setattr(setup, "WAIT_SECONDS", 1)
    with transaction.atomic():
        wait_for_others()
        (answer,) = at_once(lambda _: vendor.again().put("/platforms/acme", PLATFORM), 1)
    refused(answer, 503, "unavailable")
    assert int(answer["Retry-After"]) > 0
    assert vendor.put("/platforms/acme", PLATFORM).status_code == 201


def test_it_makes_and_changes_an_integration(vendor, policy, trail):
    vendor.put("/platforms/acme", {})
    made = vendor.put("/integrations/int_1?platform=acme", SHAPE)
    assert (made.status_code, made.json()["policy"]) == (201, "keys")
    changed = vendor.put(f"/integrations/{made.json()['id']}", {"name": "Acme CRM"})
    assert (changed.status_code, changed.json()["name"], Integration.objects.count()) == (200, "Acme CRM", 1)
    assert trail.one(action="integration.created").actor == "token:backend"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"policy": "keys"}, "/response_shape"),
        (SHAPE | {"policy": "none"}, "/policy"),
        (SHAPE | {"response_shape": {"apiKey": "$credential.password"}}, "/response_shape/apiKey"),
        (SHAPE | {"response_shape": {"apiKey": 1}}, "/response_shape/apiKey"),
        (SHAPE | {"response_shape": {"a/b": "$key"}}, "/response_shape/a~1b"),
        (SHAPE | {"response_shape": {"": "x"}}, "/response_shape/"),
        (SHAPE | {"response_shape": {"a\u202eb": "x"}}, "/response_shape/a\u202eb"),
        (SHAPE | {"response_shape": {"a" * 65: "x"}}, f"/response_shape/{'a' * 65}"),
        (SHAPE | {"name": " blank"}, "/name"),
    ],
)
def test_it_refuses_an_integration_that_cannot_be(vendor, policy, body, pointer):
    vendor.put("/platforms/acme", {})
    refused(vendor.put("/integrations/int_1", body), 400, "invalid_request", pointer)


def test_without_that_of_trust_a_token_writes_the_rest(vendor, policy, client):
    vendor.put("/platforms/acme", PLATFORM)
    vendor.put("/integrations/int_1", SHAPE)
    writer = Vendor(client, scopes=[Scope.WRITE_SETUP], name="writer")
    assert writer.put("/platforms/acme", {"state": "suspended"}).json()["state"] == "suspended"
    assert writer.put("/integrations/int_1", {"state": "suspended"}).json()["state"] == "suspended"
    refused(writer.put("/integrations/int_2", {}), 400, "invalid_request", "/policy")


def test_a_signing_secret_is_entered_once_and_replaced_with_an_overlap(vendor):
    vendor.put("/platforms/acme", {})
    answers = [vendor.post("/platforms/acme/signing-secrets", {"secret": text}) for text in (*SECRETS, SECRETS[1])]
    assert [answer.status_code for answer in answers] == [201, 201, 200]
    assert not any(text in answer.content.decode() for answer in answers for text in SECRETS)
    listed = vendor.get("/platforms/acme/signing-secrets").json()["items"]
    assert [each["state"] for each in listed] == ["current", "previous"]
    refused(vendor.post("/platforms/acme/signing-secrets", {"secret": SECRETS[0]}), 409, "conflict")
    assert SigningSecret.objects.get(state="current").open().decode() == SECRETS[1]


def test_a_leaked_one_ends_at_once(vendor):
    vendor.put("/platforms/acme", {})
    vendor.post("/platforms/acme/signing-secrets", {"secret": SECRETS[0]})
    vendor.post("/platforms/acme/signing-secrets", {"secret": SECRETS[1], "overlap_seconds": 0})
    assert sorted(SigningSecret.objects.values_list("state", flat=True)) == ["current", "retired"]


def test_one_that_has_verified_calls_ends_at_once_where_it_is_accepted(vendor, door):
    door.grant()
    assert door.post().status_code == 200
    secret_uses.flush()
    path, leaked = "/platforms/mindcloud/signing-secrets", {"secret": SECRETS[1], "overlap_seconds": 0}
    body = refused(vendor.post(path, leaked), 409, "answers_would_change")
    assert body["detail"] == (
        f"The platform signs with {door.secret.hint}: it last verified a call just now. Every call is refused until "
        "the platform signs with the new secret."
    )
    assert (door.post().status_code, SigningSecret.objects.count()) == (200, 1)
    assert vendor.post(f"{path}?accept_changed_answers=true", leaked).status_code == 201
    assert door.post().status_code == 401
    assert vendor.post(path, leaked).status_code == 200  # again


def test_a_previous_one_that_calls_may_be_signed_with_is_retired_where_it_is_accepted(vendor, door):
    door.grant()
    assert door.post().status_code == 200
    secret_uses.flush()
    vendor.post("/platforms/mindcloud/signing-secrets", {"secret": SECRETS[1]})
    path = f"/platforms/mindcloud/signing-secrets/{door.secret.pk}/retire"
    body = refused(vendor.post(path), 409, "answers_would_change")
    assert body["detail"].startswith("The partner does not use the new secret yet")
    assert door.post().status_code == 200
    assert vendor.post(f"{path}?accept_changed_answers=true").json()["state"] == "retired"
    assert door.post().status_code == 401


def test_a_previous_one_is_retired_and_the_current_one_is_not(vendor, trail):
    vendor.put("/platforms/acme", {})
    first, second = (vendor.post("/platforms/acme/signing-secrets", {"secret": text}).json()["id"] for text in SECRETS)
    answer = vendor.post(f"/platforms/acme/signing-secrets/{first}/retire")
    assert answer.json()["state"] == "retired"
    assert vendor.get(f"/platforms/acme/signing-secrets/{first}").json() == answer.json()
    refused(vendor.post(f"/platforms/acme/signing-secrets/{second}/retire"), 409, "conflict")
    assert trail.one(action="signing_secret.retired").actor == "token:backend"


def test_a_signing_secret_that_could_be_guessed_is_refused(vendor):
    vendor.put("/platforms/acme", {})
    refused(vendor.post("/platforms/acme/signing-secrets", {"secret": "short"}), 400, "invalid_request")
    refused(vendor.post("/platforms/none/signing-secrets", {"secret": SECRETS[0]}), 404, "not_found")


def test_a_name_of_a_field_from_before_the_rule_stays(vendor, policy):
    vendor.put("/platforms/acme", {})
    vendor.put("/integrations/int_1", SHAPE)
    old = {"": "old", "apiKey": "$credential.API_KEY"}
    Integration.objects.update(response_shape=old)
    assert vendor.put("/integrations/int_1", {"name": "Acme"}).status_code == 200
    assert vendor.put("/integrations/int_1", {"response_shape": old | {"new": "x"}}).status_code == 200
    assert vendor.put("/policies/keys", {"options": {"name": "API_KEY", "prefix": "acme"}}).status_code == 200
    sent = {"response_shape": old | {" ": "x"}}
    refused(vendor.put("/integrations/int_1", sent), 400, "invalid_request", "/response_shape/ ")


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("/platforms/Bad%20Name", "/name"),
        ("/platforms/%20", "/name"),
        ("/policies/Bad%20Name", "/name"),
        ("/marketplaces/Bad%20Name", "/name"),
        (f"/platforms/{'a' * 65}", "/name"),
    ],
)
def test_a_bad_name_in_the_path_is_told_in_plain_words(vendor, path, pointer):
    sent = {"issuer": "api_key"} if "policies" in path else {}
    body = refused(vendor.put(path, sent), 400, "invalid_request", pointer)
    said = next(error["message"] for error in body["errors"] if error["pointer"] == pointer)
    assert said in (
        "Write letters, digits, hyphens and underscores only.",
        "Write at most 64 characters: these are 65.",
        "This name is empty or holds a NUL character.",
    )


def test_a_short_signing_secret_is_told_how_to_make_one(vendor):
    vendor.put("/platforms/acme", {})
    body = refused(vendor.post("/platforms/acme/signing-secrets", {"secret": "short"}), 400, "invalid_request")
    assert body["detail"].endswith("this one has 5. Make one with: openssl rand -base64 32")


def test_a_profile_that_may_refuse_what_holds_is_changed_where_it_is_accepted(vendor, trail):
    vendor.put("/platforms/acme", {})
    assert vendor.post("/platforms/acme/signing-secrets", {"secret": SECRETS[0]}).status_code == 201
    assert vendor.put("/platforms/acme", {"public_prefix": "/api"}).status_code == 200  # no call has held yet
    SigningSecret.objects.update(last_used_at=timezone.now())
    body = refused(vendor.put("/platforms/acme", {"lower_case_method": True}), 409, "answers_would_change")
    assert "With lower case method otherwise, calls that are signed as now are refused with 401." in body["detail"]
    assert not Platform.objects.get().lower_case_method
    assert vendor.put("/platforms/acme", {"tolerance_seconds": 600}).status_code == 200
    accepted = "/platforms/acme?accept_changed_answers=true"
    assert vendor.put(accepted, {"lower_case_method": True}).status_code == 200
    line = next(line for line in trail.all(action="platform.changed") if "lower_case_method" in line.detail["changes"])
    assert line.detail["accepted_changed_answers"] == {"settings_that_calls_hold_with": 1}


NAMES = {"external_id": "customer-1", "integration_id": "int_abc123", "installation_id": "install_xyz789"}


def takes_platform(vendor):
    """List the calls that take ?platform=, by the OpenAPI document."""
    document = vendor.client.get("/api/schema/", headers={"Accept": "application/json"}).json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "platform" in {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}:
                yield method.upper(), path.removeprefix("/api/v1").format_map(NAMES)


def test_an_unknown_platform_is_refused_in_one_way(vendor, door):
    calls = [call for call in takes_platform(vendor) if call != ("POST", "/bulk")]  # which answers line by line
    assert len(calls) > 15
    for method, path in calls:
        body = None if method in ("GET", "DELETE") else {}
        told = refused(vendor.call(method, f"{path}?platform=nope", body), 400, "invalid_request", "?platform")
        assert told["detail"] == "platform: There is no platform of this name."


@pytest.mark.parametrize(
    ("path", "name", "told"),
    [
        ("/credentials", "policy", "There is no policy of this name."),
        ("/integrations", "policy", "There is no policy of this name."),
        ("/policies", "issuer", "There is no issuer of this name."),
        ("/installations", "integration_id", "There is no integration with this id."),
        ("/grants", "integration_id", "There is no integration with this id."),
        ("/resources", "marketplace", "There is no marketplace of this name."),
        ("/resources", "product", "No marketplace has a product with this label."),
        ("/resources", "plan", "No product has a plan with this label."),
        ("/resource-credentials", "marketplace", "There is no marketplace of this name."),
        ("/event-deliveries", "endpoint", "There is no event endpoint of this name."),
    ],
)
def test_a_list_refuses_what_the_set_up_does_not_have(vendor, door, path, name, told):
    """An empty list would read as "nobody": "nobody lacks the value", say."""
    problem = refused(vendor.get(f"{path}?{name}=nope"), 400, "invalid_request", f"?{name}")
    assert problem["detail"] == f"{name}: {told}"


def test_a_list_by_what_the_set_up_has_may_be_empty(vendor, door):
    CredentialPolicy.objects.create(name="forgotten", issuer="an-issuer-that-settings-lost")
    for query in ("credentials?policy=forgotten", "policies?issuer=jwt", "grants?integration_id=int_abc123"):
        assert vendor.get(f"/{query}").json()["items"] == []
    assert len(vendor.get("/policies?issuer=an-issuer-that-settings-lost").json()["items"]) == 1


def test_nothing_new_is_made_at_a_platform_that_nobody_named(vendor, door):
    make_platform("crm", secret="another-signing-secret-for-tests")
    grant = "/end-users/customer-1/grants/int_abc123"
    new = {"/end-users/ada": {"end_user_id": "enduser_ada"}, grant: {"values": {"apiKey": "a-key-of-the-customer"}}}
    new |= {"/integrations/int_new": {"policy": door.integration.policy.name, "response_shape": {"region": "eu"}}}
    for path, body in new.items():
        told = refused(vendor.put(path, body), 400, "invalid_request", "?platform")["detail"]
        assert told == "platform: This would be new: say at which platform. There are: crm, mindcloud."
        assert vendor.get(path).status_code == 404
    for path, body in new.items():
        answer = vendor.put(f"{path}?platform=mindcloud", body)
        assert (answer.status_code, answer.json()["platform"]) == (201, "mindcloud")
        assert vendor.put(path, body).status_code == 200  # what is there is changed at the default platform


def test_a_limit_below_the_calls_of_a_minute_is_set_where_it_is_accepted(vendor):
    vendor.put("/platforms/acme", {})
    for _ in range(2):
        AuditEvent.objects.create(action=ACTION, actor="platform:acme", outcome="granted", at=timezone.now())
    body = refused(vendor.put("/platforms/acme", {"requests_per_minute": 1}), 409, "answers_would_change")
    assert "a limit of 1 a minute has 1 refused with 429." in body["detail"]
    assert vendor.put("/platforms/acme?accept_changed_answers=true", {"requests_per_minute": 1}).status_code == 200


def test_the_default_of_a_platform_that_calls_is_taken_away_where_it_is_accepted(vendor, door, trail):
    door.grant()
    assert door.post(path="/credential-exchange").status_code == 200
    body = refused(vendor.put("/platforms/mindcloud", {"is_default": False}), 409, "answers_would_change")
    assert "Calls to /credential-exchange, without its name, are refused with 401 from then on." in body["detail"]
    assert door.post(path="/credential-exchange").status_code == 200
    accepted = vendor.put("/platforms/mindcloud?accept_changed_answers=true", {"is_default": False})
    assert (accepted.status_code, accepted.json()["is_default"]) == (200, False)
    line = trail.one(action="platform.changed")
    assert line.detail["accepted_changed_answers"] == {"default_platforms_called": 1}
    assert vendor.put("/platforms/mindcloud", {"is_default": True}).status_code == 200
