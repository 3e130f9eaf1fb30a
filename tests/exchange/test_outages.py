"""A database that goes away, and comes back."""

import pytest
from django.db import connection

from tests.support.exchange_factories import make_door
from tests.support.outages import end_own_session, let_it_only_read


@pytest.fixture
def real_door(transactional_db, client):
    door = make_door(client)
    door.grant()
    return door


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


def test_a_server_that_only_reads_is_left_and_the_exchange_recorded_once(real_door, trail):
    assert real_door.post().status_code == 200
    let_it_only_read()
    assert real_door.post().status_code == 200
    assert len(trail.all(action="exchange.credential")) == 2


def test_while_no_server_writes_nothing_is_handed_out(real_door, trail, monkeypatch):
    let_it_only_read()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict["OPTIONS"], "options", "-c default_transaction_read_only=on")
        response = real_door.post()
        ready = real_door.client.get("/readyz")
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response["Retry-After"]) > 0
    assert (ready.status_code, ready.json()["database"]) == (503, "failed")
    assert trail.all() == []
    assert real_door.post().status_code == 200


def test_other_paths_find_another_connection_and_where_there_is_none_say_so(real_door, monkeypatch):
    client, keys = real_door.client, "/.well-known/jwks.json"
    end_own_session()
    assert client.get(keys).status_code == 200
    client.cookies["credservice-session"] = "a" * 32
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "HOST", "/nonexistent")
        connection.close()
        answers = [client.get(keys), client.get("/admin/")]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert all(int(answer["Retry-After"]) > 0 for answer in answers)
    assert answers[0].json()["code"] == "unavailable"
    assert "The database cannot be reached right now." in answers[1].content.decode()


@pytest.fixture
def full_disk(real_door):
    """A server that answers each line of the trail as one does whose disk is full."""
    with connection.cursor() as cursor:
        cursor.execute(FULL)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION IF EXISTS full_disk CASCADE")


FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON audit_auditevent FOR EACH ROW EXECUTE FUNCTION full_disk();
"""


def test_a_full_disk_hands_nothing_out_and_is_told_until_there_is_room(real_door, full_disk, caplog):
    response = real_door.post()
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response["Retry-After"]) > 0
    assert "make room on it" in caplog.text
    ready = real_door.client.get("/readyz")
    assert (ready.status_code, ready.json()["room"]) == (503, "failed")
    assert "Traceback" not in caplog.text
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION full_disk CASCADE")
    assert real_door.client.get("/readyz").status_code == 200
    assert real_door.post().status_code == 200
