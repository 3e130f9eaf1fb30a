"""Bad reports: a problem document that says what is wrong, and nothing recorded."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from provisioning.models import Marketplace, Plan, Product, Resource, UsageReport
from provisioning.vendor_api.usage import MAX_BODY
from tests.provisioning.conftest import new_id
from tests.provisioning.usage import Vendor, meter, report

PROBLEM = "urn:credservice:problem:"


def refused(answer, status, code, about=""):
    body = answer.json()
    assert (answer.status_code, body["status"], body["type"]) == (status, status, PROBLEM + code), body
    assert answer["Content-Type"] == "application/problem+json"
    assert about in body["detail"]
    assert not UsageReport.objects.exists()
    return body


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("key", value) for value in ("", "x" * 256, 7, None, "line\nbreak", "\u202e")],
        *[("feature", value) for value in ("", None, 3, ["honey"], "x" * 256)],
        *[("quantity", value) for value in (-1, 2**63, 1.5, 3.0, "3", None, True, [3], 1e300)],
        *[("at", value) for value in ("", "yesterday", "2026-05-10", "2026-05-10T12:00:00", 1778414400, None)],
        *[("at", value) for value in ("2026-02-29T12:00:00Z", "2026-05-10T24:00:00Z", "2026-05-10 12:00:00Z")],
        *[("at", value) for value in ("1999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+14:00")],
        ("at", "9999-12-31T23:59:59-12:00"),
        *[("corrects", value) for value in ("", 7, None, "x" * 256)],
        ("correct", True),
        ("resource_id", "x"),
    ],
)
def test_a_malformed_report(vendor, honey, resource_id, name, value):
    refused(vendor.report(resource_id, **{name: value}), 400, "invalid_request", about=name)


@pytest.mark.parametrize("name", ["key", "feature", "quantity", "at"])
def test_a_report_that_lacks_something(vendor, honey, resource_id, name):
    body = report()
    del body[name]
    answer = vendor.post(f"/api/v1/resources/{resource_id}/usage", body)
    refused(answer, 400, "invalid_request", about=name)


def test_every_mistake_of_a_report_has_its_place(vendor, honey, resource_id):
    problem = refused(vendor.report(resource_id, quantity="3", at="now"), 400, "invalid_request")
    assert [each["pointer"] for each in problem["errors"]] == ["/quantity", "/at"]


def test_a_batch_has_every_mistake_with_its_place(vendor, honey, resource_id):
    answer = vendor.batch(report("a", resource=resource_id, quantity=-1), 7, report("b"))
    pointers = [each["pointer"] for each in refused(answer, 400, "invalid_request")["errors"]]
    assert pointers == ["/reports/0/quantity", "/reports/1", "/reports/2/resource"]


def test_a_feature_that_is_not_metered_has_its_place(vendor, honey, resource_id):
    problem = refused(vendor.report(resource_id, feature="fish"), 400, "not_metered")
    assert problem["errors"][0]["pointer"] == "/feature"


def test_a_time_too_far_ahead(vendor, honey, resource_id):
    at = datetime.now(UTC) + timedelta(days=31, minutes=1)
    refused(vendor.report(resource_id, at=at.isoformat()), 400, "invalid_request", about="31 days")
    assert vendor.report(resource_id, at=(at - timedelta(minutes=2)).isoformat()).status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b'{"key": "a", "key": "b"}', b'{"quantity": NaN}', b"\xff"])
@pytest.mark.parametrize("path", ["/api/v1/usage", "/api/v1/resources/x/usage"])
def test_a_body_that_is_no_report(vendor, db, path, body):
    refused(vendor.post(path, body), 400, "invalid_request")


@pytest.mark.parametrize("body", [{}, {"reports": []}, {"reports": {}}, {"reports": [{}] * 1001}])
def test_a_batch_that_is_none(vendor, db, body):
    refused(vendor.post("/api/v1/usage", body), 400, "invalid_request", about="1 to 1000")


def test_a_batch_with_something_beside_it(vendor, honey, resource_id):
    body = {"reports": [report(resource=resource_id)], "resource": resource_id}
    refused(vendor.post("/api/v1/usage", body), 400, "invalid_request", about="nothing beside")


def test_every_bad_report_of_a_batch_is_named(vendor, honey, resource_id):
    good, gone = report("a", resource=resource_id), new_id()
    answer = vendor.batch(good, report("b", resource=gone), report("c", resource=resource_id, feature="fish"))
    assert [(p["index"], p["code"]) for p in refused(answer, 404, "unknown_resource")["problems"]] == [
        (1, "unknown_resource"),
        (2, "not_metered"),
    ]


@pytest.mark.parametrize("entry", [7, None, "report", [], {}])
def test_malformed_reports_of_a_batch_are_named_by_their_place(vendor, honey, resource_id, entry):
    answer = vendor.batch(report(resource=resource_id), entry, report(resource=resource_id, at="now"))
    assert [p["index"] for p in refused(answer, 400, "invalid_request")["problems"]] == [1, 2]


@pytest.mark.parametrize(
    "name", ["2" * 29, "0d6c3a5e-3b1d-4b52-9d2b-0d1f6a3b2c4d", "x", "0" * 36, "%00", "%ff", "x" * 3000]
)
def test_an_unknown_resource(vendor, honey, name):
    refused(vendor.report(name), 404, "unknown_resource", about="There is no resource")


def test_a_deprovisioned_resource(vendor, door, honey, resource_id):
    assert door.delete(f"/v1/resources/{resource_id}").status_code == 204
    refused(vendor.report(resource_id), 404, "resource_gone", about="deprovisioned")


def test_a_resource_that_is_being_deprovisioned(vendor, honey, resource_id):
    Resource.objects.update(state="deprovisioning")
    refused(vendor.report(resource_id), 404, "resource_gone")


def test_a_suspended_resource_may_still_be_reported(vendor, honey, resource_id):
    Resource.objects.update(state="suspended")
    assert vendor.report(resource_id).status_code == 200


@pytest.mark.parametrize("feature", ["fish", "age", "Honey", "storage"])
def test_a_feature_that_the_plan_does_not_meter(vendor, bear, honey, resource_id, feature):
    meter(bear, "storage", Plan.objects.get(label="ursa-major"))
    body = refused(vendor.report(resource_id, feature=feature), 400, "not_metered", about=feature)
    assert "Choose one of: honey." in body["detail"]


def test_an_id_that_two_marketplaces_use(vendor, bear, honey, resource_id):
    other = Marketplace.objects.create(name="other", connector_url="https://connector.example/v1")
    product = Product.objects.create(marketplace=other, label="bear", policy=bear.policy, regions=["all::global"])
    row = Resource.objects.get()
    plan = Plan.objects.create(product=product, label="small")
    row.pk, row.marketplace, row.product, row.plan = None, other, product, plan
    row.save(force_insert=True)
    body = refused(vendor.report(resource_id), 409, "ambiguous_resource")
    ours = Resource.objects.get(marketplace__name="manifold").pk
    assert str(ours) in body["detail"]
    assert vendor.report(str(ours)).status_code == 200
    Resource.objects.filter(marketplace=other).update(state="deprovisioned")  # it does not count any more
    assert vendor.report(resource_id).status_code == 200


def test_a_token_without_the_scope(client, honey, resource_id):
    checker = Vendor(client, scopes=["credentials:introspect"], name="checker")
    refused(checker.report(resource_id), 403, "missing_scope", about="usage:write")
    refused(checker.batch(report(resource=resource_id)), 403, "missing_scope")


@pytest.mark.parametrize("path", ["/api/v1/usage", "/api/v1/resources/x/usage"])
def test_a_call_without_a_token(client, db, path):
    answer = client.post(path, report(), "application/json")
    refused(answer, 401, "unauthenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/api/v1/usage", "/api/v1/resources/x/usage"])
def test_another_method(vendor, db, path):
    headers = {"HTTP_AUTHORIZATION": f"Bearer {vendor.token}"}
    assert vendor.client.get(path, **headers).status_code == 405
    assert vendor.client.post(path, "key=a", "text/plain", **headers).status_code == 415


@pytest.mark.parametrize("path", ["/api/v1/usage/x", "/api/v1/resources/x/usage/y"])
def test_another_path(vendor, db, path):
    refused(vendor.post(path, report()), 404, "not_found")


def test_a_body_that_is_too_long(vendor, honey, resource_id):
    body = json.dumps({"reports": [report("x" * MAX_BODY, resource=resource_id)]})
    refused(vendor.post("/api/v1/usage", body), 413, "too_large", about="512 KiB")


def test_a_chunked_body_that_was_cut(vendor, honey, resource_id):
    headers = {"HTTP_AUTHORIZATION": f"Bearer {vendor.token}", "HTTP_TRANSFER_ENCODING": "chunked"}
    body = json.dumps({"reports": [report(str(n), resource=resource_id) for n in range(1000)]})[: 64 * 1024 + 1]
    refused(vendor.client.post("/api/v1/usage", body, "application/json", **headers), 413, "too_large", about="Length")


def test_nobody_without_a_token_has_a_long_body_read(client, db):
    answer = client.post("/api/v1/usage", "x" * (MAX_BODY + 1), "application/json")
    refused(answer, 401, "unauthenticated")
