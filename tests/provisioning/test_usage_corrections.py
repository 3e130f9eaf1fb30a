"""A correction is a report of its own that takes the place of another."""

import pytest

from provisioning.models import UsageHour, UsageReport
from tests.provisioning.usage import measured, meter, report

MAY, JUNE, JULY = "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z"


@pytest.fixture
def counted(vendor, door, honey, resource_id):
    """A resource with one report, k1, of 3 in May; what it has used in a period."""
    assert vendor.report(resource_id).status_code == 200
    return lambda start=MAY, end=JUNE: measured(door, resource_id, start, end)


@pytest.mark.parametrize("quantity", [0, 2, 2**63 - 1])
def test_a_correction_replaces_the_quantity(vendor, counted, resource_id, quantity):
    answer = vendor.report(resource_id, key="k2", quantity=quantity, corrects="k1")
    assert answer.json() == {"recorded": 1, "repeated": 0}
    assert counted() == {"honey": quantity}
    assert counted("2026-05-10T11:59:59Z", "2026-05-10T12:00:00.000001Z") == {"honey": quantity}


def test_a_correction_may_move_the_time_to_another_month(vendor, counted, resource_id):
    vendor.report(resource_id, key="k2", at="2026-06-10T12:00:00Z", corrects="k1")
    assert (counted(), counted(JUNE, JULY)) == ({"honey": 0}, {"honey": 3})


def test_a_correction_may_change_the_feature(vendor, counted, bear, resource_id):
    meter(bear, "fish")
    vendor.report(resource_id, key="k2", feature="fish", corrects="k1")
    assert counted() == {"honey": 0, "fish": 3}


def test_a_correction_is_corrected_in_turn(vendor, counted, resource_id):
    vendor.report(resource_id, key="k2", quantity=9, corrects="k1")
    vendor.report(resource_id, key="k3", quantity=5, corrects="k2")
    assert counted() == {"honey": 5}


def test_a_late_repetition_of_an_older_correction_changes_nothing(vendor, counted, resource_id):
    vendor.report(resource_id, key="k2", quantity=9, corrects="k1")
    vendor.report(resource_id, key="k3", quantity=5, corrects="k2")
    assert vendor.report(resource_id, key="k2", quantity=9, corrects="k1").json() == {"recorded": 0, "repeated": 1}
    assert vendor.report(resource_id).json() == {"recorded": 0, "repeated": 1}
    assert counted() == {"honey": 5}


def test_every_version_is_kept_as_it_came(vendor, counted, resource_id):
    vendor.report(resource_id, key="k2", quantity=9, corrects="k1")
    rows = UsageReport.objects.order_by("id").values_list("key", "quantity", "corrects", "is_corrected")
    assert list(rows) == [("k1", 3, "", True), ("k2", 9, "k1", False)]
    assert [hour.quantity for hour in UsageHour.objects.all()] == [9]


def test_a_report_is_corrected_once(vendor, counted, resource_id):
    vendor.report(resource_id, key="k2", quantity=9, corrects="k1")
    answer = vendor.report(resource_id, key="k3", quantity=5, corrects="k1")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:credservice:problem:corrected_already")
    assert counted() == {"honey": 9}


def test_what_was_not_reported_cannot_be_corrected(vendor, counted, resource_id):
    answer = vendor.report(resource_id, key="k2", corrects="unknown")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:credservice:problem:unknown_report")
    assert counted() == {"honey": 3}


def test_a_report_of_another_resource_cannot_be_corrected(vendor, counted, other_id):
    assert vendor.report(other_id, key="k2", corrects="k1").status_code == 404
    assert counted() == {"honey": 3}


def test_the_same_key_with_and_without_a_correction_are_two_reports(vendor, counted, resource_id):
    vendor.report(resource_id, key="k2", corrects="k1")
    assert vendor.report(resource_id, key="k2").status_code == 409


def test_a_batch_may_correct_what_it_reports(vendor, counted, resource_id):
    first = report("z", resource=resource_id, quantity=100)
    second = report("y", resource=resource_id, quantity=50, corrects="z")
    third = report("x", resource=resource_id, quantity=20, corrects="y")
    assert vendor.batch(first, second, third).json() == {"recorded": 3, "repeated": 0}
    assert counted() == {"honey": 23}


def test_a_batch_corrects_nothing_before_it_is_reported(vendor, counted, resource_id):
    circle = [report("a", resource=resource_id, corrects="b"), report("b", resource=resource_id, corrects="a")]
    answer = vendor.batch(*circle)
    assert (answer.status_code, [p["index"] for p in answer.json()["problems"]]) == (404, [0])
    assert counted() == {"honey": 3}


def test_a_report_cannot_correct_itself(vendor, counted, resource_id):
    assert vendor.report(resource_id, key="k2", corrects="k2").status_code == 400


def test_corrections_are_counted_in_the_trail(vendor, counted, resource_id, trail):
    vendor.report(resource_id, key="k2", corrects="k1")
    assert trail.all(action="usage.reported")[-1].detail["corrections"] == 1
