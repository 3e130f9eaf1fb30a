"""Pages by keyset: none is lost, none comes twice, whatever happens in between."""

import pytest

from exchange.models import EndUser
from tests.vendor_api.client import refused


@pytest.fixture
def many(vendor, door):
    """The door's end user and nine more, the newest first."""
    EndUser.objects.bulk_create(
        EndUser(platform=door.platform, end_user_id=f"enduser_{n}", external_id=f"customer-{n + 10}") for n in range(9)
    )
    return [str(pk) for pk in EndUser.objects.order_by("-created_at", "-pk").values_list("pk", flat=True)]


@pytest.mark.parametrize("limit", [1, 3, 9, 10, 11])
def test_the_pages_make_the_whole(vendor, many, limit):
    assert [item["id"] for item in vendor.all_pages(f"/end-users?limit={limit}")] == many


def test_rows_with_one_time_are_told_apart(vendor, many, door):
    EndUser.objects.update(created_at=door.end_user.created_at)
    seen = [item["id"] for item in vendor.all_pages("/end-users?limit=3")]
    assert (len(seen), set(seen)) == (10, set(many))


def test_what_is_added_or_removed_meanwhile_moves_nothing(vendor, many, door):
    first = vendor.get("/end-users?limit=4").json()
    EndUser.objects.create(platform=door.platform, end_user_id="enduser_new")
    EndUser.objects.filter(pk=first["items"][-1]["id"]).delete()
    second = vendor.get(first["next"].removeprefix("/api/v1")).json()
    assert [item["id"] for item in second["items"]] == many[4:8]


def test_the_link_is_a_header_as_well(vendor, many):
    answer = vendor.get("/end-users?limit=4")
    assert answer["Link"] == f'<{answer.json()["next"]}>; rel="next"'
    last = vendor.get("/end-users?limit=50")
    assert (last.json()["next"], "Link" in last) == (None, False)


def test_the_link_keeps_the_filters(vendor, many):
    following = vendor.get("/end-users?limit=2&state=active").json()["next"]
    assert "state=active" in following
    assert "limit=2" in following


def test_a_cursor_that_was_changed_is_refused(vendor, many):
    cursor = vendor.get("/end-users?limit=4").json()["next"].partition("cursor=")[2]
    for wrong in (cursor[:-1] + ("A" if cursor[-1] != "A" else "B"), "nonsense", cursor + "x", "%00"):
        refused(vendor.get(f"/end-users?limit=4&cursor={wrong}"), 400, "invalid_request")


def test_a_cursor_of_another_list_or_filter_is_refused(vendor, many):
    cursor = vendor.get("/end-users?limit=4").json()["next"].partition("cursor=")[2]
    refused(vendor.get(f"/installations?cursor={cursor}"), 400, "invalid_request", "?cursor")
    refused(vendor.get(f"/end-users?state=active&cursor={cursor}"), 400, "invalid_request", "?cursor")


def test_a_page_may_have_another_length_than_the_one_before(vendor, many):
    cursor = vendor.get("/end-users?limit=4").json()["next"].partition("cursor=")[2]
    items = vendor.get(f"/end-users?limit=2&cursor={cursor}").json()["items"]
    assert [item["id"] for item in items] == many[4:6]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "?limit"),
        ("limit=201", "?limit"),
        ("limit=ten", "?limit"),
        ("state=asleep", "?state"),
        ("stat=active", "?stat"),
        ("limit=2&limit=3", "?limit"),
    ],
)
def test_a_bad_parameter_is_named(vendor, db, query, pointer):
    refused(vendor.get(f"/end-users?{query}"), 400, "invalid_request", pointer)


@pytest.mark.parametrize(
    "path",
    ["/platforms", "/integrations", "/policies", "/installations", "/end-users", "/credentials", "/audit-events"],
)
def test_a_page_costs_three_queries_however_long(vendor, many, door, path, django_assert_num_queries):
    door.grant()
    with django_assert_num_queries(3):  # token, limit, the page
        assert vendor.get(f"{path}?limit=1").status_code == 200
    with django_assert_num_queries(3):
        assert vendor.get(f"{path}?limit=200").status_code == 200


def test_the_trail_is_read_page_by_page(vendor, many):
    for name in ("Ada", "Grace"):
        vendor.put("/end-users/customer-1", {"name": name})
    events = vendor.all_pages("/audit-events?limit=1&action=end_user.changed&since=2020-01-01T00:00:00Z")
    assert [event["actor"] for event in events][:2] == ["token:backend"] * 2
    assert vendor.get(f"/audit-events/{events[0]['id']}").json() == events[0]
