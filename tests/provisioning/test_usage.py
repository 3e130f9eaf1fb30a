"""Usage reports through the vendor API, and what the marketplace is told of them."""

import pytest

from provisioning.models import Plan, Resource, UsageHour, UsageReport
from tests.provisioning.conftest import new_id
from tests.provisioning.usage import measured, meter, report


def test_a_report_is_measured(vendor, door, honey, resource_id):
    answer = vendor.report(resource_id, quantity=7)
    assert (answer.status_code, answer.json()) == (200, {"recorded": 1, "repeated": 0})
    assert measured(door, resource_id) == {"honey": 7}


def test_it_takes_our_id_and_a_final_slash(vendor, door, honey, resource_id):
    ours = Resource.objects.get().pk
    assert vendor.post(f"/api/v1/resources/{ours}/usage/", report()).status_code == 200
    assert vendor.post("/api/v1/usage/", {"reports": [report("k2", resource=str(ours).upper())]}).status_code == 200
    assert measured(door, resource_id) == {"honey": 6}


def test_a_batch_is_of_several_resources_and_features(vendor, door, bear, honey, resource_id, other_id):
    meter(bear, "fish")
    reports = [
        report("a", resource=resource_id),
        report("a", resource=other_id, quantity=1),
        report("b", resource=other_id, feature="fish", quantity=2**63 - 1),
        report("c", resource=other_id, feature="fish", quantity=2**63 - 1),
    ]
    assert vendor.batch(*reports).json() == {"recorded": 4, "repeated": 0}
    assert measured(door, resource_id) == {"honey": 3, "fish": 0}
    assert measured(door, other_id) == {"honey": 1, "fish": 2**64 - 2}


def test_a_thousand_reports_are_one_call(vendor, door, honey, resource_id, trail):
    key = "2026-05-10/" + "x" * 40
    reports = [report(f"{key}{n}", resource=resource_id, quantity=n) for n in range(1000)]
    assert vendor.batch(*reports).json() == {"recorded": 1000, "repeated": 0}
    assert measured(door, resource_id) == {"honey": 499500}
    assert trail.one(action="usage.reported").detail["recorded"] == 1000


def test_a_month_is_read_from_the_sums_of_its_hours_alone(vendor, door, honey, resource_id):
    vendor.batch(*(report(f"{n}", resource=resource_id, at=f"2026-05-{n + 1:02}T23:59:59Z") for n in range(31)))
    UsageReport.objects.all().delete()
    assert measured(door, resource_id) == measured(door, resource_id, end="2026-05-31T23:59:59Z") == {"honey": 93}


def test_the_same_report_again_is_the_same_success_and_counts_once(vendor, door, honey, resource_id):
    assert vendor.report(resource_id).status_code == 200
    again = vendor.report(resource_id, at="2026-05-10T14:00:00.000+02:00")
    assert (again.status_code, again.json()) == (200, {"recorded": 0, "repeated": 1})
    assert measured(door, resource_id) == {"honey": 3}


@pytest.mark.parametrize("change", [{"quantity": 4}, {"at": "2026-05-10T12:00:00.000001Z"}, {"feature": "fish"}])
def test_a_key_is_of_one_report(vendor, door, bear, honey, resource_id, change):
    meter(bear, "fish")
    vendor.report(resource_id)
    answer = vendor.report(resource_id, **change)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:credservice:problem:key_used")
    assert measured(door, resource_id) == {"honey": 3, "fish": 0}


def test_a_key_is_of_one_resource(vendor, door, honey, resource_id, other_id):
    assert vendor.report(resource_id).json() == vendor.report(other_id, quantity=9).json()
    assert (measured(door, resource_id), measured(door, other_id)) == ({"honey": 3}, {"honey": 9})


def test_a_batch_may_repeat_itself_but_not_contradict_itself(vendor, door, honey, resource_id):
    same = report(resource=resource_id)
    assert vendor.batch(same, same).json() == {"recorded": 1, "repeated": 1}
    answer = vendor.batch(report("k2", resource=resource_id), report("k2", resource=resource_id, quantity=0))
    assert (answer.status_code, [p["index"] for p in answer.json()["problems"]]) == (409, [1])
    assert measured(door, resource_id) == {"honey": 3}


def test_a_late_report_counts_for_its_own_month(vendor, door, honey, resource_id):
    vendor.report(resource_id, at="2018-05-31T23:59:59.999999Z")
    assert measured(door, resource_id, "2018-05-01T00:00:00Z", "2018-06-01T00:00:00Z") == {"honey": 3}
    assert measured(door, resource_id, "2018-06-01T00:00:00Z", "2018-07-01T00:00:00Z") == {"honey": 0}


def test_a_repetition_stays_a_success_when_the_resource_has_gone(vendor, door, honey, resource_id):
    vendor.report(resource_id)
    door.delete(f"/v1/resources/{resource_id}")
    assert vendor.report(resource_id).json() == {"recorded": 0, "repeated": 1}
    assert vendor.report(resource_id, key="k2").json()["type"] == "urn:credservice:problem:resource_gone"


def test_a_repetition_stays_a_success_when_the_plan_meters_it_no_longer(vendor, door, honey, resource_id):
    vendor.report(resource_id)
    honey.plans.set([Plan.objects.get(label="ursa-major")])
    assert vendor.report(resource_id).status_code == 200
    assert vendor.report(resource_id, key="k2").status_code == 400


def test_a_plan_change_brings_its_features_and_keeps_the_sums(vendor, door, bear, honey, resource_id):
    major = Plan.objects.get(label="ursa-major")
    meter(bear, "fish", major)
    vendor.report(resource_id)
    door.patch(f"/v1/resources/{resource_id}", {"plan": "ursa-major"})
    assert measured(door, resource_id) == {"honey": 3, "fish": 0}
    vendor.report(resource_id, key="k2", feature="fish")
    assert measured(door, resource_id) == {"honey": 3, "fish": 3}


def test_where_nothing_is_metered_there_is_no_content(vendor, door, honey, resource_id):
    vendor.report(resource_id)
    honey.plans.set([Plan.objects.get(label="ursa-major")])
    query = "period_start=2026-05-01T00:00:00Z&period_end=2026-06-01T00:00:00Z"
    assert door.get(f"/v1/resources/{resource_id}/measures?{query}").status_code == 204


def test_a_refused_batch_records_nothing(vendor, door, honey, resource_id, trail):
    answer = vendor.batch(report(resource=resource_id), report("k2", resource=new_id()))
    assert answer.status_code == 404
    assert not UsageReport.objects.exists()
    assert not UsageHour.objects.exists()
    assert not trail.all(action="usage.reported")


def test_a_call_is_one_line_in_the_trail(vendor, honey, resource_id, other_id, trail):
    vendor.report(resource_id)
    vendor.batch(report(resource=resource_id), report(resource=other_id))
    first, second = trail.all(action="usage.reported")
    resource = Resource.objects.get(partner_id=resource_id)
    assert (first.actor, first.object_id, first.subject) == ("token:billing", str(resource.pk), resource.subject)
    assert first.detail == {"recorded": 1, "repeated": 0, "corrections": 0, "resources": 1}
    assert (second.object_id, second.subject) == ("", "")
    assert second.detail == {"recorded": 1, "repeated": 1, "corrections": 0, "resources": 2}


def test_what_cannot_be_recorded_does_not_happen(vendor, honey, resource_id, monkeypatch):
    def fail(**_):
        raise RuntimeError

    monkeypatch.setattr("provisioning.services.usage.record", fail)
    assert vendor.report(resource_id).status_code == 500
    assert not UsageReport.objects.exists()
