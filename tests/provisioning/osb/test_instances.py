"""Provision, fetch, update and deprovision at once."""

import pytest

from provisioning.models import Resource
from tests.provisioning.osb.conftest import at, named, new_id, offer


def test_a_new_instance_is_201_and_the_same_again_200(platform, small):
    path = at(new_id())
    answers = [platform.put(path, offer(small, context={"n": n})) for n in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(201, {}), (200, {})]


@pytest.mark.parametrize("parameters", [{"size": 3}, {"color": "red"}])
def test_the_same_id_with_other_parameters_is_409(platform, instance, small, parameters):
    answer = platform.put(at(instance), offer(small, parameters=parameters))
    assert (answer.status_code, answer.json()["error"]) == (409, "Conflict")


def test_the_same_id_on_another_plan_is_409(platform, instance, large):
    assert platform.put(at(instance), offer(large)).status_code == 409


def test_the_dashboard_is_the_products(platform, queue, small):
    queue.dashboard_url = "https://queue.example/dashboard"
    queue.save()
    answer = platform.put(at(new_id()), offer(small))
    assert answer.json() == {"dashboard_url": "https://queue.example/dashboard"}


def test_an_instance_is_fetched_as_it_is(platform, large):
    path = at(new_id())
    platform.put(path, offer(large, parameters={"size": 2}))
    assert platform.get(path).json() == {
        "service_id": str(large.product_id),
        "plan_id": str(large.pk),
        "parameters": {"size": 2},
        "maintenance_info": {"version": "2.1.0"},
    }


def test_an_unknown_instance_is_404(platform, queue):
    assert platform.get(at("nothing")).status_code == 404


def test_an_update_changes_what_it_names_and_nothing_else(platform, small, large):
    path = at(new_id())
    platform.put(path, offer(small, parameters={"size": 2, "color": "red"}))
    service = {"service_id": str(small.product_id)}
    assert platform.patch(path, service | {"parameters": {"size": 5}}).json() == {}
    assert platform.get(path).json()["parameters"] == {"size": 5, "color": "red"}
    assert platform.patch(path, service | {"plan_id": str(large.pk)}).status_code == 200
    found = platform.get(path).json()
    assert (found["plan_id"], found["parameters"]) == (str(large.pk), {"size": 5, "color": "red"})
    assert platform.patch(path, service | {"context": {"name": "other"}}).status_code == 200


def test_a_plan_that_does_not_lead_there_is_422(platform, instance, small, large):
    small.restricts_changes = True
    small.save()
    answer = platform.patch(at(instance), {"service_id": str(small.product_id), "plan_id": str(large.pk)})
    assert (answer.status_code, answer.json()["error"]) == (422, "PlanChangeNotSupported")


def test_another_version_of_the_plan_is_422(platform, large):
    answer = platform.put(at(new_id()), offer(large, maintenance_info={"version": "2.0.0"}))
    assert (answer.status_code, answer.json()["error"]) == (422, "MaintenanceInfoConflict")
    assert platform.put(at(new_id()), offer(large, maintenance_info={"version": "2.1.0"})).status_code == 201


def test_a_removed_instance_is_410_and_its_id_is_not_used_again(platform, instance, small):
    path = at(instance)
    answers = [platform.delete(path + named(small)) for _ in range(2)]
    assert [(answer.status_code) for answer in answers] == [200, 410]
    assert platform.get(path).status_code == 404
    assert platform.put(path, offer(small)).status_code == 409


def test_what_never_was_is_410_to_a_delete_and_can_be_made_after_it(platform, small):
    path = at(new_id())
    assert platform.delete(path + named(small)).status_code == 410
    assert platform.put(path, offer(small)).status_code == 201


@pytest.mark.parametrize(
    "instance_id", ["..", ".", "a/b", "a%2Fb", "ü", "日本語 x", "?#&=+", "x" * 255, "a\\b", "'; --"]
)
def test_ids_are_of_any_kind(platform, small, instance_id):
    path = at(instance_id)
    assert platform.put(path, offer(small)).status_code == 201
    assert Resource.objects.get().partner_id == instance_id
    assert platform.put(at(instance_id, instance_id), offer(small)).status_code == 201
    assert platform.get(path).status_code == 200
    assert platform.delete(at(instance_id, instance_id) + named(small)).status_code == 200
    assert platform.delete(path + named(small)).status_code == 200


@pytest.mark.parametrize("raw", ["%00", "%0a", "%FF", "x" * 256, "%E2%80%AE", "%ed%a0%80"])
def test_an_id_that_cannot_be_kept_is_400(platform, small, raw):
    for method, body in (("GET", None), ("PUT", offer(small)), ("PATCH", {"service_id": "x"}), ("DELETE", None)):
        for path in (f"/service_instances/{raw}", f"/service_instances/a/service_bindings/{raw}"):
            if method == "PATCH" and "bindings" in path:
                continue
            assert platform(method, path + named(small), body).status_code == 400
    assert not Resource.objects.exists()


def test_the_trail_says_who_stands_behind_the_call(platform, small, trail):
    identity = "cloudfoundry eyJ1c2VyX2lkIjogInUtMSIsICJlbWFpbCI6ICJ4QHkifQ=="
    more = {"X-Broker-API-Originating-Identity": identity, "X-Broker-API-Request-Identity": "r-1"}
    answer = platform.put(at(new_id()), offer(small), headers=platform.headers | more)
    assert answer["X-Broker-API-Request-Identity"] == "r-1"
    line = trail.one(action="resource.provisioned")
    facts = {name: line.detail[name] for name in ("originating_platform", "originating_user", "request_identity")}
    assert line.actor == "marketplace:cf"
    assert facts == {"originating_platform": "cloudfoundry", "originating_user": "u-1", "request_identity": "r-1"}
    assert "x@y" not in str(line.detail)


@pytest.mark.parametrize("identity", ["nonsense", "cf !!!", "cf W10=", "cf " + "e30=" * 2000, "k8s eyJ1aWQiOiAxfQ=="])
def test_an_odd_originating_identity_does_not_matter(platform, small, identity):
    headers = platform.headers | {"X-Broker-API-Originating-Identity": identity}
    assert platform.put(at(new_id()), offer(small), headers=headers).status_code == 201
