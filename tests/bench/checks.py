"""Checks that the servers do the same work: each answers what it should, and refuses what nobody has signed."""

import json

import httpx2

from tests.bench.ids import INTEGRATION, end_user_id, installation_id, resource_id, value
from tests.bench.requests import EXCHANGE_PATH
from tests.bench.servers import Server
from tests.e2e.partners import Manifold, MindCloud, new_id


def check(server: Server, installations: int, mindcloud: MindCloud, manifold: Manifold, client: httpx2.Client) -> None:
    for number in (0, installations // 2, installations - 1):
        _check_exchange(server, number, mindcloud, client)
    _check_put(server, manifold, client)


def _check_exchange(server: Server, number: int, mindcloud: MindCloud, client: httpx2.Client) -> None:
    ids = {"integrationId": INTEGRATION, "installationId": installation_id(number), "endUserId": end_user_id(number)}
    headers, url = mindcloud.headers(EXCHANGE_PATH), server.base_url + EXCHANGE_PATH
    answer = client.post(url, json=ids, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"apiKey": value(number)}), answer.text
    old = headers | {"X-Timestamp": str(int(headers["X-Timestamp"]) - 1)}
    assert client.post(url, json=ids, headers=old).status_code == 401


def _check_put(server: Server, manifold: Manifold, client: httpx2.Client) -> None:
    credential = new_id()
    body = {"id": credential, "resource_id": resource_id(0)}
    signed = manifold.signed("PUT", f"/v1/credentials/{credential}", body)

    def put(content: bytes) -> httpx2.Response:
        return client.put(server.base_url + signed.target, content=content, headers=list(signed.headers))

    assert put(json.dumps(body | {"resource_id": resource_id(1)}).encode()).status_code == 401
    first, second = put(signed.body), put(signed.body)
    assert (first.status_code, second.status_code) == (201, 201), first.text
    assert first.json()["credentials"] == second.json()["credentials"]
