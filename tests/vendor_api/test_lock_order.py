"""Whoever writes to a line of credentials locks it whole, from the start: its oldest first, also one that has ended.

A leak is noted of those as well. Who locked a younger one before them could wait in a circle.
"""

from datetime import timedelta

import pytest

from credservice.credentials.models import Credential
from credservice.credentials.services import revoke, rotate
from credservice.credentials.vendor_values import put_credential
from tests.credentials.lock_order import is_free_while_waiting
from tests.support.exchange_factories import make_door
from tests.vendor_api.client import Vendor

pytestmark = pytest.mark.django_db(transaction=True)

GRANT = "/end-users/customer-1/grants/int_abc123"
NEW = {"values": {"apiKey": "the-fourth-value"}}


@pytest.fixture
def door(transactional_db, client):
    return make_door(client)


@pytest.fixture
def ended(door):
    """The oldest of a line, which has ended."""
    first = door.grant("the-first-value")
    rotate(credential=first, actor="test", entered={"apiKey": "the-second-value"}, overlap=timedelta(hours=1))
    revoke(credential=first, actor="test", reason="old")
    return first


@pytest.fixture
def active(ended):
    return Credential.objects.get(state="active")


@pytest.fixture
def retiring(active):
    """The one that is handed out, because its successor was revoked."""
    third = rotate(credential=active, actor="test", entered={"apiKey": "the-third-value"}, overlap=timedelta(hours=1))
    revoke(credential=third, actor="test", reason="wrong")
    return Credential.objects.get(state="retiring")


@pytest.mark.parametrize("overlap", [{}, {"overlap_seconds": 0}])
def test_a_conditional_write_to_a_grant(door, ended, active, overlap):
    vendor = Vendor()
    tag = vendor.get(GRANT)["ETag"]
    answers = []
    write = lambda: answers.append(vendor.again().put(GRANT, NEW | overlap, If_Match=tag))  # noqa: E731 - one act
    assert is_free_while_waiting(write, ended, active)
    assert [answer.status_code for answer in answers] == [200]


@pytest.mark.parametrize(
    ("method", "act", "body"),
    [
        ("PUT", "values", NEW),
        ("POST", "rotate", NEW),
        ("POST", "revoke", {"reason": "in a log", "leaked": True}),
    ],
)
def test_an_act_on_one_that_retires(ended, retiring, method, act, body):
    vendor = Vendor()
    answers = []
    write = lambda: answers.append(vendor.again().call(method, f"/credentials/{retiring.pk}/{act}", body))  # noqa: E731
    assert is_free_while_waiting(write, ended, retiring)
    assert [answer.status_code for answer in answers] == [200 if act == "revoke" else 201]


def test_new_values_for_one_that_has_begun_to_retire_since_it_was_read(ended, active, retiring):
    assert active.state == "active"
    put = lambda: put_credential(  # noqa: E731 - one act
        credential=active, values=NEW["values"], actor="test", policy=active.policy
    )
    assert is_free_while_waiting(put, ended, retiring)
    assert Credential.objects.get(state="active").predecessor == retiring
