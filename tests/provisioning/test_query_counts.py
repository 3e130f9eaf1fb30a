"""How often the frequent requests ask the database."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.provisioning.conftest import new_id, put_credential


@pytest.fixture
def queries():
    return CaptureQueriesContext(connection)


def asked(queries):
    kinds = [query["sql"].split()[0] for query in queries.captured_queries]
    return [kind for kind in kinds if kind not in ("SAVEPOINT", "RELEASE")]  # the test's own transaction


def test_a_new_credential_reads_twice_and_writes_three_rows(door, resource_id, queries):
    with queries:
        assert put_credential(door, new_id(), resource_id).status_code == 201
    assert asked(queries) == ["SELECT", "SELECT", "INSERT", "INSERT", "INSERT"]


def test_the_same_credential_again_reads_twice_and_writes_its_line_in_the_trail(
    door, resource_id, credential_id, queries
):
    with queries:
        assert put_credential(door, credential_id, resource_id).status_code == 201
    assert asked(queries) == ["SELECT", "SELECT", "INSERT"]


def test_an_unsigned_request_reads_nothing_and_writes_its_line_in_the_trail(door, resource_id, queries):
    with queries:
        assert door.delete(f"/v1/resources/{resource_id}", header="none").status_code == 401
    assert asked(queries) == ["INSERT"]
