"""A callback that waits for an operator keeps its credential as long as that is good, and no longer."""

import pytest

from credservice.core.exceptions import Conflict
from credservice.credentials.models import Credential
from credservice.credentials.services import revoke
from provisioning import tasks
from provisioning.manifold.connector.outbox import close, resend
from provisioning.models import Callback
from tests.provisioning.conftest import new_id
from tests.provisioning.manifold.connector.conftest import work


@pytest.fixture(params=["conflict", "refused"])
def alarming(request, ask, connector, ready_id):
    """A credential's callback that waits for an operator, and the credential's id at the marketplace."""
    credential_id = new_id()
    with connector.answering_first(409):
        answer = ask.put_credential(credential_id, ready_id)
    work()
    Callback.objects.filter(partner_id=answer.callback.id).update(state=request.param)
    return lambda: Callback.objects.get(partner_id=answer.callback.id), credential_id


def test_while_its_credential_is_good_it_is_kept(alarming):
    row, _ = alarming
    tasks.sweep(0)
    assert b"token-0" in row().open_body()


def test_it_is_erased_when_its_credential_is_revoked(alarming, trail):
    row, _ = alarming
    state = row().state
    revoke(credential=Credential.objects.get(), actor="test", reason="leaked")
    tasks.sweep(0)
    tasks.sweep(0)
    assert (row().sealed_body, row().state) == (None, state)
    assert trail.one(action="callback.erased").object_id == str(row().pk)


def test_it_is_erased_when_its_credential_is_deprovisioned(alarming, ask):
    row, credential_id = alarming
    ask.delete("credentials", credential_id)
    work()
    tasks.sweep(0)
    assert row().sealed_body is None


def test_what_was_erased_is_not_sent_again_and_can_be_closed(alarming):
    row, _ = alarming
    revoke(credential=Credential.objects.get(), actor="test", reason="leaked")
    tasks.sweep(0)
    with pytest.raises(Conflict):
        resend(callback=row(), actor="test")
    close(callback=row(), actor="test", reason="settled by phone")
    assert row().state == "closed"
