"""A database that goes away, and comes back."""

import pytest
from django.db import connection

from tests.exchange.factories import make_door


@pytest.fixture
def real_door(transactional_db, client):
    door = make_door(client)
    door.grant()
    return door


def end_own_session():
    """The server ends this connection, as a restart does; Django learns of it at its next statement."""
    other = connection.copy()
    try:
        pid = connection.connection.info.backend_pid
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    finally:
        other.close()


def test_a_restarted_database_costs_no_exchange(real_door):
    assert real_door.post().status_code == 200
    end_own_session()
    assert real_door.post().status_code == 200


def test_a_database_that_is_away_is_503_with_a_time_to_wait_until_it_is_back(real_door, monkeypatch):
    end_own_session()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "HOST", "/nonexistent")
        response = real_door.post()
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response["Retry-After"]) > 0
    assert response["Cache-Control"] == "no-store"
    assert real_door.post().status_code == 200
