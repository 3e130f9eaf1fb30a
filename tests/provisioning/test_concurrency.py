"""Real threads, real transactions: whoever comes at the same moment sees one outcome."""

import pytest

from credservice.credentials.models import Credential, CredentialPolicy
from provisioning.models import LiveKey, Resource, ResourceCredential
from tests.provisioning.conftest import new_id, order, put_credential
from tests.support import concurrency

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 8


@pytest.fixture
def at_once(new_door):
    """Run each of these acts in a thread of its own, started together; their answers in the order given."""

    def run(*acts):
        doors = [new_door() for _ in acts]
        return concurrency.at_once(lambda number: acts[number](doors[number]), len(acts))

    return run


def make_resource(new_door):
    resource_id = new_id()
    assert new_door().put(f"/v1/resources/{resource_id}", order(resource_id)).status_code == 201
    return resource_id


def test_equal_puts_of_a_credential_make_one(bear, new_door, at_once):
    resource_id = make_resource(new_door)
    for _ in range(ROUNDS):
        credential_id = new_id()
        answers = at_once(*[lambda door, id=credential_id: put_credential(door, id, resource_id)] * 4)
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
    assert Credential.objects.count() == ResourceCredential.objects.count() == ROUNDS


def test_equal_puts_of_a_resource_make_one(bear, at_once):
    for _ in range(ROUNDS):
        resource_id = new_id()
        put = [lambda door, id=resource_id: door.put(f"/v1/resources/{id}", order(id))] * 4
        assert {answer.status_code for answer in at_once(*put)} == {201}
    assert Resource.objects.count() == ROUNDS


def test_different_puts_of_a_resource_make_one_and_a_conflict(bear, at_once):
    for _ in range(ROUNDS):
        resource_id = new_id()
        plans = ("ursa-minor", "ursa-major")
        puts = [
            lambda door, id=resource_id, plan=plan: door.put(f"/v1/resources/{id}", order(id, plan=plan))
            for plan in plans
        ]
        assert sorted(answer.status_code for answer in at_once(*puts)) == [201, 409]


def test_of_two_first_credentials_where_one_may_live_one_is_made(bear, new_door, at_once):
    CredentialPolicy.objects.update(multiple=False)
    for _ in range(ROUNDS):
        resource_id = make_resource(new_door)
        puts = [lambda door, r=resource_id: put_credential(door, new_id(), r)] * 4
        assert sorted(answer.status_code for answer in at_once(*puts)) == [201, 409, 409, 409]
    assert Credential.objects.count() == ROUNDS


def test_no_credential_outlives_its_resource(bear, new_door, at_once):
    for _ in range(ROUNDS * 2):
        resource_id = make_resource(new_door)
        puts = [lambda door, r=resource_id: put_credential(door, new_id(), r)] * 3
        *made, deleted = at_once(*puts, lambda door, r=resource_id: door.delete(f"/v1/resources/{r}"))
        assert deleted.status_code == 204
        assert {answer.status_code for answer in made} <= {201, 404}
    assert not Credential.objects.exclude(state=Credential.State.REVOKED).exists()
    assert not ResourceCredential.objects.filter(deprovisioned_at=None).exists()


def test_of_deletes_of_a_resource_and_of_its_credentials_each_is_done_once(bear, new_door, at_once):
    for _ in range(ROUNDS):
        resource_id, credential_id = make_resource(new_door), new_id()
        assert put_credential(new_door(), credential_id, resource_id).status_code == 201
        resource = [lambda door, r=resource_id: door.delete(f"/v1/resources/{r}")] * 2
        credential = [lambda door, c=credential_id: door.delete(f"/v1/credentials/{c}")] * 2
        codes = [answer.status_code for answer in at_once(*resource, *credential)]
        assert sorted(codes[:2]) == [204, 404]
        assert sorted(codes[2:]) in ([204, 404], [404, 404])


def test_plan_changes_and_new_credentials_do_not_hinder_each_other(bear, new_door, at_once):
    resource_id = make_resource(new_door)
    for plan in ("ursa-major", "ursa-minor") * (ROUNDS // 2):
        puts = [lambda door: put_credential(door, new_id(), resource_id)] * 2
        change = lambda door, plan=plan: door.patch(f"/v1/resources/{resource_id}", {"plan": plan})  # noqa: E731
        assert [answer.status_code for answer in at_once(change, *puts)] == [200, 201, 201]


def test_a_live_key_first_seen_by_several_requests_is_recorded_once(bear, at_once, trail):
    answers = at_once(*[lambda door: door.delete(f"/v1/resources/{new_id()}")] * 4)
    assert {answer.status_code for answer in answers} == {404}
    assert LiveKey.objects.count() == 1
    trail.one(action="live_key.first_seen")
