"""The fixtures of the audit log's pages."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from credservice.http.context import RequestContext, _context
from tests.support.audit_chain import chain

__all__ = ["chain"]
LIST = "/admin/audit/auditevent/"


@pytest.fixture
def from_address():
    token = _context.set(RequestContext("request-0007", "2001:db8:1111:2222:3333:4444:5555:6666"))
    yield
    _context.reset(token)


@pytest.fixture
def clerk(db):
    """May see the trail, and no more."""
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_auditevent"))
    client = Client()
    client.force_login(user)
    return client


def found(client, **query):
    return [row.action for row in client.get(LIST, query).context["cl"].result_list]
