"""Lets in who proves it, and tells nobody else anything."""

import base64
from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.core.exceptions import Conflict, Invalid
from credservice.statistics import counters
from provisioning.models import Marketplace
from provisioning.osb.models import BrokerPassword
from provisioning.osb.passwords import end_password, enter_password, make_password
from tests.provisioning.osb.conftest import VERSION, at, basic, offer

LONG = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    "authorization",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer abc"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": f"Basic {base64.b64encode(b'no colon').decode()}"},
        {"Authorization": f"Basic {base64.b64encode(bytes([255, 58, 255])).decode()}"},
        basic("cf", ""),
        basic("cf", "wrong"),
        basic("cf", "\0"),
        basic("other", LONG),
    ],
)
def test_nobody_else_is_let_in_or_told_anything(platform, instance, binding, small, authorization):
    for method in ("GET", "PUT", "DELETE"):
        for path in (at(instance), at(instance, binding), at(instance) + "/last_operation", "/catalog", at("nothing")):
            answer = platform(method, path, offer(small) if method == "PUT" else None, headers=VERSION | authorization)
            if answer.status_code == 405:
                continue
            assert answer.status_code == 401, (method, path)
            assert answer["WWW-Authenticate"] == 'Basic realm="credservice"'
            assert answer.json() == {
                "error": "Unauthenticated", "description": "The request could not be authenticated."
            }  # fmt: skip


def test_the_password_comes_before_the_version_and_the_form(platform, queue):
    assert platform.put(at("x"), raw=b"{", headers={}).status_code == 401
    assert platform.put(at("x"), raw=b"{", headers=basic("cf", "wrong")).status_code == 401


def test_the_password_is_good_at_its_own_marketplace_only(client, platform, password, queue):
    other = Marketplace.objects.create(name="other", protocol_name="osb")
    Marketplace.objects.create(name="manifold", connector_url="https://c.example")
    for name in (other.name, "manifold", "nobody", "x" * 65, "%00", "cf%20"):
        for user in (name, "cf"):
            answer = client.get(f"/osb/{name}/v2/catalog", headers=VERSION | basic(user, password))
            assert answer.status_code == 401


def test_a_suspended_marketplace_is_refused(platform, platform_row, queue):
    platform_row.is_active = False
    platform_row.save()
    assert platform.get("/catalog").status_code == 401


def test_two_passwords_are_good_during_the_overlap_and_never_three(platform, platform_row, password, queue):
    def let_in():
        texts = [password, second, third]
        return [platform.get("/catalog", headers=VERSION | basic("cf", text)).status_code == 200 for text in texts]

    second = make_password(marketplace=platform_row, actor="test")[1]
    third = LONG
    assert let_in() == [True, True, False]
    third = make_password(marketplace=platform_row, actor="test")[1]
    assert let_in() == [False, True, True]
    BrokerPassword.objects.filter(ends_at__gt=timezone.now()).update(ends_at=timezone.now())
    assert let_in() == [False, False, True]
    assert make_password(marketplace=platform_row, actor="test", overlap=timedelta(0))
    assert let_in() == [False, False, False]


def test_the_line_of_a_new_password_says_when_the_one_before_ends(platform_row, password, trail):
    """Also where an earlier one has an end already, which comes now."""
    for overlap in (timedelta(hours=1), timedelta(hours=9)):
        before = BrokerPassword.objects.get(marketplace=platform_row, ends_at__isnull=True)
        make_password(marketplace=platform_row, actor="test", overlap=overlap)
        before.refresh_from_db()
        line = trail.all(action="broker_password.created")[-1]
        assert line.detail["one_before_ends_at"] == before.ends_at.isoformat()
        live = BrokerPassword.objects.live().filter(ends_at__isnull=False)
        assert [row.ends_at.isoformat() for row in live] == [line.detail["one_before_ends_at"]]


def test_a_password_is_ended_once(platform, platform_row, queue, trail):
    row = BrokerPassword.objects.get()
    for _ in range(2):
        end_password(password=row, actor="test")
    assert platform.get("/catalog").status_code == 401
    assert trail.one(action="broker_password.ended").detail["marketplace"] == "cf"


def test_the_password_is_in_no_table_and_no_line(platform_row, password, trail):
    assert password not in str(BrokerPassword.objects.values()) + str([line.detail for line in trail.all()])
    assert len(base64.urlsafe_b64decode(password + "=")) == 32


@pytest.mark.parametrize("text", ["", "short", "x" * 40, "é" * 40, LONG + "\n", "a1b2c3d4" * 40])
def test_what_could_be_guessed_or_not_be_sent_is_no_password(platform_row, text):
    with pytest.raises(Invalid, match="random text"):
        enter_password(marketplace=platform_row, text=text, actor="test")


def test_a_password_is_not_used_twice(platform_row):
    enter_password(marketplace=platform_row, text=LONG, actor="test")
    with pytest.raises(Conflict, match="used before"):
        enter_password(marketplace=platform_row, text=LONG, actor="test")


def test_whoever_guesses_is_told_to_wait(platform, queue, monkeypatch):
    monkeypatch.setattr("provisioning.osb.authentication.FAILURES_PER_MINUTE", 2)
    answers = [platform.get("/catalog", headers=VERSION | basic("cf", "wrong")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert platform.get("/catalog").status_code == 200


@pytest.mark.parametrize("version", ["", "2", "2.12", "1.17", "3.0", "2.17.1", "two", "2.-1", "\u0662.\u0661\u0667"])
def test_another_version_is_412(platform, queue, version):
    sent = platform.headers | ({"X-Broker-API-Version": version} if version else {})
    if not version:
        del sent["X-Broker-API-Version"]
    sent = {name: text.encode().decode("latin-1") for name, text in sent.items()}
    answer = platform.get("/catalog", headers=sent)
    assert (answer.status_code, answer.json()["error"]) == (412, "UnsupportedVersion")


@pytest.mark.parametrize("version", ["2.13", "2.14", "2.15", "2.16", "2.17", "2.18"])
def test_versions_from_2_13_on_are_answered(platform, queue, version):
    assert platform.get("/catalog", headers=platform.headers | {"X-Broker-API-Version": version}).status_code == 200


def test_a_wrong_password_counts_for_the_marketplace_that_it_claims_to_be(platform, queue, trail):
    counters._counted.clear()
    assert platform.get("/catalog").status_code == 200
    assert platform.get("/catalog", headers=VERSION | basic("cf", "wrong")).status_code == 401
    assert platform.client.get("/osb/nobody/v2/catalog", headers=VERSION | basic("nobody", LONG)).status_code == 401
    counted = {(series, name): number for (_, series, name), number in counters._counted.items()}
    assert counted == {("marketplace.answered", "cf"): 1, ("marketplace.refused", "cf"): 1}
    assert [(line.actor, line.reason) for line in trail.all() if line.outcome == "refused"] == [
        ("unproven:cf", "wrong_password"),
        ("anonymous", "unknown_marketplace"),
    ]
