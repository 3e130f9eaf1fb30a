"""PATCH /v1/resources/:id."""

import pytest

from credservice.credentials.models import Credential
from provisioning.models import Feature, Plan, Resource
from tests.provisioning.conftest import new_id


def patch(door, resource_id, plan, **body):
    return door.patch(f"/v1/resources/{resource_id}", {"plan": plan, **body})


def plan(label):
    return Plan.objects.get(label=label)


def test_a_resource_changes_its_plan(door, resource_id, trail):
    response = patch(door, resource_id, "ursa-major")
    assert (response.status_code, response.json()) == (200, {"message": "bear is now on the plan ursa-major."})
    assert Resource.objects.get().plan == plan("ursa-major")
    line = trail.one(action="resource.plan_changed")
    assert (line.detail["from"], line.detail["to"]) == ("ursa-minor", "ursa-major")


def test_a_change_to_the_plan_that_it_is_on_is_a_success_at_once(door, resource_id, trail):
    response = patch(door, resource_id, "ursa-minor")
    assert (response.status_code, response.json()) == (200, {"message": "bear is already on the plan ursa-minor."})
    assert not trail.all(action="resource.plan_changed")


def test_a_change_to_its_own_plan_succeeds_after_the_plan_was_withdrawn(door, resource_id):
    Plan.objects.update(is_active=False)
    assert patch(door, resource_id, "ursa-minor").status_code == 200


def test_the_same_change_again_is_the_same_success(door, resource_id):
    assert [patch(door, resource_id, "ursa-major").status_code for _ in range(2)] == [200, 200]


def test_features_can_be_changed_on_the_same_plan(door, resource_id):
    assert patch(door, resource_id, "ursa-minor", features={"age": 3}).status_code == 200
    assert Resource.objects.get().features == {"age": 3}


def test_without_features_those_stay_that_the_new_plan_has(door, resource_id):
    Resource.objects.update(features={"age": 3, "ready": True})
    Feature.objects.get(label="age").plans.set([plan("ursa-minor")])
    assert patch(door, resource_id, "ursa-major").status_code == 200
    assert Resource.objects.get().features == {"ready": True}


def test_a_feature_that_the_new_plan_has_not_is_refused(door, resource_id):
    Feature.objects.get(label="age").plans.set([plan("ursa-minor")])
    response = patch(door, resource_id, "ursa-major", features={"age": 3})
    assert response.status_code == 400
    assert Resource.objects.get().plan == plan("ursa-minor")


def test_an_unknown_plan_is_refused(door, resource_id):
    response = patch(door, resource_id, "huge")
    assert response.status_code == 400
    assert response.json()["message"] == (
        "The plan 'huge' does not exist for 'bear'. Choose one of: ursa-major, ursa-minor."
    )


@pytest.mark.parametrize("allowed", [[], ["cub"]])
def test_a_change_that_the_plan_does_not_allow_is_refused(door, bear, resource_id, allowed):
    Plan.objects.filter(label="ursa-minor").update(restricts_changes=True)
    plan("ursa-minor").changes_to.set([Plan.objects.create(product=bear, label=label) for label in allowed])
    response = patch(door, resource_id, "ursa-major")
    assert response.status_code == 400
    assert response.json()["message"].startswith("Cannot change to the 'ursa-major' plan from 'ursa-minor'. ")
    assert Resource.objects.get().plan == plan("ursa-minor")


def test_a_change_that_the_plan_allows_is_made(door, resource_id):
    Plan.objects.filter(label="ursa-minor").update(restricts_changes=True)
    plan("ursa-minor").changes_to.set([plan("ursa-major")])
    assert patch(door, resource_id, "ursa-major").status_code == 200


def test_an_unknown_resource_is_not_found(door, bear):
    assert patch(door, new_id(), "ursa-major").status_code == 404


def test_a_suspended_resource_keeps_its_plan(door, resource_id):
    Resource.objects.update(state=Resource.State.SUSPENDED)
    response = patch(door, resource_id, "ursa-major")
    assert response.status_code == 400
    assert "suspended" in response.json()["message"]


def test_its_credentials_learn_of_the_new_plan(door, resource_id, credential_id):
    assert patch(door, resource_id, "ursa-major").status_code == 200
    assert Credential.objects.get().context["plan"] == "ursa-major"
