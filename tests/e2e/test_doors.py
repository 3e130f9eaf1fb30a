"""Both doors over real HTTP, as the partners call them."""

import sys

import pytest

from tests.e2e.partners import IDS, new_id
from tests.support.canaries import found_in_text


def test_the_documents_exchange_answers_the_api_key(mindcloud, live_service):
    response = mindcloud.exchange()
    assert response.status_code == 200
    assert response.json() == {"apiKey": live_service.secret("example-api-key")}
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "target",
    [
        "/credential-exchange",
        "/credential-exchange/",
        "/credential-exchange/mindcloud",
        "/credential-exchange/mindcloud/",
        "/credential-exchange?debug=1",
    ],
)
def test_every_way_of_writing_the_exchange_answers_at_once(mindcloud, target):
    assert mindcloud.exchange(target).status_code == 200


def test_a_generated_key_is_made_once(mindcloud):
    ids = {"integrationId": "int_generated", "installationId": "install_generated"}
    first, again = mindcloud.exchange(**ids), mindcloud.exchange(**ids)
    assert first.json() == again.json()
    assert first.json()["apiKey"].startswith("acme_demo_")
    assert (first.json()["accountId"], first.json()["region"]) == ("customer-1", "eu-central")


def test_an_unsigned_exchange_is_401(mindcloud, http):
    response = http.post(f"{mindcloud.url}/credential-exchange", json=IDS)
    assert (response.status_code, set(response.json())) == (401, {"code", "message"})


def test_a_resource_and_its_credential_live_and_end(manifold, resource_id):
    credential_id = new_id()
    made = manifold.put_credential(credential_id, resource_id)
    assert made.status_code == 201
    assert made.json()["credentials"]["BEAR_API_KEY"].startswith("bear_demo_")
    again = manifold.put_credential(credential_id, resource_id)
    assert (again.status_code, again.json()["credentials"]) == (201, made.json()["credentials"])
    for target in (f"/v1/credentials/{credential_id}", f"/v1/resources/{resource_id}"):
        assert manifold.send("DELETE", target).status_code == 204
        assert manifold.send("DELETE", target).status_code == 404


@pytest.mark.parametrize("slash", ["", "/"])
def test_no_path_of_the_provider_api_redirects(manifold, slash):
    resource_id, credential_id = new_id(), new_id()
    order = {"id": resource_id, "product": "bear", "plan": "ursa-minor", "region": "all::global"}
    assert manifold.send("PUT", f"/v1/resources/{resource_id}{slash}", order).status_code == 201
    body = {"id": credential_id, "resource_id": resource_id}
    assert manifold.send("PUT", f"/v1/credentials/{credential_id}{slash}", body).status_code == 201
    period = "period_start=2018-05-01T00:00:00Z&period_end=2018-05-31T23:59:59Z"
    measures = manifold.send("GET", f"/v1/resources/{resource_id}/measures{slash}?{period}")
    assert measures.status_code in (200, 204)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", ["/v1", "/v1/nothing", "/v1/resources", "/credential-exchange/a/b", "/healthz"])
def test_no_path_at_all_redirects(http, live_service, path, slash):
    for method in ("GET", "POST", "PUT"):
        assert http.request(method, live_service.base_url + path + slash).status_code in (200, 401, 404, 405)


def test_simulate_exchange_acts_as_mindcloud(live_service):
    arguments = ["--platform", "mindcloud", "--integration", IDS["integrationId"]]
    arguments += ["--installation", IDS["installationId"], "--end-user", IDS["endUserId"]]
    done = live_service.manage("simulate_exchange", *arguments, "--url", live_service.base_url)
    assert done.returncode == 0, done.stderr
    assert live_service.secret("example-api-key") in done.stdout


BONNETS = ["--product", "bonnets", "--plan", "small", "--new-plan", "large", "--region", "aws::us-east-1"]


def test_the_cases_that_need_no_connector_pass_without_one(live_service):
    key = ["--master-key", str(live_service.folder / "demo" / "masterkey.json")]
    done = live_service.manage("check_provider", f"{live_service.base_url}/v1", *key, *BONNETS)
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, done.stderr


def test_the_servers_log_shows_no_secret(live_service, mindcloud, manifold, resource_id):
    values = manifold.put_credential(new_id(), resource_id).json()["credentials"]
    mindcloud.exchange(endUserId=values["BEAR_API_KEY"])  # a key in the place of an id
    names = ["mindcloud-signing-secret", "example-api-key", "manifold-client-secret"]
    secrets = values | {name: live_service.secret(name) for name in names}
    secrets |= {name: live_service.environment[name] for name in ("SECRET_KEY", "DATABASE_URL")}
    secrets |= {"KEK": live_service.environment["ENCRYPTION_KEYS"].partition(":")[2]}
    assert found_in_text(secrets, live_service.log.read_text()) == []
