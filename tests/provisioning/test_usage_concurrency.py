"""Reports that come at the same moment count once each, and no call waits for another in a circle."""

import pytest

from provisioning.models import UsageHour, UsageReport
from tests.conftest import DoorClient
from tests.provisioning.conftest import new_id, order
from tests.provisioning.usage import Vendor, measured, report
from tests.support import concurrency

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 5


@pytest.fixture
def resource(honey, new_door):
    partner_id = new_id()
    assert new_door().put(f"/v1/resources/{partner_id}", order(partner_id)).status_code == 201
    return partner_id


@pytest.fixture
def at_once(vendor):
    """Send each of these batches in a thread of its own; the answers."""

    def run(*batches):
        headers = {"HTTP_AUTHORIZATION": f"Bearer {vendor.token}"}

        def send(number):
            client = DoorClient(raise_request_exception=False)
            return client.post("/api/v1/usage", {"reports": batches[number]}, "application/json", **headers)

        return concurrency.at_once(send, len(batches))

    return run


def outcomes(answers):
    return sorted((answer.status_code, answer.json().get("recorded")) for answer in answers)


def test_the_same_report_from_several_at_once_counts_once(at_once, resource, new_door):
    for n in range(ROUNDS):
        batch = [report(f"k{n}", resource=resource)]
        assert outcomes(at_once(*[batch] * 4)) == [(200, 0), (200, 0), (200, 0), (200, 1)]
    assert UsageReport.objects.count() == ROUNDS
    assert measured(new_door(), resource) == {"honey": 3 * ROUNDS}


def test_different_reports_of_one_key_at_once_are_one_and_conflicts(at_once, resource):
    for n in range(ROUNDS):
        batches = [[report(f"k{n}", resource=resource, quantity=quantity)] for quantity in range(1, 4)]
        assert sorted(answer.status_code for answer in at_once(*batches)) == [200, 409, 409]
    assert sum(row.quantity for row in UsageReport.objects.all()) == UsageHour.objects.get().quantity


def test_batches_that_overlap_in_opposite_orders_all_succeed(at_once, resource, new_door):
    for n in range(ROUNDS):
        batch = [report(f"{n}/{i}", resource=resource, at=f"2026-05-{i % 28 + 1:02}T12:00:00Z") for i in range(100)]
        answers = at_once(batch, batch[::-1], batch[50:] + batch[:50])
        assert {answer.status_code for answer in answers} == {200}
        assert sum(answer.json()["recorded"] for answer in answers) == 100
    assert measured(new_door(), resource) == {"honey": 3 * 100 * ROUNDS}


def test_sums_lose_nothing_when_many_report_for_one_hour(at_once, resource, new_door):
    batches = [[report(f"{n}/{i}", resource=resource, quantity=n) for i in range(20)] for n in range(1, 7)]
    assert {answer.status_code for answer in at_once(*batches)} == {200}
    assert measured(new_door(), resource) == {"honey": 20 * 21}


def test_of_several_corrections_at_once_one_is_made(at_once, resource, new_door):
    for n in range(ROUNDS):
        at_once([report(f"{n}", resource=resource, quantity=100)])
        batches = [[report(f"{n}/{i}", resource=resource, quantity=1, corrects=f"{n}")] for i in range(3)]
        assert sorted(answer.status_code for answer in at_once(*batches)) == [200, 409, 409]
    assert measured(new_door(), resource) == {"honey": ROUNDS}


def test_corrections_in_opposite_orders_wait_for_each_other_one_way(at_once, resource, new_door):
    for n in range(ROUNDS):
        at_once([report(f"{n}/{i}", resource=resource) for i in range(50)])
        first = [report(f"{n}/a{i}", resource=resource, quantity=1, corrects=f"{n}/{i}") for i in range(50)]
        second = [report(f"{n}/b{i}", resource=resource, quantity=1, corrects=f"{n}/{i}") for i in reversed(range(50))]
        assert sorted(answer.status_code for answer in at_once(first, second)) == [200, 409]
    assert measured(new_door(), resource) == {"honey": 50 * ROUNDS}


def test_a_report_was_received_when_the_trail_says(at_once, resource, trail):
    at_once([report(f"{n}", resource=resource) for n in range(3)])
    line = trail.one(action="usage.reported")
    assert UsageReport.objects.filter(received_at=line.at).count() == 3


def test_a_vendor_may_report_for_resources_of_every_state_at_once(resource, new_door):
    """A resource that goes while it is reported: the report counts before, or is refused after; never an error."""
    vendor = Vendor(DoorClient(raise_request_exception=False), name="second")
    acts = [lambda: vendor.report(resource), lambda: new_door().delete(f"/v1/resources/{resource}")]
    reported, deleted = concurrency.at_once(lambda number: acts[number](), 2)
    assert (deleted.status_code, reported.status_code in (200, 404)) == (204, True)
