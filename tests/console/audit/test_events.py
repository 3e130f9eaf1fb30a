"""Reads the audit log in the console: what finds a line, what its page shows, and the state of the chain."""

from html import unescape

import pytest
from django.db import connection
from django.utils.html import strip_tags

from credservice.adminkit.sentences import plain_sentence
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.audit_chain.refusal import tell_refusal
from credservice.credentials.models import CredentialPolicy
from tests.console.audit.conftest import LIST, found
from tests.support.pages import url


@pytest.mark.parametrize(
    "query",
    [
        {"actor": "user:ann"},
        {"object_type": "thing"},
        {"object_id": "7"},
        {"subject": "end_user:eu"},
        {"request_id": "request-0007"},
        {"source": "2001:db8:1111:2222:3333:4444:5555:6666"},
        {"source": "2001:DB8:1111:2222:3333:4444:5555:6666"},
        {"action": "test.act"},
        {"object_type": "thing", "object_id": "7", "actor": "user:ann", "outcome__exact": "refused"},
        {"q": "request-0007"},
    ],
)
@pytest.mark.usefixtures("from_address")
def test_a_line_is_found_by_each_of_its_facts(console, query):
    what = {"object_type": "thing", "object_id": "7", "subject": "end_user:eu", "outcome": "refused"}
    record(Line(action="test.act", actor="user:ann", **what))
    record(Line(action="test.other", actor="user:bob", outcome="refused"))
    rows = found(console, **query)
    assert "test.act" in rows
    assert "request_id" in query or "source" in query or "q" in query or "test.other" not in rows


@pytest.mark.parametrize("source", ["nonsense", "10.0.0.0/8", "1.2.3", "::ffff:zz"])
def test_what_is_no_address_finds_nothing(console, source):
    assert found(console, source=source) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"at_from_0": "2031-01-02", "at_from_1": "00:00"}, ["c", "b"]),
        ({"at_from_0": "2031-01-02"}, ["c", "b"]),
        ({"at_from_0": "2031-01-01", "at_to_0": "2031-01-01"}, ["a"]),
        ({"at_from_0": "2031-01-02", "at_to_0": "2031-01-02", "at_to_1": "12:00"}, ["b"]),
        ({"at_from_0": "soon", "at_from_1": "x"}, []),
    ],
)
def test_times_are_utc_and_a_day_alone_is_a_whole_day(console, chain, query, expected):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (at, action, outcome, actor) VALUES"
            " ('2031-01-01 23:59+00', 'a', 'done', 'x'), ('2031-01-02 12:00+00', 'b', 'done', 'x'),"
            " ('2031-01-02 23:00+00', 'c', 'done', 'x')"
        )
    assert found(console, **query) == expected


@pytest.mark.usefixtures("from_address")
def test_the_lines_own_page_has_every_field(console, chain):
    record(
        Line(
            action="test.act",
            actor="user:ann",
            object_type="thing",
            object_id="7",
            detail={"nets": ["10.0.0.0/8"] * 40},
        )
    )
    line = AuditEvent.objects.get(action="test.act")
    page = console.get(url(line)).content.decode()
    for text in ("test.act", "user:ann", "2001:db8:1111:2222:3333:4444:5555:6666", "request-0007", "10.0.0.0/8"):
        assert text in page
    assert f"{line.at:%Y-%m-%d %H:%M:%S.%f}" in page
    assert "Not sealed yet" in page
    chain(1)


def test_the_reason_given_and_why_it_was_refused_are_two_fields(console, world):
    record(Line.about(world.end_user, "end_user.suspended", "user:ann", {"why": "Ticket 4711", "name": "acme"}))
    given = shown(console)
    assert "Reason given Ticket 4711" in given
    assert "Why it was refused" not in given
    record(Line("exchange.credential", "platform:p", "refused", "no_grant"))
    refused = shown(console)
    assert "Why it was refused or failed no grant covers it (no_grant)" in refused
    assert "Reason given" not in refused


def test_the_detail_is_a_table_of_names_in_words(console, world):
    changes = {"is_active": {"from": True, "to": False}, "attributes": {}, "nets": {"to": ["10.0.0.0/8"]}}
    record(Line.about(world.platform, "platform.changed", "user:ann", {"changes": changes, "clock_difference": 3}))
    page = shown(console)
    assert "is active from yes to no" in page
    assert "nets to 10.0.0.0/8" in page
    assert "attributes changed" in page
    assert "clock difference 3 As JSON" in page


def shown(console):
    return " ".join(unescape(strip_tags(console.get(url(AuditEvent.objects.latest("id"))).content.decode())).split())


def test_the_lines_page_names_its_batch(console, chain):
    chain(2, 2)
    newest = AuditEvent.objects.filter(action="test.act").latest("id")
    assert "Batch 2, sealed" in console.get(url(newest)).content.decode()


def test_the_list_shows_the_state_of_the_chain(console, chain):
    assert "No line is sealed yet" in console.get(LIST).content.decode()
    chain(2)
    record(Line(action="audit.verified", actor="command:x", outcome="failed", detail={"broken": "Batch 7 is broken."}))
    page = console.get(LIST).content.decode()
    assert "in 1 batch" in page
    assert "Batch 7 is broken." in page
    assert "Batch 7 is broken." in console.get("/admin/").content.decode()


def test_the_pages_say_that_sealing_is_refused(console, chain):
    chain(2)
    tell_refusal("The head of batch 9 is not in the chain.")
    for page in ("/admin/", LIST):
        assert "The head of batch 9 is not in the chain." in console.get(page).content.decode()


def test_the_overview_says_when_sealing_is_behind(console, chain):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (at, action, outcome, actor) VALUES (now() - interval '2h', 'a', 'done', 'x')"
        )
    assert "wait for their seal" in console.get("/admin/").content.decode()
    chain(1)
    assert "wait for their seal" not in console.get("/admin/").content.decode()


def test_a_change_of_a_whole_object_is_told_as_changed(console, world):
    shapes = {"from": {"apiKey": "$credential.apiKey"}, "to": {"key": "$credential.apiKey"}}
    record(Line.about(world.integration, "integration.changed", "user:ann", {"changes": {"response_shape": shapes}}))
    page = shown(console)
    assert "response shape changed" in page
    assert "from changed" not in page
    assert "ann changed integration int_1 (response shape)" in page


def test_what_an_object_belongs_to_is_named_in_its_changes(console, clerk, world):
    other = CredentialPolicy.objects.create(name="vendor-keys", issuer="static")
    changes = {"policy": {"from": str(world.policy.pk), "to": str(other.pk)}}
    record(Line.about(world.integration, "integration.changed", "user:ann", {"changes": changes}))
    assert "policy from entered to vendor-keys" in shown(console)
    assert "vendor-keys" not in shown(clerk)


def test_what_is_empty_is_no_fact_but_what_became_empty_is_one(console, world):
    changes = {"name": {"from": "Acme", "to": ""}}
    record(Line.about(world.end_user, "end_user.changed", "user:ann", {"changes": changes, "hint": "", "kind": None}))
    page = shown(console)
    assert "name from Acme to nothing" in page
    assert "hint nothing" not in page
    assert "kind nothing" not in page


@pytest.mark.parametrize(
    ("kind", "told"),
    [("user", "a user"), ("usage_report", "a usage report"), ("end_user", "an end user"), ("group", "a role")],
)
def test_an_article_is_as_the_word_sounds(db, kind, told):
    record(Line(f"{kind}.changed", "user:ann", object_type=kind))
    assert plain_sentence(AuditEvent.objects.latest("id")) == f"ann changed {told}"


def test_first_roles_by_a_provider_are_named_to_who_may_look_at_accounts(console, clerk):
    detail = {"provider": "corp", "from": [], "to": ["Viewer", "Operator"]}
    record(Line("user.roles_set", "user:ann@corp", object_type="user", object_id="70001", detail=detail))
    assert "ann@corp got the roles Operator and Viewer by the groups at the provider" in shown(console)
    assert "ann@corp got other roles by the groups at the provider" in shown(clerk)
    assert "Operator" not in shown(clerk).partition("ann@corp got")[2]
