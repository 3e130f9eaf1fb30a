"""Hides what lines know of accounts, service tokens and other objects from whoever may not look at these."""

import json
from html import unescape

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from credservice.accounts.oidc.admission import CLAIMED_USER
from credservice.accounts.services import reset_second_factor
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from tests.console.audit.conftest import LIST, found
from tests.console.audit.test_export import export
from tests.support.pages import url


def signed_in(*roles, may=()):
    user = User.objects.create_user("reader", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    user.user_permissions.set(Permission.objects.filter(codename__in=may))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(params=["Viewer", "Operator"])
def reader(request, db):
    return signed_in(request.param)


@pytest.fixture
def auditor(db):
    return signed_in("Auditor")


def text_of(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(unescape(strip_tags(answer.content.decode())).split())


def newest():
    return AuditEvent.objects.latest("id")


@pytest.fixture
def turned_away(db, settings):
    settings.OIDC_PROVIDERS = {"corp": {"name": "Corp SSO"}}
    detail = {"provider": "corp", "groups_claim": "groups", "groups": ["all-staff"], "name_by_provider": "bobby"}
    line = {"reason": "no_role", "object_type": "user", "subject": f"{CLAIMED_USER}bobby"}
    record(Line("user.sign_in", "user:unknown", "refused", detail=detail, **line))
    return newest()


def test_nobody_learns_by_a_search_whom_a_provider_turned_away(turned_away, reader):
    for term in (f"{CLAIMED_USER}bobby", "bobby"):
        assert found(reader, q=term) == []
        assert reader.post(reverse("admin:search"), {"term": term}).status_code == 200


def test_who_may_look_at_accounts_finds_whom_a_provider_turned_away(turned_away, auditor):
    assert found(auditor, q=f"{CLAIMED_USER}bobby") == ["user.sign_in"]


def test_what_a_provider_said_of_who_was_turned_away_is_hidden(turned_away, reader):
    told = "Somebody unknown was refused by Corp SSO: none of their groups has a role"
    for address in (LIST, url(turned_away)):
        text = text_of(reader, address)
        assert told in text
        assert not [word for word in ("bobby", "all-staff", "Said by the provider") if word in text]
    assert "Only who may look at the object sees these facts." in text_of(reader, url(turned_away))
    for query in ({"q": "bobby"}, {"subject": "bobby"}, {"subject": turned_away.subject}):
        assert found(reader, **query) == []
    assert 'No customer is called "claimed_user:bobby".' in text_of(reader, f"{LIST}?subject=claimed_user:bobby")


def test_who_may_look_at_accounts_reads_it(turned_away, auditor):
    text = text_of(auditor, url(turned_away))
    assert "bobby was refused by Corp SSO: none of their groups has a role" in text
    assert "Said by the provider" in text
    assert "all-staff" in text
    assert found(auditor, subject=turned_away.subject) == found(auditor, q="bobby") == ["user.sign_in"]


def test_a_file_has_no_more_than_the_pages(turned_away, world):
    record(Line.about(world.platform, "platform.suspended", "user:ann", {"why": "Ticket 1"}))
    client = signed_in(may=("view_auditevent", "export_auditevent", "view_platform"))
    text = b"".join(export(client).streaming_content).decode()
    assert not [word for word in ("bobby", "all-staff") if word in text]
    rows = {row["action"]: row for row in map(json.loads, text.splitlines())}
    assert rows["user.sign_in"]["detail"] == {"withheld": "Only who may look at the object sees these facts."}
    assert rows["platform.suspended"]["detail"]["why"] == "Ticket 1"
    assert "bobby" not in b"".join(export(client, "csv").streaming_content).decode()


def test_an_auditors_file_has_all_of_it(turned_away, auditor):
    row = json.loads(b"".join(export(auditor, action="user.sign_in").streaming_content))
    assert (row["subject"], row["detail"]["groups"]) == (turned_away.subject, ["all-staff"])


def about_an_account(world):
    reset_second_factor(user=world.host, actor="user:ann", reason="Lost in a bar")
    return "Lost in a bar"


def about_a_token(world):
    detail = {"operation": "credentials_list", "scope": "credentials:write"}
    record(Line("vendor_api.call", "token:backend", "refused", "missing_scope", detail=detail))
    return "credentials:write"


def about_an_invitation(world):
    record(Line.about(world.invitation, "invitation.ended", "user:ann", {"why": "Hired elsewhere"}))
    return "Hired elsewhere"


@pytest.mark.parametrize("tell", [about_an_account, about_a_token, about_an_invitation])
def test_so_are_the_reasons_and_facts_of_what_the_reader_may_not_look_at(world, tell):
    fact = tell(world)
    line = newest()
    viewer = signed_in("Viewer")
    for address in (LIST, url(line)):
        assert fact not in text_of(viewer, address)
    User.objects.filter(username="reader").delete()
    assert fact in text_of(signed_in("Auditor"), url(line))


def test_the_counts_of_bulk_work_and_who_approved_are_hidden_as_their_pages_are(db):
    record(Line("bulk_run.done", "worker", object_type="bulk_run", object_id="1", detail={"done": 31, "refused": 7}))
    detail = {"approved_by": "max"}
    record(Line("approval.used", "user:ann", object_type="approval", object_id="1", detail=detail))
    text = text_of(signed_in("Viewer"), LIST)
    assert "The worker finished" in text
    assert not [word for word in ("31 done", "given by max") if word in text]


def test_that_a_credential_leaked_is_told_to_who_may_look_at_it(world, clerk):
    record(Line.about(world.credential, "credential.revoked", "user:ann", {"leaked": True}))
    line = newest()
    assert "leaked" not in text_of(clerk, url(line))
    assert "the leaked credential" in text_of(signed_in("Viewer"), url(line))
