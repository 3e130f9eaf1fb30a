"""Shows operators the users who look at a resource's page, and signs them out."""

import pytest

from provisioning.models import ResourceSession
from provisioning.sso import sessions
from tests.support.console import _plain_static_files, _quick_passwords, admin, console  # noqa: F401 - fixtures
from tests.support.pages import send, url


@pytest.fixture
def session(signed_on):
    return ResourceSession.objects.select_related("resource").get()


def test_lists_and_pages_show_who_it_is_and_no_token(console, session, signed_on):  # noqa: F811
    for address in (url(ResourceSession, "changelist"), url(session), url(session.resource)):
        page = console.get(address).content.decode()
        assert session.user in page
        assert session.open_token() not in page
        assert signed_on.cookie.value not in page


def test_a_session_is_found_by_the_marketplaces_id_of_its_user(console, session):  # noqa: F811
    page = console.get(f"{url(ResourceSession, 'changelist')}?q={session.user}").content.decode()
    assert url(session) in page


def test_a_user_who_is_signed_out_sees_the_resource_no_more(console, session, signed_on, trail):  # noqa: F811
    assert signed_on.open(session.resource.partner_id).status_code == 200
    assert send(console, url(session, "sign-out")).status_code == 302
    assert signed_on.open(session.resource.partner_id).status_code == 401
    line = trail.one(action="sso.ended")
    assert (line.actor, line.detail["user"]) == ("user:root", session.user)


def test_one_that_has_ended_meanwhile_is_told_so(console, session, trail):  # noqa: F811
    page = url(session, "sign-out")
    sessions.end(session)
    assert console.get(page).status_code in (302, 404)
    assert not trail.all(action="sso.ended")


def test_who_may_not_end_sessions_is_refused(console, admin, session):  # noqa: F811
    admin.is_superuser = False
    admin.save()
    assert console.post(url(session, "sign-out")).status_code in (302, 403)
    assert ResourceSession.objects.filter(pk=session.pk).exists()
