"""The connector that the checker runs, over real HTTP, as the Connector API describes it."""

import json
import socket
from datetime import timedelta

import httpx2
import pytest

from provisioning.checker.connector import Client, Connector, PortTaken
from provisioning.checker.ids import new_id
from provisioning.checker.messages import Reply, Request
from provisioning.checker.order import DOCUMENTED

CLIENT = Client()
BASIC = (CLIENT.id, CLIENT.secret)
BODY = {"client_id": CLIENT.id, "client_secret": CLIENT.secret}
OWN = {"grant_type": "client_credentials"}


@pytest.fixture
def connector():
    with Connector(0, CLIENT) as running:
        yield running


@pytest.fixture
def http(connector):
    with httpx2.Client(base_url=connector.url, trust_env=False, timeout=5) as client:
        yield client


@pytest.fixture
def resource_id(connector):
    resource_id = new_id()
    body = json.dumps(DOCUMENTED.resource(resource_id)).encode()
    connector.market.ordered(Reply(Request("PUT", f"/v1/resources/{resource_id}", (), body), 201, (), b""))
    return resource_id


def own(http):
    return {"Authorization": f"Bearer {http.post('/oauth/tokens', data=OWN, auth=BASIC).json()['access_token']}"}


def users(http, connector, resource_id):
    fields = {"grant_type": "authorization_code", "code": connector.tokens.code(resource_id), **BODY}
    return {"Authorization": f"Bearer {http.post('/oauth/tokens', json=fields).json()['access_token']}"}


@pytest.mark.parametrize(
    "given",
    [
        {"data": OWN, "auth": BASIC},
        {"json": OWN, "auth": BASIC},
        {"data": {**OWN, **BODY}},
        {"json": {**OWN, **BODY}},
    ],
    ids=["form-basic", "json-basic", "form-body", "json-body"],
)
def test_a_token_is_granted_in_every_documented_form(http, given):
    answer = http.post("/oauth/tokens", **given)
    assert (answer.status_code, answer.headers["content-type"]) == (201, "application/json")
    assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 86400)


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [
        ({"data": OWN, "auth": (CLIENT.id, "wrong")}, 401, "invalid_client"),
        ({"data": OWN, "auth": (new_id(), CLIENT.secret)}, 401, "invalid_client"),
        ({"data": OWN}, 401, "invalid_client"),
        ({"data": OWN, "headers": {"Authorization": "Basic ???"}}, 400, "invalid_request"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "invalid_request"),
        ({"content": b"grant_type=client_credentials"}, 400, "invalid_request"),
        ({"json": {"grant_type": "password", **BODY}}, 400, "unsupported_grant_type"),
        ({"json": {"grant_type": "authorization_code", "code": "0" * 13, **BODY}}, 400, "invalid_grant"),
    ],
)
def test_a_token_is_refused_with_the_error_of_rfc_6749(http, given, status, error):
    answer = http.post("/oauth/tokens", **given)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json().keys() == {"error", "error_description"}


@pytest.mark.parametrize(("age", "status"), [(4, 201), (6, 400)])
def test_a_code_lives_for_five_minutes(http, connector, resource_id, age, status):
    code = connector.tokens.code(resource_id, age=timedelta(minutes=age))
    fields = {"grant_type": "authorization_code", "code": code, **BODY}
    assert (len(code), http.post("/oauth/tokens", data=fields).status_code) == (13, status)


def test_a_code_is_good_once(http, connector, resource_id):
    fields = {"grant_type": "authorization_code", "code": connector.tokens.code(resource_id), **BODY}
    statuses = [http.post("/oauth/tokens", data=fields).status_code for _ in range(2)]
    assert statuses == [201, 400]


def test_self_is_the_user_or_the_product(http, connector, resource_id):
    mine, theirs = own(http), users(http, connector, resource_id)
    assert http.get("/self", headers=mine).json()["type"] == "product"
    assert http.get("/self", headers=theirs).json()["target"]["resources"][0]["id"] == resource_id
    assert http.get("/self").status_code == 401


def test_a_user_sees_the_resource_of_the_code_and_no_other(http, connector, resource_id):
    theirs = users(http, connector, resource_id)
    shown = http.get(f"/resources/{resource_id}", headers=theirs)
    assert (shown.status_code, shown.json()["plan"]) == (200, DOCUMENTED.plan)
    assert http.get(f"/resources/{new_id()}", headers=theirs).status_code == 404
    assert http.get("/resources/not-an-id", headers=own(http)).status_code == 400
    assert http.get(f"/resources/{resource_id}").status_code == 401


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("kind", ["resources", "credentials"])
@pytest.mark.parametrize("body", [b"", b'{"id": ', b"[]", b"{}", b'{"resource_id": 7}', b"\xff"])
def test_what_a_provider_should_not_have_taken_does_not_stop_the_checker(connector, method, kind, body):
    connector.market.ordered(Reply(Request(method, f"/v1/{kind}/x", (), body), 201, (), body))


def test_the_parts_of_a_resource_are_lists(http, resource_id):
    mine = own(http)
    parts = [http.get(f"/resources/{resource_id}/{part}", headers=mine).json() for part in ("credentials", "measures")]
    [user] = http.get(f"/resources/{resource_id}/users", headers=mine).json()
    assert (parts, user["role"]) == ([[], []], "owner")


def test_measures_can_be_set_and_read(http, resource_id):
    period = {"period_start": "2026-11-01T00:00:00.000Z", "period_end": "2026-12-01T00:00:00.000Z"}
    body = {"body": {"resource_id": resource_id, "measures": {"honey": 7}, **period}}
    assert http.put(f"/resources/{resource_id}/measures", json=body, headers=own(http)).status_code == 204
    [month] = http.get(f"/resources/{resource_id}/measures", headers=own(http)).json()
    assert (month["period_end"], month["measures"][0]["usage"]) == (period["period_end"], 7)


def test_a_rotation_is_acknowledged_however_often(http, connector, resource_id):
    body = {"resource_id": resource_id, "credential_id": new_id(), "reason": "leaked"}
    path, mine = f"/credential-rotations/{new_id()}", own(http)
    statuses = [http.put(path, json=body, headers=mine).status_code for _ in range(2)]
    assert (statuses, len(connector.rotations)) == ([202, 202], 1)
    assert http.put(path, json={**body, "reason": "no"}, headers=mine).status_code == 400
    assert http.put(path, json=body).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/oauth/tokens", 405), ("PUT", "/self", 405), ("GET", "/nonsense", 404)]
)
def test_what_is_not_there_is_an_error_in_json(http, method, path, status):
    answer = http.request(method, path)
    assert (answer.status_code, answer.json().keys()) == (status, {"type", "message"})


def test_a_body_in_chunks_is_read(http):
    headers = {"Content-Type": "application/json"}
    content = iter([b'{"grant_type": ', b'"client_credentials"}'])
    assert http.post("/oauth/tokens", content=content, headers=headers, auth=BASIC).status_code == 201


@pytest.mark.parametrize(("address", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_a_port_that_is_taken_is_told(address, family):
    with socket.create_server((address, 0), family=family) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"cannot listen on port {port}: .* choose another --connector-port"):
            Connector(port, CLIENT)


def test_no_secret_is_in_a_repr(connector):
    connector.tokens.code(new_id())
    assert CLIENT.secret not in repr(CLIENT) + repr(connector.tokens.exchanges)
