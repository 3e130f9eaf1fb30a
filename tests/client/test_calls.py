"""The client against the running service."""

import concurrent.futures
import inspect
import itertools
from datetime import UTC, datetime, timedelta

import pytest

from credservice_client import (
    Client,
    Conflict,
    InvalidRequest,
    KeyReused,
    NotFound,
    PreconditionFailed,
    Unauthenticated,
    UsageReport,
)
from tests.support.mindcloud_server import TOKEN

VALUES = {"apiKey": "a-value-that-must-never-show"}


def test_an_end_user_is_registered_and_changed(api, customer):
    changed = api.put_end_user(customer, name="Grace", attributes={"region": "eu"})
    assert (changed.name, changed.attributes, changed.state) == ("Grace", {"region": "eu"}, "active")
    assert api.read_end_user(customer) == changed
    assert changed.created_at.tzinfo is not None


def test_an_id_may_hold_what_an_address_may_not(api):
    external_id = "müller & söhne?#%2F"
    api.put_end_user(external_id, end_user_id="enduser_umlaut")
    assert api.read_end_user(external_id).external_id == external_id


def test_an_id_with_a_slash_is_imported_and_named_by_ours(api):
    row = {"external_id": "north/7", "end_user_id": "enduser_north_7"}
    api.import_end_users([row])
    (end_user,) = api.list_end_users(external_id="north/7")
    assert api.suspend_end_user(end_user.id).external_id == "north/7"
    api.import_end_users([row | {"name": "Ada"}])
    assert api.read_end_user(end_user.id).name == "Ada"


def test_a_list_is_read_page_by_page(api):
    names = [f"paged-{index}" for index in range(7)]
    for name in names:
        api.put_end_user(name, end_user_id=name, name="Paged")
    found = [each.external_id for each in api.list_end_users(name="Paged", page_size=3)]
    assert found == names[::-1]
    assert len(list(itertools.islice(api.list_end_users(name="Paged", page_size=2), 3))) == 3


def test_a_granted_credential_is_rotated_revealed_and_revoked(api, customer):
    grant = api.put_end_user_grant(customer, "int_abc123", values=VALUES)
    successor = api.rotate_credential(grant.credential.id, values={"apiKey": "another"}, overlap_seconds=60)
    assert (successor.predecessor, successor.state) == (grant.credential.id, "active")
    assert api.reveal_credential(successor.id, "a test").values == {"apiKey": "another"}
    assert api.revoke_credential(successor.id, "a test", predecessors=True).state == "revoked"
    assert api.read_credential(grant.credential.id).ended_at is not None
    assert api.read_end_user_grant(customer, "int_abc123").credential is None


def test_a_grant_is_withdrawn(api, customer):
    api.put_end_user_grant(customer, "int_abc123", values=VALUES)
    api.withdraw_end_user_grant(customer, "int_abc123", reason="a test")
    with pytest.raises(NotFound):
        api.read_end_user_grant(customer, "int_abc123")
    assert list(api.list_grants(external_id=customer)) == []


def test_a_made_key_checks_as_its_customers(api):
    made = api.create_credential("acme-generated-key", context={"external_id": "customer-9"})
    key = api.reveal_credential(made.id, "a test").values["apiKey"]
    checked = api.introspect(key)
    assert (checked.active, checked.sub, checked.credential) == (True, "customer-9", made.id)
    assert checked.context == {"external_id": "customer-9"}
    assert not api.introspect(key + "x").active
    assert [each.credential for each in api.report_leak(f"Bearer {key}").credentials] == [made.id]


def test_a_write_is_done_only_where_nothing_has_changed(api, customer):
    known = api.read_end_user(customer)
    api.put_end_user(customer, name="Grace", if_match=known.etag)
    with pytest.raises(PreconditionFailed):
        api.suspend_end_user(customer, if_match=known.etag)
    with pytest.raises(PreconditionFailed):
        api.put_end_user(customer, name="Joan", only_new=True)
    assert api.read_end_user(customer).name == "Grace"


def test_what_is_known_already_is_not_sent_again(api, customer):
    known = api.read_end_user(customer)
    assert api.read_end_user(customer, known=known) is known
    api.suspend_end_user(customer, why="a test")
    assert api.read_end_user(customer, known=known).state == "suspended"


def test_a_call_under_one_key_is_done_once(api):
    first = api.create_credential("acme-generated-key", idempotency_key="order-1")
    assert api.create_credential("acme-generated-key", idempotency_key="order-1").id == first.id
    assert api.create_credential("acme-generated-key").id != first.id
    with pytest.raises(KeyReused):
        api.create_credential("bear-key", idempotency_key="order-1")


def test_a_refusal_says_what_and_where(api, customer):
    with pytest.raises(InvalidRequest) as caught:
        api.put_end_user(customer, attributes={"seats": [1]})
    problem = caught.value
    assert (problem.code, problem.status) == ("invalid_request", 400)
    assert [each.pointer for each in problem.errors] == ["/attributes/seats"]
    assert problem.request_id
    assert problem.action


def test_usage_is_reported_once_and_a_refusal_names_each_report(api):
    reports = [
        UsageReport(resource=f"r{n}", key="k", feature="honey", quantity=1, at=datetime.now(UTC)) for n in (1, 2)
    ]
    with pytest.raises(NotFound) as caught:
        api.report_usage(reports)
    assert [each["index"] for each in caught.value.extensions["problems"]] == [0, 1]
    with pytest.raises(NotFound):
        api.report_resource_usage("r1", key="k", feature="honey", quantity=1, at=datetime.now(UTC))


def test_the_trail_is_read_by_time(api, customer):
    (event,) = api.list_audit_events(action="end_user.created", object_id=api.read_end_user(customer).id)
    assert (event.actor, event.outcome) == ("token:client", "done")
    assert api.read_audit_event(event.id) == event
    assert next(api.list_audit_events(until=event.at - timedelta(days=1)), None) is None


def test_every_list_can_be_read(api):
    lists = [method for name in dir(api) if name.startswith("list_") and (method := getattr(api, name))]
    assert lists
    within = {"platform": "mindcloud", "marketplace": "manifold", "product": "bear"}
    for method in lists:
        needed = [each.name for each in inspect.signature(method).parameters.values() if each.default is each.empty]
        for _ in itertools.islice(method(*(within[name] for name in needed), page_size=2), 5):
            pass


def test_what_is_set_up_is_read_by_its_name(api):
    assert api.read_platform("mindcloud").is_default
    assert api.read_integration("int_abc123").policy == "demo-api-key"
    assert api.read_policy("demo-api-key").value_names == ["apiKey"]
    assert api.read_installation("install_xyz789").state == "active"


def test_a_browser_token_is_minted_and_not_shown(api, mindcloud):
    minted = api.mint_mindcloud_token("a-new-one", name="Ada")
    assert (minted.external_id, minted.token) == ("a-new-one", TOKEN)
    assert api.read_end_user("a-new-one").end_user_id == minted.end_user_id
    assert TOKEN not in repr(minted)


def test_an_act_that_a_state_does_not_allow_is_a_conflict(api):
    made = api.create_credential("acme-generated-key")
    api.revoke_credential(made.id, "a test")
    with pytest.raises(Conflict):
        api.rotate_credential(made.id)


def test_a_wrong_token_is_told(vendor_service):
    with Client(vendor_service.base_url, "cst_v1_wrong") as api, pytest.raises(Unauthenticated):
        api.introspect("anything")


def test_one_client_serves_many_threads(api, customer):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: api.read_end_user(customer), range(20)))
    assert {each.external_id for each in found} == {customer}
