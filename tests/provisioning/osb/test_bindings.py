"""Bind, fetch, unbind and rotate at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.credentials.models import Credential
from credservice.credentials.tasks import rotate_due
from provisioning.models import ResourceCredential
from tests.provisioning.osb.conftest import at, named, new_id, offer
from tests.support.round_trips import counted_round_trips


def test_a_new_binding_is_201_and_the_same_again_200(platform, instance, small, trail):
    path = at(instance, new_id())
    first, again = (platform.put(path, offer(small, app_guid=f"a{n}")) for n in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert list(first.json()["credentials"]) == ["password"]
    assert Credential.objects.count() == 1
    assert trail.one(action="credential.handed_out").actor == "marketplace:cf"


def test_credentials_have_the_shape_of_the_product(platform, instance, queue, small):
    queue.credentials_shape = {"uri": "amqp://queue.example", "login": {"user": "app", "password": "$password"}}
    queue.save()
    path = at(instance, new_id())
    credentials = platform.put(path, offer(small)).json()["credentials"]
    assert credentials["login"].keys() == {"user", "password"}
    assert len(credentials["login"]["password"]) > 20
    assert platform.get(path).json()["credentials"] == credentials


def test_a_binding_says_when_it_ends(platform, instance, small, policy):
    policy.lifetime, policy.rotation_period = timedelta(days=90), timedelta(days=30)
    policy.save()
    metadata = platform.put(at(instance, new_id()), offer(small)).json()["metadata"]
    assert metadata["renew_before"] < metadata["expires_at"]
    assert metadata["expires_at"].endswith("Z")


def test_a_schedule_leaves_a_binding_to_the_platform(platform, instance, small, policy, trail):
    policy.rotation_period = timedelta(days=30)
    policy.save()
    path = at(instance, new_id())
    first = platform.put(path, offer(small)).json()
    Credential.objects.update(rotates_at=timezone.now())
    for _ in range(2):
        rotate_due()
    assert platform.get(path).json() == first
    assert trail.one(action="resource_credential.due_for_rotation").actor == "schedule"


def test_a_fetched_binding_is_a_hand_out(platform, instance, binding, trail):
    answer = platform.get(at(instance, binding))
    assert (answer.status_code, list(answer.json()["credentials"])) == (200, ["password"])
    assert len(trail.all(action="credential.handed_out")) == 1


def test_a_binding_is_of_its_instance_alone(platform, instance, binding, small):
    other = new_id("instance")
    platform.put(at(other), offer(small))
    wrong = at(other, binding)
    assert platform.get(wrong).status_code == 404
    assert platform.put(wrong, offer(small)).status_code == 409
    assert platform.delete(wrong + named(small)).status_code == 410
    assert platform.get(wrong + "/last_operation").status_code == 410
    assert platform.get(at(instance, binding)).status_code == 200


def test_a_removed_binding_is_410_and_its_id_is_not_used_again(platform, instance, binding, small):
    path = at(instance, binding)
    assert [platform.delete(path + named(small)).status_code for _ in range(2)] == [200, 410]
    assert platform.get(path).status_code == 404
    assert platform.put(path, offer(small)).status_code == 409
    assert Credential.objects.get().state == "revoked"


def test_a_rotation_makes_a_successor_beside_its_predecessor(platform, instance, binding, small):
    path = at(instance, new_id())
    new = platform.put(path, {"predecessor_binding_id": binding})
    assert new.status_code == 201
    assert platform.put(path, {"predecessor_binding_id": binding}).status_code == 200
    assert new.json()["credentials"] != platform.get(at(instance, binding)).json()["credentials"]
    assert platform.delete(at(instance, binding) + named(small)).status_code == 200
    assert platform.get(path).json()["credentials"] == new.json()["credentials"]


@pytest.mark.parametrize("predecessor", ["unknown", "", 7, "\0"])
def test_a_rotation_of_nothing_is_400(platform, instance, predecessor):
    assert platform.put(at(instance, new_id()), {"predecessor_binding_id": predecessor}).status_code == 400
    assert not ResourceCredential.objects.exists()


def test_where_only_one_may_live_a_second_one_is_422(platform, instance, binding, small, policy):
    policy.multiple = False
    policy.save()
    answer = platform.put(at(instance, new_id()), offer(small))
    assert (answer.status_code, answer.json()["error"]) == (422, "BindingLimitReached")


def test_the_other_plan_or_service_is_400(platform, instance, small, large):
    assert platform.put(at(instance, new_id()), offer(large)).status_code == 400
    assert platform.put(at(instance, new_id()), offer(small, service_id=str(small.pk))).status_code == 400
    assert platform.put(at(instance, new_id()), offer(small, parameters={"x": 1})).status_code == 400
    assert platform.delete(at(instance) + f"?service_id={small.pk}&plan_id=x").status_code == 400


def test_an_unknown_instance_has_no_bindings(platform, small):
    assert platform.put(at(new_id(), new_id()), offer(small)).status_code == 404
    assert platform.delete(at(new_id(), new_id()) + named(small)).status_code == 410


@pytest.mark.django_db(transaction=True)
def test_a_binding_waits_for_the_database_as_seldom_as_the_other_protocols(platform, instance, small):
    for _ in range(2):
        path = at(instance, new_id())
        platform.put(path, offer(small))
        platform.put(path, offer(small))
    path = at(instance, new_id())
    with counted_round_trips() as waited:
        assert platform.put(path, offer(small)).status_code == 201
    assert waited.count == 2
    with counted_round_trips() as waited:
        assert platform.put(path, offer(small)).status_code == 200
    assert waited.count == 2
