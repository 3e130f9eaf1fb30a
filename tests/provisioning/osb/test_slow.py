"""Work that takes long: taken on with 202, polled, and met by whatever the platform sends meanwhile."""

import pytest

from credservice.issuers.base import IssueFailed
from provisioning import tasks
from provisioning.manifold.sweep import sweep
from provisioning.models import Operation, Resource
from provisioning.provisioners import Never, NotYet
from tests.provisioning.osb.conftest import at, named, new_id, offer
from tests.provisioning.test_outside_issuers import OutsideIssuer, away, back
from tests.support.metrics import scrape

INCOMPLETE = "?accepts_incomplete=true"


class Vendor:
    """Set what the vendor's endpoint answers with: a sentence, or an exception."""

    answer: object = "Done by the vendor."
    acts: list[str]

    def __init__(self):
        self.acts = []

    def act(self, act, operation_id, content):
        self.acts.append(act)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def vendor(queue, settings, monkeypatch):
    """The vendor's own system makes the instances."""
    vendor = Vendor()
    monkeypatch.setattr("provisioning.services.operation_worker.get_provisioner", lambda alias: vendor)
    queue.provisioner = "vendor"
    queue.save()
    return vendor


@pytest.fixture
def issuer(queue, settings, policy, monkeypatch):
    """Somebody else makes the credentials, and takes long."""
    settings.CREDENTIAL_ISSUERS = {"outside": {"BACKEND": "tests.provisioning.test_outside_issuers.OutsideIssuer"}}
    monkeypatch.setattr(OutsideIssuer, "trouble", None)
    monkeypatch.setattr(OutsideIssuer, "made", {})
    policy.issuer, policy.options = "outside", {}
    policy.save()
    queue.slow_credentials = True
    queue.save()
    return OutsideIssuer


def work():
    for pk in Operation.objects.filter(state__in=Operation.LIVE).values_list("pk", flat=True):
        tasks.operate(str(pk))


def state(platform, path, operation=None):
    answer = platform.get(f"{path}/last_operation" + (f"?operation={operation}" if operation else ""))
    return answer.status_code, answer.json().get("state")


def test_slow_work_needs_a_platform_that_polls(platform, vendor, small):
    answer = platform.put(at(new_id()), offer(small))
    assert (answer.status_code, answer.json()["error"]) == (422, "AsyncRequired")
    assert not Resource.objects.exists()


def test_an_instance_is_polled_until_it_is_there(platform, vendor, queue, small):
    queue.dashboard_url = "https://queue.example"
    queue.save()
    path = at(new_id())
    first, again = (platform.put(path + INCOMPLETE, offer(small)) for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert (first.status_code, first.json()["dashboard_url"]) == (202, "https://queue.example")
    operation = first.json()["operation"]
    assert platform.get(path).status_code == 404
    assert state(platform, path) == state(platform, path, operation) == (200, "in progress")
    assert int(platform.get(path + "/last_operation")["Retry-After"]) >= 1
    work()
    assert state(platform, path) == (200, "succeeded")
    assert platform.get(path + "/last_operation").json()["description"] == "Done by the vendor."
    assert platform.put(path + INCOMPLETE, offer(small)).status_code == 200
    assert platform.get(path).status_code == 200


def test_work_under_way_is_counted_by_protocol(platform, vendor, small, client):
    platform.put(at(new_id()) + INCOMPLETE, offer(small))
    labels = {"protocol": "osb", "verb": "provision"}
    assert scrape(client).value("credservice_operations_waiting", **labels) == 1
    assert scrape(client).value("credservice_operations_stuck", **labels) == 0
    Operation.objects.update(attempts=5)
    assert scrape(client).value("credservice_operations_stuck", **labels) == 1


def test_the_next_poll_is_after_the_next_attempt(platform, vendor, small):
    vendor.answer = NotYet("busy", 90)
    path = at(new_id())
    platform.put(path + INCOMPLETE, offer(small))
    work()
    assert 60 < int(platform.get(path + "/last_operation")["Retry-After"]) <= 91


def test_while_one_is_made_all_else_has_to_wait(platform, vendor, small, large):
    path = at(new_id())
    platform.put(path + INCOMPLETE, offer(small))
    for answer in (
        platform.put(at(path.rpartition("/")[2], new_id()) + INCOMPLETE, offer(small)),
        platform.patch(path + INCOMPLETE, {"service_id": str(small.product_id), "plan_id": str(large.pk)}),
        platform.delete(path + named(small) + "&accepts_incomplete=true"),
        platform.delete(path + named(small)),
    ):
        assert (answer.status_code, answer.json()["error"]) == (422, "ConcurrencyError")
    assert platform.put(path + INCOMPLETE, offer(large)).status_code == 409
    assert vendor.acts == []


def test_an_orphan_is_removed_when_its_making_is_over(platform, vendor, small):
    """Orphan mitigation: the delete comes while the create runs, and again until it is 200 or 410."""
    path, delete = at(new_id()), named(small) + "&accepts_incomplete=true"
    platform.put(path + INCOMPLETE, offer(small))
    assert platform.delete(path + delete).status_code == 422
    work()
    assert platform.delete(path + delete).status_code == 202
    work()
    assert state(platform, path) == (200, "succeeded")
    assert platform.delete(path + delete).status_code == 410
    assert vendor.acts == ["provision", "deprovision"]


def test_what_could_not_be_made_is_failed_and_gone(platform, vendor, small):
    vendor.answer = Never("no", "The quota is used up.")
    path = at(new_id())
    platform.put(path + INCOMPLETE, offer(small))
    work()
    found = platform.get(path + "/last_operation").json()
    assert found == {"state": "failed", "description": "The quota is used up."}
    assert platform.get(path).status_code == 404
    assert platform.delete(path + named(small)).status_code == 410


def test_a_failed_update_leaves_all_as_it_was(platform, vendor, small, large):
    path = at(new_id())
    platform.put(path + INCOMPLETE, offer(small))
    work()
    vendor.answer = Never("no", "Too large.")
    update = {"service_id": str(small.product_id), "plan_id": str(large.pk)}
    assert platform.patch(path + INCOMPLETE, update).status_code == 202
    assert platform.get(path).status_code == 422
    work()
    found = platform.get(path + "/last_operation").json()
    assert found == {
        "state": "failed", "description": "Too large.", "instance_usable": True, "update_repeatable": True
    }  # fmt: skip
    assert platform.get(path).json()["plan_id"] == str(small.pk)


def test_work_that_nobody_polls_is_not_abandoned(platform, vendor, small, monkeypatch):
    path = at(new_id())
    platform.put(path + INCOMPLETE, offer(small))
    Operation.objects.update(created_at="2020-01-01T00:00:00Z")
    sweep()
    assert Operation.objects.get().state == "queued"


def test_a_slow_binding_is_fetched_when_it_is_there(platform, issuer, instance, small, trail):
    path = at(instance, new_id())
    assert platform.put(path, offer(small)).json()["error"] == "AsyncRequired"
    answer = platform.put(path + INCOMPLETE, offer(small))
    assert (answer.status_code, answer.json().keys()) == (202, {"operation"})
    assert platform.get(path).status_code == 404
    assert state(platform, path) == (200, "in progress")
    assert platform.delete(path + named(small)).json()["error"] == "ConcurrencyError"
    work()
    assert state(platform, path, answer.json()["operation"]) == (200, "succeeded")
    assert not trail.all(action="credential.handed_out")
    assert platform.get(path).json()["credentials"] == {"TOKEN": "token-0"}
    assert platform.put(path + INCOMPLETE, offer(small)).status_code == 200
    assert len(trail.all(action="credential.handed_out")) == 2
    assert platform.delete(path + named(small)).status_code == 422
    assert platform.delete(path + named(small) + "&accepts_incomplete=true").status_code == 202
    work()
    assert platform.delete(path + named(small)).status_code == 410
    assert issuer.made == {}


def test_a_binding_that_cannot_be_made_is_failed(platform, issuer, instance, small):
    issuer.trouble = IssueFailed("refused for good")
    path = at(instance, new_id())
    platform.put(path + INCOMPLETE, offer(small))
    work()
    assert state(platform, path) == (200, "failed")
    assert platform.get(path).status_code == 404
    assert platform.delete(path + named(small)).status_code == 410


def test_an_issuer_that_is_away_is_503_and_the_orphan_can_be_removed(platform, issuer, queue, instance, small):
    queue.slow_credentials = False
    queue.save()
    away(issuer)
    path = at(instance, new_id())
    answer = platform.put(path, offer(small))
    assert (answer.status_code, answer.json()["error"]) == (503, "Unavailable")
    back(issuer)
    assert platform.delete(path + named(small)).status_code in (200, 410)
    assert platform.delete(path + named(small)).status_code == 410


@pytest.mark.parametrize(("operation", "status"), [("nonsense", 400), ("0" * 36, 400), ("x" * 10_001, 400)])
def test_an_operation_that_is_none_of_it_is_400(platform, instance, operation, status):
    assert platform.get(at(instance) + f"/last_operation?operation={operation}").status_code == status


def test_what_was_done_at_once_has_succeeded_and_what_never_was_is_gone(platform, instance, binding):
    assert state(platform, at(instance)) == state(platform, at(instance, binding)) == (200, "succeeded")
    assert platform.get(at("nothing") + "/last_operation").status_code == 410
