"""Imports: what is made, changed and left alone."""

from datetime import timedelta
from typing import Any

import pytest

from credservice.credentials.models import Credential
from credservice.events.emit import forget_wanted
from credservice.events.models import Event, EventDelivery
from exchange.bulk.job import Job
from exchange.bulk.row_parser import parse_row
from exchange.bulk.row_writer import put_row
from exchange.models import EndUser, Grant, Installation, Integration
from tests.events.conftest import make_endpoint
from tests.exchange.bulk.imports import counts, ndjson, row, run
from tests.support.exchange_factories import make_policy

pytestmark = pytest.mark.django_db
VALUE = "canary-imported-value-1a2b3c"


def values_of(number: int = 1) -> dict[str, str]:
    grant = Grant.objects.get(end_user__external_id=f"bulk-{number}", installation=None)
    return Credential.objects.get(line=grant.line, state="active").open()


def test_new_rows_are_end_users_with_their_grants_and_credentials(door):
    summary, refused = run(ndjson(*(row(n, value=f"{VALUE}-{n}", name=f"N{n}") for n in range(3))))
    assert (counts(summary), refused) == ((3, 0, 0, 0), {})
    assert values_of(2) == {"apiKey": f"{VALUE}-2"}
    assert EndUser.objects.get(external_id="bulk-2").name == "N2"


def test_the_next_exchange_hands_an_imported_value_out(door):
    run(ndjson(row(1, value=VALUE)))
    end_user = EndUser.objects.get(external_id="bulk-1")
    Installation.objects.create(
        platform=door.platform, integration=door.integration, end_user=end_user, installation_id="install_bulk"
    )
    body = {"integrationId": "int_abc123", "installationId": "install_bulk", "endUserId": "enduser_bulk_1"}
    assert door.post(body).json() == {"apiKey": VALUE}


def test_a_new_row_is_what_the_vendor_api_would_make_of_it(door, trail):
    """The fast way and the ordinary one leave the same: objects, and lines in the trail."""
    fields = {"name": "A", "attributes": {"region": "eu"}}
    run(ndjson(row(1, value=VALUE, **fields)))
    ordinary = Job(1, parse_row(row(2, value=VALUE, **fields)), door.platform)
    put_row(ordinary, actor="test")
    assert shape_of(1, trail) == shape_of(2, trail)


def shape_of(number: int, trail: Any) -> tuple[Any, Any]:
    """Tell of an end user's credential and of its lines what does not differ from one to another."""
    end_user = EndUser.objects.get(external_id=f"bulk-{number}")
    credential = Credential.objects.filter(subject=end_user.subject).values().get()
    same = {name: credential[name] for name in ("policy_id", "state", "suspended", "hint", "handle", "lookup")}
    kinds = {name: type(value) for name, value in credential.items()}
    return same | kinds, sorted((each.action, sorted(each.detail)) for each in trail.all(subject=end_user.subject))


def test_the_same_file_again_changes_nothing(door, trail):
    content = ndjson(*(row(n, value=VALUE, name="A", attributes={"a": 1}) for n in range(5)))
    run(content)
    before = len(trail.all())
    summary, _ = run(content)
    assert (counts(summary), len(trail.all())) == ((0, 0, 5, 0), before)


def test_another_value_makes_a_successor_that_its_predecessor_outlives(door):
    run(ndjson(row(1, value="first value")))
    summary, _ = run(ndjson(row(1, value="second value")))
    assert (counts(summary), values_of()) == ((0, 1, 0, 0), {"apiKey": "second value"})
    assert Credential.objects.filter(state="retiring").count() == 1


def test_another_policy_of_the_integration_makes_the_successor(door):
    run(ndjson(row(1, value="first value")))
    run(ndjson(row(1, value="second value")))
    retiring = Credential.objects.get(state="retiring")
    policy = make_policy(name="second", options={"names": ["apiKey", "secret"]}, overlap=timedelta(hours=2))
    Integration.objects.update(policy=policy)
    grants = [{"integration_id": "int_abc123", "values": {"apiKey": "third value", "secret": "s"}}]
    summary, _ = run(ndjson(row(1, grants=grants)))
    assert (counts(summary), values_of()) == ((0, 1, 0, 0), {"apiKey": "third value", "secret": "s"})
    first, second, third = Credential.objects.order_by("created_at")
    assert (first.state, first.retires_at) == ("retiring", retiring.retires_at)
    kept = second.retires_at - third.activated_at
    assert (second.state, round(kept.total_seconds())) == ("retiring", 7200)
    assert (third.predecessor, third.policy, third.line) == (second, policy, first.line)


def test_a_grant_is_added_to_an_end_user_that_there_is(door):
    run(ndjson(row(1)))
    summary, _ = run(ndjson(row(1, value=VALUE)))
    assert (counts(summary), values_of()) == ((0, 1, 0, 0), {"apiKey": VALUE})


def test_a_grant_to_a_suspended_end_user_is_suspended(door):
    run(ndjson(row(1, state="suspended")))
    run(ndjson(row(1, value=VALUE)))
    assert Credential.objects.get().suspended


def test_an_end_user_twice_in_a_file_is_one_with_what_both_say(door):
    policy = make_policy(name="second", options={"names": ["apiKey"]})
    door.integration.pk, door.integration.integration_id, door.integration.policy = None, "int_2", policy
    door.integration._state.adding = True
    door.integration.save(force_insert=True)
    second = row(1, grants=[{"integration_id": "int_2", "values": {"apiKey": "b"}}])
    summary, _ = run(ndjson(row(1, value="a"), second))
    assert (counts(summary), Grant.objects.count()) == ((1, 1, 0, 0), 2)


def test_of_two_rows_with_the_same_end_user_id_the_first_one_has_it(door):
    first, second = (row(external_id=name, end_user_id="enduser_one") for name in ("z", "a"))
    summary, refused = run(ndjson(first, second))
    assert (counts(summary), list(refused)) == ((1, 0, 0, 1), [2])
    assert EndUser.objects.get(end_user_id="enduser_one").external_id == "z"


def test_a_policy_that_makes_its_values_makes_them(door):
    door.generate()
    summary, refused = run(ndjson(row(1, grants=[{"integration_id": "int_abc123"}]), row(2, value=VALUE)))
    assert counts(summary) == (1, 0, 0, 1)
    assert refused[2]["errors"][0]["pointer"] == "/grants/0/values"
    assert Credential.objects.get().lookup is not None


def test_a_grant_for_one_installation_alone(door):
    grants = [{"integration_id": "int_abc123", "installation_id": "install_xyz789", "values": {"apiKey": VALUE}}]
    summary, _ = run(ndjson({"external_id": "customer-1", "grants": grants}))
    assert (counts(summary), Grant.objects.get().installation) == ((0, 1, 0, 0), door.installation)
    assert counts(run(ndjson({"external_id": "customer-1", "grants": grants}))[0]) == (0, 0, 1, 0)


def test_the_trail_says_which_lines_of_which_file_were_written(door, trail):
    run(ndjson(*(row(n, value=VALUE) for n in range(3))))
    line = trail.one(action="import.committed")
    assert (line.object_id, line.actor) == ("test.ndjson", "test")
    assert line.detail == {"first_line": 1, "last_line": 3, "end_users": 3, "grants": 3}


def test_events_tell_of_every_new_credential(door):
    make_endpoint("http://127.0.0.1:9/")
    forget_wanted()
    run(ndjson(*(row(n, value=VALUE) for n in range(3))))
    forget_wanted()
    told = Event.objects.filter(type="credential.issued").values_list("object_id", flat=True)
    assert set(told) == {str(pk) for pk in Credential.objects.values_list("pk", flat=True)}
    assert (EventDelivery.objects.count(), VALUE in str(list(Event.objects.values()))) == (3, False)
