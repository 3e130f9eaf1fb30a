"""PUT and DELETE /v1/resources/:id."""

import pytest

from provisioning.models import Marketplace, Plan, Product, Resource
from tests.provisioning.conftest import new_id, order

FEATURES = {"age": 2, "hat_color": "red", "ready": True}


def put(door, resource_id, **changes):
    return door.put(f"/v1/resources/{resource_id}", order(resource_id, **changes))


def test_a_new_resource_is_provisioned(door, bear):
    resource_id = new_id()
    response = put(door, resource_id, features=FEATURES)
    assert response.status_code == 201
    assert response.json() == {"message": "bear is ready, on the plan ursa-minor."}
    assert Resource.objects.get(partner_id=resource_id).features == FEATURES


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_final_slash_makes_no_difference(door, bear, ending):
    resource_id = new_id()
    assert door.put(f"/v1/resources/{resource_id}{ending}", order(resource_id)).status_code == 201


def test_unknown_fields_are_ignored(door, bear):
    resource_id = new_id()
    assert put(door, resource_id, user_id=new_id(), platform_id=None).status_code == 201


@pytest.mark.parametrize("features", [{}, {"age": 2.0}, FEATURES])
def test_the_same_order_again_is_the_same_success(door, bear, features):
    resource_id = new_id()
    first = put(door, resource_id, features=features)
    again = put(door, resource_id, features=features)
    assert (again.status_code, again.json()) == (201, first.json())
    assert Resource.objects.count() == 1


def test_whole_numbers_are_one_number_however_they_are_written(door, bear):
    resource_id = new_id()
    assert put(door, resource_id, features={"age": 2}).status_code == 201
    assert put(door, resource_id, features={"age": 2.0}).status_code == 201


def test_an_order_that_leaves_the_features_out_is_the_same_order(door, bear):
    resource_id = new_id()
    assert put(door, resource_id, features=FEATURES).status_code == 201
    assert put(door, resource_id).status_code == 201
    assert Resource.objects.get().features == FEATURES


@pytest.mark.parametrize(
    "changes",
    [
        {"plan": "ursa-major"},
        {"region": "aws::us-east-1"},
        {"product": "cub"},
        {"features": {"age": 3}},
        {"features": {}},
    ],
    ids=str,
)
def test_another_order_with_the_same_id_is_a_conflict(door, bear, changes):
    resource_id = new_id()
    assert put(door, resource_id, features=FEATURES).status_code == 201
    response = put(door, resource_id, **{"features": FEATURES} | changes)
    assert response.status_code == 409
    assert "exists already" in response.json()["message"]
    assert Resource.objects.get().plan.label == "ursa-minor"


def test_the_first_order_repeated_late_does_not_undo_a_plan_change(door, bear):
    resource_id = new_id()
    put(door, resource_id)
    assert door.patch(f"/v1/resources/{resource_id}", {"plan": "ursa-major"}).status_code == 200
    assert put(door, resource_id).status_code == 201
    assert Resource.objects.get().plan.label == "ursa-major"


def test_an_order_of_what_the_resource_has_become_is_the_same_order(door, bear):
    resource_id = new_id()
    put(door, resource_id)
    door.patch(f"/v1/resources/{resource_id}", {"plan": "ursa-major"})
    assert put(door, resource_id, plan="ursa-major").status_code == 201
    assert put(door, resource_id, plan="ursa-major", features={"age": 3}).status_code == 409


def test_the_same_order_succeeds_after_its_plan_was_withdrawn(door, bear, resource_id):
    Plan.objects.update(is_active=False)
    Product.objects.update(is_active=False)
    assert put(door, resource_id).status_code == 201


def test_the_same_order_does_not_end_a_suspension(door, resource_id):
    Resource.objects.update(state=Resource.State.SUSPENDED)
    assert put(door, resource_id).status_code == 201
    assert Resource.objects.get().state == Resource.State.SUSPENDED


def test_a_deleted_resource_is_gone(door, resource_id):
    target = f"/v1/resources/{resource_id}"
    response = door.delete(target)
    assert (response.status_code, response.content) == (204, b"")
    for answer in (door.delete(target), door.patch(target, {"plan": "ursa-minor"})):
        assert answer.status_code == 404


def test_a_deleted_resources_id_is_never_used_again(door, resource_id):
    door.delete(f"/v1/resources/{resource_id}")
    for changes in ({}, {"plan": "ursa-major"}):
        assert put(door, resource_id, **changes).status_code == 409
    assert Resource.objects.get().deprovisioned_at is not None


def test_a_resource_that_is_being_removed_is_gone_for_all_but_another_delete(door, resource_id):
    Resource.objects.update(state=Resource.State.DEPROVISIONING)
    assert put(door, resource_id).status_code == 409
    assert door.patch(f"/v1/resources/{resource_id}", {"plan": "ursa-major"}).status_code == 404
    assert door.delete(f"/v1/resources/{resource_id}").status_code == 204


def test_a_suspended_resource_can_be_deleted(door, resource_id):
    Resource.objects.update(state=Resource.State.SUSPENDED)
    assert door.delete(f"/v1/resources/{resource_id}").status_code == 204


def test_an_unknown_resource_is_not_found(door):
    response = door.delete(f"/v1/resources/{new_id()}")
    assert response.status_code == 404
    assert response.json()["message"].startswith("There is no such resource.")


def theirs(bear, resource_id, state="active"):
    other = Marketplace.objects.create(name="other", connector_url="https://elsewhere.example/v1")
    plan = Plan.objects.filter(product=bear).first()
    fields = {"product": bear, "plan": plan, "region": "all::global", "request_fingerprint": b"x", "state": state}
    return Resource.objects.create(marketplace=other, partner_id=resource_id, **fields)


def test_an_id_that_another_marketplace_has_is_a_conflict_and_an_alarm(door, bear, trail, caplog):
    resource_id = new_id()
    theirs(bear, resource_id)
    answer = put(door, resource_id)
    assert (answer.status_code, "other" in answer.content.decode()) == (409, False)
    assert Resource.objects.count() == 1
    assert trail.one(outcome="refused").reason == "id_of_another_marketplace"
    assert "resource_id_of_another_marketplace" in caplog.text


@pytest.mark.parametrize("state", Resource.GONE)
def test_an_id_that_is_gone_elsewhere_is_nobodys(door, bear, state):
    resource_id = new_id()
    theirs(bear, resource_id, state)
    assert put(door, resource_id).status_code == 201
