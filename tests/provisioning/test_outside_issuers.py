"""Products whose credentials are made by somebody else, who may be away."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import set_suspended
from credservice.issuers.base import Issued, IssueFailed, Issuer, IssuerUnavailable
from provisioning.models import Resource, ResourceCredential
from provisioning.tasks import finish_deprovisioned
from tests.provisioning.conftest import new_id, put_credential


class OutsideIssuer(Issuer):
    """Keeps what it made in memory, as a system outside would; ``trouble`` is what it answers with."""

    trouble: Exception | None = None
    made: dict[str, str] = {}
    asked = 0
    meanwhile: Callable[[], object] | None = None

    def check_options(self, options):
        pass

    def value_names(self, options):
        return ("TOKEN",)

    def issue(self, request):
        self._ask()
        if self.meanwhile is not None:
            self.meanwhile()
        value = self.made.setdefault(request.credential_id, f"token-{len(self.made)}")
        return Issued({"TOKEN": value})

    def revoke(self, credential_id, options, handle):
        self._ask()
        self.made.pop(credential_id, None)

    @classmethod
    def _ask(cls):
        cls.asked += 1
        if cls.trouble is not None:
            raise cls.trouble


@pytest.fixture
def issuer(settings, bear, monkeypatch):
    settings.CREDENTIAL_ISSUERS = {"outside": {"BACKEND": f"{__name__}.OutsideIssuer"}}
    monkeypatch.setattr(OutsideIssuer, "trouble", None)
    monkeypatch.setattr(OutsideIssuer, "made", {})
    monkeypatch.setattr(OutsideIssuer, "asked", 0)
    monkeypatch.setattr(OutsideIssuer, "meanwhile", None)
    CredentialPolicy.objects.update(issuer="outside", options={})
    return OutsideIssuer


def away(issuer):
    issuer.trouble = IssuerUnavailable("no answer", retry_after=0)


def back(issuer):
    issuer.trouble = None
    Credential.objects.update(next_attempt_at=None)  # as if the pause were over


def test_a_credential_is_made_outside(door, issuer, resource_id):
    response = put_credential(door, new_id(), resource_id)
    assert (response.status_code, response.json()["credentials"]) == (201, {"TOKEN": "token-0"})


def test_one_whose_resource_is_suspended_while_it_is_made_is_not_handed_out(door, issuer, resource_id, trail):
    def suspend():
        Resource.objects.update(state="suspended")
        set_suspended(subject=Resource.objects.get().subject, suspended=True)

    issuer.meanwhile = staticmethod(suspend)
    response = put_credential(door, new_id(), resource_id)
    assert (response.status_code, list(response.json())) == (400, ["message"])
    assert trail.all(action="credential.handed_out") == []
    assert Credential.objects.get().suspended


def test_the_same_request_again_asks_nobody(door, issuer, resource_id):
    partner_id = new_id()
    first = put_credential(door, partner_id, resource_id)
    assert put_credential(door, partner_id, resource_id).json() == first.json()
    assert issuer.asked == 1


def test_while_the_issuer_is_away_the_same_id_can_be_tried_again(door, issuer, resource_id):
    partner_id = new_id()
    away(issuer)
    for _ in range(2):
        response = put_credential(door, partner_id, resource_id)
        assert response.status_code == 503
        assert response["Retry-After"]
        assert list(response.json()) == ["message"]
    back(issuer)
    assert put_credential(door, partner_id, resource_id).status_code == 201
    assert Credential.objects.count() == len(issuer.made) == 1


def test_a_credential_that_cannot_be_made_uses_its_id_up(door, issuer, resource_id):
    partner_id = new_id()
    issuer.trouble = IssueFailed("quota reached")
    answers = [put_credential(door, partner_id, resource_id) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert "quota" not in answers[0].content.decode()
    assert issuer.asked == 1
    assert door.delete(f"/v1/credentials/{partner_id}").status_code == 404


def test_one_that_cannot_be_made_takes_nobodys_place(door, issuer, resource_id):
    CredentialPolicy.objects.update(multiple=False)
    issuer.trouble = IssueFailed("quota reached")
    put_credential(door, new_id(), resource_id)
    issuer.trouble = None
    assert put_credential(door, new_id(), resource_id).status_code == 201


def test_a_credential_is_ended_outside(door, issuer, resource_id):
    partner_id = new_id()
    put_credential(door, partner_id, resource_id)
    assert door.delete(f"/v1/credentials/{partner_id}").status_code == 204
    assert issuer.made == {}
    assert Credential.objects.get().state == Credential.State.REVOKED


def test_while_a_credential_cannot_be_ended_its_delete_can_be_tried_again(door, issuer, resource_id):
    partner_id = new_id()
    put_credential(door, partner_id, resource_id)
    away(issuer)
    assert door.delete(f"/v1/credentials/{partner_id}").status_code == 503
    assert put_credential(door, partner_id, resource_id).status_code == 409
    back(issuer)
    assert door.delete(f"/v1/credentials/{partner_id}").status_code == 204
    assert door.delete(f"/v1/credentials/{partner_id}").status_code == 404
    assert issuer.made == {}


def test_while_a_credential_cannot_be_ended_its_resource_is_deprovisioning(door, issuer, resource_id):
    put_credential(door, new_id(), resource_id)
    away(issuer)
    assert door.delete(f"/v1/resources/{resource_id}").status_code == 503
    assert Resource.objects.get().state == Resource.State.DEPROVISIONING
    assert put_credential(door, new_id(), resource_id).status_code == 404
    back(issuer)
    assert door.delete(f"/v1/resources/{resource_id}").status_code == 204
    assert Resource.objects.get().state == Resource.State.DEPROVISIONED
    assert not ResourceCredential.objects.filter(deprovisioned_at=None).exists()


def first(act):
    """Have another connection do this once the credential has ended, before the request notes what became of it."""
    begun = []

    def wrap(execute, sql, *more):
        is_lock = "FOR UPDATE" in sql and "provisioning_" in sql
        if is_lock and not begun and not Credential.objects.unended().exists():
            begun.append(True)
            thread = threading.Thread(target=lambda: (act(), connection.close()))
            thread.start()
            thread.join(20)
        return execute(sql, *more)

    return connection.execute_wrapper(wrap)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["resources", "credentials"])
def test_a_removal_that_an_equal_request_completes_is_done(door, new_door, issuer, resource_id, kind, trail):
    partner_id = new_id()
    put_credential(door, partner_id, resource_id)
    path = f"/v1/{kind}/{resource_id if kind == 'resources' else partner_id}"
    others = []
    with first(lambda: others.append(new_door().delete(path).status_code)):
        assert [door.delete(path).status_code, *others] == [204, 204]
    what = "resource" if kind == "resources" else "resource_credential"
    trail.one(action=f"{what}.deprovisioned")


@pytest.mark.django_db(transaction=True)
def test_a_removal_that_the_worker_completes_is_done(door, issuer, resource_id, trail):
    put_credential(door, new_id(), resource_id)
    with first(finish_deprovisioned):
        assert door.delete(f"/v1/resources/{resource_id}").status_code == 204
    assert trail.one(action="resource.deprovisioned").actor == "worker"


def test_a_credential_that_was_never_finished_ends_with_its_resource(door, issuer, resource_id):
    partner_id = new_id()
    away(issuer)
    put_credential(door, partner_id, resource_id)
    back(issuer)
    assert door.delete(f"/v1/resources/{resource_id}").status_code == 204
    assert put_credential(door, partner_id, resource_id).status_code == 404
    assert issuer.made == {}
