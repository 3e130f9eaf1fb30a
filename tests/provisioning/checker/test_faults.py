"""Every case can fail, and says why: a check that cannot is worthless."""

import pytest

from provisioning.checker.cases.manifold import CASES
from provisioning.checker.runner import Result
from tests.provisioning.checker.support import outcome_with

# Case, fault of the provider, what the reason must say.
TABLE = [
    ("resource.provision.created", "provision answers 200", "expected 201 or 204, got 200"),
    ("resource.provision.created", "provision answers 202", "got 202 (a promise to call back"),
    ("resource.provision.created", "provision answers 500", "expected 201 or 204, got 500"),
    ("resource.provision.created", "redirects", "got 308 (a redirect to '/v1/elsewhere'"),
    ("resource.provision.created", "no message", "no `message`"),
    ("resource.provision.created", "short message", "`message` must be a text of 3 to 256 characters"),
    ("resource.provision.created", "text type", "the Content-Type of a JSON body is 'text/plain'"),
    ("resource.provision.without_features", "features required", "expected 201 or 204, got 400"),
    ("resource.provision.repeat", "repeat is a conflict", "expected 201 or 204, got 409"),
    ("resource.provision.conflict", "conflict ignored", "expected 409, got 201"),
    ("resource.provision.unknown_product", "any product", "expected 400, got 201"),
    ("resource.provision.unknown_product", "html errors", "the body is not JSON"),
    ("resource.provision.unknown_product", "no message", "no `message`"),
    ("resource.provision.unknown_plan", "any plan", "expected 400, got 201"),
    ("resource.provision.unknown_region", "any region", "expected 400, got 201"),
    ("resource.provision.missing_field", "fields optional", "expected 400, got 201"),
    ("resource.provision.broken_body", "broken body breaks", "expected 400, got 500"),
    ("resource.provision.wrong_type", "types unchecked", "expected 400, got 500"),
    ("resource.provision.unknown_feature", "any feature", "expected 400, got 201"),
    ("resource.provision.feature_value", "any feature value", "expected 400, got 201"),
    ("resource.provision.malformed_id", "any id", "expected 400, got 201"),
    ("resource.provision.other_id", "any id in the body", "expected 400, got 201"),
    ("resource.provision.unknown_field", "unknown fields refused", "expected 201 or 204, got 400"),
    ("resource.provision.reuse", "ids used again", "expected 409, got 201"),
    ("resource.deprovision.done", "deprovision answers 200", "expected 204, got 200"),
    ("resource.deprovision.again", "deprovisioned again", "expected 404, got 204"),
    ("resource.deprovision.unknown", "unknown deprovisioned", "expected 404, got 204"),
    ("resource.deprovision.credentials", "credentials outlive", "expected 404, got 204"),
    ("plan.change.done", "plan change answers 201", "expected 200 or 204, got 201"),
    ("plan.change.repeat", "same plan answers 409", "expected 200 or 204, got 409"),
    ("plan.change.same_plan", "same plan answers 202", "expected 200 or 204, got 202"),
    ("plan.change.kept", "plan change forgotten", "expected 201 or 204, got 409"),
    ("plan.change.unknown_plan", "any plan", "expected 400, got 200"),
    ("plan.change.missing_plan", "fields optional", "expected 400, got 200"),
    ("plan.change.broken_body", "broken body breaks", "expected 400, got 500"),
    ("plan.change.unknown_resource", "plan change of anything", "expected 404, got 200"),
    ("plan.change.deprovisioned", "plan change of anything", "expected 404, got 200"),
    ("credential.provision.created", "lower case name", "the credential name 'secret' does not match"),
    ("credential.provision.created", "credential answers 200", "expected 201, got 200"),
    ("credential.provision.repeat", "new values each time", "the second answer has other values for SECRET"),
    ("credential.provision.conflict", "conflict ignored", "expected 409, got 201"),
    ("credential.provision.unknown_resource", "credential of anything", "expected 404, got 201"),
    ("credential.provision.deprovisioned_resource", "credential of anything", "expected 404, got 201"),
    ("credential.provision.missing_field", "fields optional", "expected 400, got 404"),
    ("credential.provision.broken_body", "broken body breaks", "expected 400, got 500"),
    ("credential.provision.malformed_id", "any id", "expected 400, got 201"),
    ("credential.provision.other_id", "any id in the body", "expected 400, got 201"),
    ("credential.provision.reuse", "ids used again", "expected 409, got 201"),
    ("credential.deprovision.done", "credential deprovision answers 404", "expected 204, got 404"),
    ("credential.deprovision.again", "deprovisioned again", "expected 404, got 204"),
    ("credential.deprovision.unknown", "unknown deprovisioned", "expected 404, got 204"),
    ("rotation.swap", "one secret for all", "both credentials have the same values"),
    ("rotation.swap", "new values each time", "the first credential, asked for again beside the second, has other"),
    ("rotation.replace", "one secret for all", "both credentials have the same values"),
    ("rotation.one_at_a_time", "second credential allowed", "expected 409, got 201"),
    ("measures.month", "period not echoed", "`period_end` must be the moment that was asked for"),
    ("measures.half_open", "fractions", "the measure of 'honey' is not an integer"),
    ("measures.bad_period", "any period", "expected 400, got 200"),
    ("measures.reversed_period", "any period", "expected 400, got 200"),
    ("measures.unknown_resource", "measures of anything", "expected 404, got 200"),
    ("signature.accepted.live_key", "one live key", "expected 201 or 204, got 401"),
    ("signature.accepted.header_order", "fixed headers", "expected 201 or 204, got 401"),
    ("signature.accepted.more_headers", "fixed headers", "expected 201 or 204, got 401"),
    ("signature.accepted.query_order", "query unsorted", "expected 200 or 204, got 401"),
    ("signature.accepted.clock", "short tolerance", "expected 201 or 204, got 401"),
    ("signature.refused.without_effect", "acts before it checks", "expected 404, got 204"),
    ("signature.refused.missing", "unsigned allowed", "expected 401, got 201"),
    ("signature.refused.malformed", "unreadable signature breaks", "expected 401, got 500"),
    ("signature.refused.wrong", "signature unchecked", "expected 401, got 201"),
    ("signature.refused.unknown_master", "endorsement unchecked", "expected 401, got 201"),
    ("signature.refused.borrowed_endorsement", "endorsement unchecked", "expected 401, got 201"),
    ("signature.refused.broken_endorsement", "endorsement unchecked", "expected 401, got 201"),
    ("signature.refused.stale", "age unchecked", "expected 401, got 201"),
    ("signature.refused.future", "future allowed", "expected 401, got 201"),
    ("signature.refused.no_date", "date optional", "expected 401, got 201"),
    ("signature.refused.bad_date", "date optional", "expected 401, got 201"),
    ("signature.refused.no_signed_headers", "usual headers assumed", "expected 401, got 201"),
    ("signature.refused.body", "body rewritten", "expected 401, got 201"),
    ("signature.refused.query", "query dropped", "expected 401, got 201"),
    ("signature.refused.path", "signature unchecked", "expected 401, got 201"),
    ("signature.refused.method", "signature unchecked", "expected 401, got 201"),
    ("signature.refused.host", "signature unchecked", "expected 401, got 201"),
    ("signature.refused.callback", "signature unchecked", "expected 401, got 201"),
    ("signature.refused.host_not_signed", "unsigned headers allowed", "expected 401, got 201"),
    ("signature.refused.date_not_signed", "unsigned headers allowed", "expected 401, got 201"),
    ("signature.refused.content_not_signed", "unsigned headers allowed", "expected 401, got 201"),
    ("signature.refused.callback_not_signed", "unsigned headers allowed", "expected 401, got 201"),
    ("sso.accepted.done", "sso answers 204", "expected 200 or 302 or 303, got 204"),
    ("sso.accepted.done", "sso leads nowhere", "a 303 needs a Location"),
    ("sso.accepted.slash", "sso without slash", "expected 200 or 302 or 303, got 404"),
    ("sso.accepted.exchange", "code exchanged twice", "expected one token request for the code, got 2"),
    ("sso.accepted.exchange", "code sent as JSON", "the Content-Type of the token request is 'application/json'"),
    ("sso.accepted.resource", "resource unchecked", "no GET /v1/resources/:id came with the token"),
    ("sso.accepted.token", "token shown", "the answer to the browser holds the access token"),
    ("sso.refused.client", "token refusal ignored", "expected 401, got 303"),
    ("sso.refused.client", "sso refusal in JSON", "a page (text/html), not 'application/json'"),
    ("sso.refused.secret", "token refusal ignored", "expected 401, got 303"),
    ("sso.refused.secret", "sso refusal without words", "the page has no text"),
    ("sso.refused.expired", "token refusal ignored", "expected 401, got 303"),
    ("sso.refused.expired", "sso refusal with trace", "the page shows the provider's stack trace"),
    ("sso.refused.unknown", "token refusal ignored", "expected 401, got 303"),
    ("sso.refused.unknown", "sso refusal with session", "it sets the cookie session"),
    ("sso.refused.used", "code remembered", "expected 401, got 303"),
    ("sso.refused.tampered", "resource unchecked", "expected 401, got 303"),
    ("sso.refused.deprovisioned", "resource unchecked", "expected 401, got 303"),
    ("sso.refused.missing", "sso parameters unchecked", "expected 401, got 500"),
    ("sso.refused.connector", "connector failure breaks", "expected 401, got 500"),
    ("async.resource.provision", "no callback", "the callback did not come within 1 s"),
    ("async.resource.provision", "promise without message", "no `message`"),
    ("async.resource.provision", "callback without token", "within 1 s; these attempts were refused: no bearer token"),
    ("async.resource.provision", "callback state", "the callback's `state` must be 'done' or 'error'"),
    ("async.resource.provision", "callback message", "the callback's `message` must be a text of 3 to 256"),
    ("async.resource.provision", "callback field", "fields that are not documented: progress"),
    ("async.resource.provision", "callback with credentials", "only that of a credential's provisioning may"),
    ("async.resource.provision", "callback charset", "it must be exactly 'application/json'"),
    ("async.resource.provision", "callback no json", "the callback's body is not JSON"),
    ("async.resource.provision", "callback before the answer", "the callback came before its request was answered"),
    ("async.resource.plan", "no callback for PATCH resources", "the callback did not come within 1 s"),
    ("async.resource.deprovision", "no callback for DELETE resources", "the callback did not come within 1 s"),
    ("async.credential.provision", "callback without credentials", "the callback has no `credentials`"),
    ("async.credential.provision", "lower case name", "the callback's credential name 'secret' does not match"),
    ("async.credential.provision", "callback error", "then an error by callback: The bear did not wake. (what cannot"),
    ("async.credential.deprovision", "no callback for DELETE credentials", "the callback did not come within 1 s"),
    ("async.callback.error", "callback sent once", "refused: an attempt was answered with 500 on purpose"),
    ("async.callback.error", "callback rewritten", "a repeated callback has another body"),
    ("async.callback.dropped", "callback sent once", "refused: an attempt was broken off on purpose"),
    ("async.callback.token", "token kept", "a bearer token that is unknown, expired or refused before"),
    ("async.callback.once", "another callback follows", "a repeated callback has another body"),
    ("async.repeat.running", "oldest callback kept", "the callback did not come within 1 s"),
    ("async.repeat.running", "repeat refused while running", "expected 201 or 202 or 204, got 409"),
    ("async.repeat.nothing", "no-ops queued", "expected 200 or 204, got 202"),
    ("error.unknown_path", "html errors", "the body is not JSON"),
    ("error.unknown_method", "404 for 405", "expected 405, got 404"),
]


@pytest.mark.parametrize(("name", "fault", "reason"), TABLE, ids=[f"{row[0]}-{row[1]}" for row in TABLE])
def test_a_case_fails_for_its_fault_and_names_it(name, fault, reason):
    single = next(case.credentials == "single" for case in CASES if case.name == name)
    outcome = outcome_with(name, fault, single=single)
    assert outcome.result is Result.FAILED
    assert reason in outcome.lines[0]


def test_every_case_has_a_fault_that_fails_it():
    assert {row[0] for row in TABLE} == {case.name for case in CASES}


@pytest.mark.parametrize("name", ["resource.provision.unknown_plan", "plan.change.unknown_resource"])
def test_a_refusal_by_callback_is_none(name):
    outcome = outcome_with(name, "refused by callback", slow=True)
    assert outcome.result is Result.FAILED
    assert ", got 202, then an error by callback: " in outcome.lines[0]


def test_a_reason_shows_the_request_the_status_and_the_body():
    outcome = outcome_with("resource.provision.repeat", "repeat is a conflict")
    assert outcome.lines[1].startswith("PUT /v1/resources/")
    assert outcome.lines[1].endswith(" -> 409")
    assert outcome.lines[2] == '{"message": "This bear is awake already."}'


def test_a_forgery_that_passes_everywhere_is_named_for_every_endpoint():
    outcome = outcome_with("signature.refused.wrong", "signature unchecked")
    tried = {line.split("/")[0] + line.split("/")[2] for line in outcome.lines if "->" in line}
    puts = {"PUT resources", "PUT credentials"}
    assert tried == puts | {"PATCH resources", "GET resources", "DELETE credentials", "DELETE resources"}


def test_endpoints_that_fail_alike_are_told_together():
    outcome = outcome_with("signature.refused.stale", "400 for unreadable")
    assert [line for line in outcome.lines if "expected" in line] == [outcome.lines[0]]
    assert [line for line in outcome.lines if "message" in line] == [outcome.lines[-1]]
    assert len(outcome.lines) == 1 + 6 + 1


def test_a_failed_set_up_is_told_from_a_failed_case():
    outcome = outcome_with("plan.change.done", "provision answers 500")
    assert outcome.lines[0] == "could not set up a resource to work on: expected 201 or 204, got 500"
