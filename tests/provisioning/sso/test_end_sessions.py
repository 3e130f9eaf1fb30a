"""manage.py end_sessions."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from credservice.audit.names import command_actor
from provisioning.models import ResourceSession
from tests.provisioning.conftest import new_id


def end(*arguments):
    out = StringIO()
    call_command("end_sessions", *arguments, stdout=out)
    return out.getvalue()


def test_it_signs_the_users_of_one_resource_out(signed_on, resource_id, other_id, trail):
    signed_on.sign_on(other_id)
    assert end(resource_id) == "Ended: 1.\n"
    assert signed_on.open(resource_id).status_code == 401
    assert signed_on.open(other_id).status_code == 200
    event = trail.one(action="sso.ended")
    assert event.actor == command_actor("end_sessions")
    assert event.detail["resource"] == resource_id


def test_it_signs_everybody_out(signed_on, other_id):
    signed_on.sign_on(other_id)
    assert end("--all") == "Ended: 2.\n"
    assert not ResourceSession.objects.exists()


@pytest.mark.parametrize("arguments", [(), ("--all", "x")])
def test_it_asks_whose(db, arguments):
    with pytest.raises(CommandError):
        end(*arguments)


def test_an_unknown_resource_is_told(db):
    with pytest.raises(CommandError, match="There is no resource"):
        end(new_id())
