"""``POST /bulk`` and ``GET /export``."""

import io
import json
from typing import Any

import pytest

from credservice.credentials.models import Credential
from exchange.bulk.ndjson_reader import MAX_EMPTY
from exchange.models import EndUser
from exchange.vendor_api.bulk import _a_place
from tests.exchange.bulk.imports import ndjson, row
from tests.vendor_api.client import Vendor, refused

pytestmark = pytest.mark.django_db
SECRET = "canary-imported-value-55667788"


def bulk(
    vendor: Vendor, content: bytes, query: str = "", media_type: str = "application/x-ndjson", **extra: Any
) -> Any:
    headers = {"Authorization": f"Bearer {vendor.token}"}
    return vendor.client.generic("POST", f"/api/v1/bulk{query}", content, media_type, headers=headers, **extra)


def test_rows_are_counted_and_refusals_come_by_line(vendor, door, trail):
    answer = bulk(vendor, ndjson(row(1, value=SECRET), row(2, state="gone"), {"external_id": "customer-1"}))
    body = answer.json()
    assert [body[name] for name in ("rows", "created", "changed", "unchanged", "failed", "last_line")] == [
        3,
        1,
        0,
        1,
        1,
        3,
    ]
    assert [(each["line"], each["problem"]["errors"][0]["pointer"]) for each in body["errors"]] == [(2, "/state")]
    assert trail.one(action="import.committed").actor == "token:backend"


def test_a_body_longer_than_other_routes_take_is_read_in_pieces(vendor, door):
    content = ndjson(*(row(n, name="N" * 200) for n in range(1_500)))
    assert len(content) > 64 * 1024
    assert bulk(vendor, content).json()["created"] == 1_500


def test_a_dry_run_writes_nothing(vendor, door):
    assert bulk(vendor, ndjson(row(1, value=SECRET)), "?dry_run=true").json()["created"] == 1
    assert not EndUser.objects.filter(external_id="bulk-1").exists()


def test_it_stops_where_it_is_to(vendor, door):
    body = bulk(vendor, ndjson(row(1), row(2, state="gone")), "?on_error=stop").json()
    assert (body["stopped"], body["failed"], body["last_line"]) == (True, 1, 0)
    assert not EndUser.objects.filter(external_id="bulk-1").exists()


def test_what_is_no_import_is_refused(vendor, door, settings):
    refused(bulk(vendor, ndjson(row(1)), media_type="application/json"), 415, "unsupported_media_type")
    refused(bulk(vendor, b""), 400, "invalid_request")
    refused(bulk(vendor, ndjson(row(1)), "?on_error=never"), 400, "invalid_request", "?on_error")
    settings.IMPORT_MAX_BYTES = 10
    refused(bulk(vendor, ndjson(row(1))), 413, "too_large")


@pytest.mark.parametrize("count", [2, 2_000])
def test_a_body_without_its_line_ends_is_told_how_to_be_sent(vendor, door, count):
    (error,) = bulk(vendor, ndjson(*(row(n) for n in range(count))).replace(b"\n", b"")).json()["errors"]
    assert (error["line"], "Was it sent with --data-binary?" in error["problem"]["detail"]) == (1, True)


@pytest.mark.parametrize("body", [ndjson(b"{", row(2)), ndjson(b"{"), ndjson(row(1, state="gone")).rstrip()])
def test_a_bad_line_of_a_sound_body_is_not(vendor, door, body):
    assert "--data-binary" not in str(bulk(vendor, body).json())


def test_imports_take_one_thread_of_a_process_and_no_more(vendor, door):
    with _a_place():
        answer = bulk(vendor, ndjson(row(1)))
    refused(answer, 503, "unavailable")
    assert answer["Retry-After"] == "5"
    assert bulk(vendor, ndjson(row(1))).json()["created"] == 1


def test_a_body_that_is_cut_off_between_two_lines_is_refused(vendor, door):
    content = ndjson(row(1))
    cut = {"wsgi.input": io.BytesIO(content), "CONTENT_LENGTH": str(len(content) + 1)}
    refused(bulk(vendor, content, **cut), 400, "invalid_request")


def test_a_body_of_empty_lines_is_no_work(vendor, door):
    assert bulk(vendor, b"\n" * MAX_EMPTY + ndjson(row(1))).json()["created"] == 1
    refused(bulk(vendor, b"\n" * (1024 * 1024)), 400, "invalid_request")


def test_no_more_is_begun_after_the_time_of_a_request(vendor, door, monkeypatch):
    monkeypatch.setattr("exchange.vendor_api.bulk.REQUEST_SECONDS", -1)
    refused(bulk(vendor, ndjson(row(1))), 503, "unavailable")
    assert not EndUser.objects.filter(external_id="bulk-1").exists()


def test_an_export_goes_on_behind_its_last_line(vendor, door):
    bulk(vendor, ndjson(*(row(n, value=SECRET) for n in range(5))))
    first = lines(vendor.get("/export?kind=credentials&limit=3"))
    assert first[-1] == {"kind": "end", "after": first[-2]["id"]}
    second = lines(vendor.get(f"/export?kind=credentials&after={first[-1]['after']}"))
    assert second[-1] == {"kind": "end", "after": None}
    found = {each["id"] for each in first[:-1] + second[:-1]}
    assert found == {str(pk) for pk in Credential.objects.values_list("pk", flat=True)}
    assert SECRET not in str(first + second)


@pytest.mark.parametrize("kind", ["end_users", "installations", "grants", "credentials", "resources"])
def test_each_kind_is_shown_as_its_own_route_shows_it(vendor, door, kind):
    door.grant(SECRET)
    shown = [{name: value for name, value in each.items() if name != "kind"} for each in exported(vendor, kind)]
    assert shown == sorted(vendor.get(f"/{kind.replace('_', '-')}").json()["items"], key=lambda each: str(each["id"]))


def test_an_export_is_recorded_and_an_unknown_kind_refused(vendor, door, trail):
    exported(vendor, "end_users")
    assert trail.one(action="data.exported").object_id == "end_users"
    refused(vendor.get("/export?kind=values"), 400, "invalid_request", "?kind")
    refused(vendor.get("/export"), 400, "invalid_request", "?kind")


def exported(vendor: Vendor, kind: str) -> list[Any]:
    answer = vendor.get(f"/export?kind={kind}", Accept="application/x-ndjson")
    assert answer["Content-Type"] == "application/x-ndjson"
    return lines(answer)[:-1]


def lines(answer: Any) -> list[Any]:
    return [json.loads(line) for line in answer.getvalue().splitlines()]
