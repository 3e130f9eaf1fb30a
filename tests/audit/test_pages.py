"""The trail in the console: its filters, its sentences, its export, who could have seen what."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.urls import reverse

from credservice.audit import record
from credservice.audit.admin import changelist, exporting
from credservice.audit.models import AuditEvent
from credservice.audit.seen import line_of, sightings
from credservice.audit.sentences import sentence
from credservice.credentials.services import reveal, rotate
from credservice.http.context import RequestContext, _context
from tests.console.conftest import (  # noqa: F401 - fixtures
    CANARY,
    _plain_static_files,
    _quick_passwords,
    admin,
    console,
    world,
)
from tests.console.pages import send, url

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
def test_a_line_is_found_by_each_of_its_facts(console, query):  # noqa: F811
    what = {"object_type": "thing", "object_id": "7", "subject": "end_user:eu", "outcome": "refused"}
    record(action="test.act", actor="user:ann", **what)
    record(action="test.other", actor="user:bob", outcome="refused")
    rows = found(console, **query)
    assert "test.act" in rows
    assert "request_id" in query or "source" in query or "q" in query or "test.other" not in rows


@pytest.mark.parametrize("source", ["nonsense", "10.0.0.0/8", "1.2.3", "::ffff:zz"])
def test_what_is_no_address_finds_nothing(console, source):  # noqa: F811
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
def test_times_are_utc_and_a_day_alone_is_a_whole_day(console, chain, query, expected):  # noqa: F811
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (at, action, outcome, actor) VALUES"
            " ('2031-01-01 23:59+00', 'a', 'done', 'x'), ('2031-01-02 12:00+00', 'b', 'done', 'x'),"
            " ('2031-01-02 23:00+00', 'c', 'done', 'x')"
        )
    assert found(console, **query) == expected


@pytest.mark.usefixtures("from_address")
def test_the_lines_own_page_has_every_field(console, chain):  # noqa: F811
    record(
        action="test.act", actor="user:ann", object_type="thing", object_id="7", detail={"nets": ["10.0.0.0/8"] * 40}
    )
    line = AuditEvent.objects.get(action="test.act")
    page = console.get(url(line)).content.decode()
    for text in ("test.act", "user:ann", "2001:db8:1111:2222:3333:4444:5555:6666", "request-0007", "10.0.0.0/8"):
        assert text in page
    assert f"{line.at:%Y-%m-%d %H:%M:%S.%f}" in page
    assert "Not sealed yet" in page
    chain(1)


def test_the_lines_page_names_its_batch(console, chain):  # noqa: F811
    chain(2, 2)
    newest = AuditEvent.objects.filter(action="test.act").latest("id")
    assert "Batch 2, sealed" in console.get(url(newest)).content.decode()


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            {"action": "credential.revealed", "actor": "user:ann", "object_type": "thing", "object_id": "7"},
            "user ann revealed thing 7",
        ),
        (
            {"action": "exchange.credential", "actor": "platform:p", "outcome": "refused", "reason": "no_grant"},
            "platform p was refused to fetch a credential (no grant)",
        ),
        (
            {"action": "credential.issue", "actor": "worker", "outcome": "failed", "reason": "down"},
            "worker failed: credential: issue (down)",
        ),
        (
            {"action": "import.committed", "actor": "token:b", "object_type": "import", "object_id": "new_ones.csv"},
            "token b imported rows from new_ones.csv",
        ),
        (
            {"action": "data.exported", "actor": "token:b", "object_type": "export", "object_id": "end_users"},
            "token b exported end_users",
        ),
        (
            {
                "action": "setup.applied",
                "actor": "command:apply:ann",
                "object_type": "setup_file",
                "object_id": "a.yaml",
            },
            "command apply:ann applied the set-up file a.yaml",
        ),
        ({"action": "a.b", "actor": "<b>", "object_type": "<i>", "object_id": "<u>"}, "<b> b <i> <u>"),
    ],
)
def test_a_line_reads_as_a_sentence(db, facts, expected):
    from html import unescape

    from django.utils.html import strip_tags

    record(**facts)
    html = str(sentence(AuditEvent.objects.latest("id")))
    assert "<b>" not in html
    assert " ".join(unescape(strip_tags(html)).split()) == expected


@pytest.fixture
def sparse(chain, monkeypatch):
    """Hardly anything fits, and the database is said to take too long for it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (action, outcome, actor)"
            " SELECT CASE WHEN n %% 100 = 0 THEN 'rare' ELSE 'common' END, 'done', 'x' FROM generate_series(1, 3000) n",
            [],
        )
    monkeypatch.setattr(changelist, "WINDOW", 700)
    monkeypatch.setattr(changelist, "WHOLE_MS", 1)
    monkeypatch.setattr(
        changelist.KeysetChangeList, "_read", lambda *_: connection.cursor().execute("SELECT pg_sleep(1)")
    )


def test_a_question_that_takes_too_long_is_answered_in_windows(console, sparse):  # noqa: F811
    page = console.get(LIST, {"action": "rare"}).context["cl"]
    assert len(page.result_list) == 30
    assert page.reached is None


def test_windows_that_run_out_of_time_go_on_on_the_next_page(console, sparse, monkeypatch):  # noqa: F811
    monkeypatch.setattr(changelist, "WINDOWS_SECONDS", 0)
    windows = iter([True, False] * 20)
    monkeypatch.setattr(changelist._Windows, "go_on", lambda self: self.left() and next(windows))
    address, seen, pages = f"{LIST}?action=rare", [], 0
    while address:
        response = console.get(address)
        page = response.context["cl"]
        seen += [row.pk for row in page.result_list]
        pages += 1
        assert page.reached is None or "Looked as far as" in response.content.decode()
        address = LIST + page.paginator.following if page.paginator.following else ""
    assert len(seen) == len(set(seen)) == 30
    assert seen == sorted(seen, reverse=True)
    assert pages >= 3


def test_a_timeout_ends_with_the_list(console, world):  # noqa: F811
    console.get(LIST)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_the_list_shows_the_state_of_the_chain(console, chain):  # noqa: F811
    assert "No line is sealed yet" in console.get(LIST).content.decode()
    chain(2)
    record(action="audit.verified", actor="command:x", outcome="failed", detail={"broken": "Batch 7 is broken."})
    page = console.get(LIST).content.decode()
    assert "in 1 batch" in page
    assert "Batch 7 is broken." in page
    assert "Batch 7 is broken." in console.get("/admin/").content.decode()


def test_the_overview_says_when_sealing_is_behind(console, chain):  # noqa: F811
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (at, action, outcome, actor) VALUES (now() - interval '2h', 'a', 'done', 'x')"
        )
    assert "wait for their seal" in console.get("/admin/").content.decode()
    chain(1)
    assert "wait for their seal" not in console.get("/admin/").content.decode()


def export(client, form="ndjson", **query):
    return send(client, f"{LIST}export/?{'&'.join(f'{name}={value}' for name, value in query.items())}", format=form)


def test_it_exports_the_present_filter_and_records_it(console, chain, trail):  # noqa: F811
    for number in range(3):
        record(action="test.act", actor=f"user:{number % 2}")
    response = export(console, actor="user:0")
    rows = [json.loads(line) for line in b"".join(response.streaming_content).decode().splitlines()]
    assert [row["actor"] for row in rows] == ["user:0", "user:0"]
    assert rows[0]["id"] > rows[1]["id"]
    event = trail.one(action="audit.exported")
    assert (event.actor, event.detail["filters"]) == ("user:root", {"actor": "user:0"})


def test_a_search_is_exported_as_it_is_listed(console, chain):  # noqa: F811
    record(action="one", actor="x", object_id="7")
    record(action="two", actor="x", subject="7")
    record(action="three", actor="x")
    text = b"".join(export(console, "csv", q="7").streaming_content).decode()
    assert [line.split(",")[2] for line in text.splitlines()[1:]] == ["two", "one"]


def test_an_export_is_bounded(console, chain, monkeypatch):  # noqa: F811
    monkeypatch.setattr(exporting, "MAX_LINES", 2)
    chain(5)
    assert len(b"".join(export(console).streaming_content).splitlines()) == 2


def test_a_form_sent_twice_exports_once(console, chain, trail):  # noqa: F811
    page = console.get(f"{LIST}export/")
    form = {"form_id": page.context["form_id"], "format": "csv"}
    assert console.post(f"{LIST}export/", form).status_code == 200
    assert console.post(f"{LIST}export/", form).status_code == 400
    trail.one(action="audit.exported")


def test_without_the_permission_nothing_is_exported(clerk, trail):
    assert clerk.get(LIST).status_code == 200
    assert "Export these lines" not in clerk.get(LIST).content.decode()
    for answer in (clerk.get(f"{LIST}export/"), clerk.post(f"{LIST}export/", {"format": "csv"})):
        assert answer.status_code == 403
    assert trail.all(action="audit.exported") == []


def seen_url(credential):
    return reverse("admin:audit_auditevent_seen", args=[credential.pk])


@pytest.mark.usefixtures("from_address")
def test_who_could_have_seen_a_credential(console, world):  # noqa: F811
    key = world.make_key()
    for _ in range(3):
        what = {"object_type": "credential", "object_id": key.pk, "subject": key.subject}
        record(action="exchange.credential", actor="platform:mindcloud", outcome="granted", **what)
    record(action="exchange.credential", actor="platform:mindcloud", outcome="refused", **what)
    reveal(credential=key, actor="user:ann", reason="a test")
    rotate(credential=key, actor="user:bob", overlap=timedelta(hours=1))
    ways = {(seen.actor, seen.action): seen.times for seen in sightings(line_of(key.pk))}
    assert ways["platform:mindcloud", "exchange.credential"] == 3
    assert ways["user:ann", "credential.revealed"] == 1
    assert ("user:bob", "credential.retiring") not in ways
    page = console.get(seen_url(key)).content.decode()
    assert "handed out by the exchange" in page
    assert "2001:db8:1111:2222:3333:4444:5555:6666" in page
    assert "no end is set" in page


def test_callbacks_to_its_subject_count(console, world):  # noqa: F811
    key = world.make_key()
    record(action="callback.sent", actor="worker", object_type="callback", object_id="9", subject=key.subject)
    assert "callback.sent" in {seen.action for seen in sightings(line_of(key.pk))}


def test_a_pasted_value_is_looked_up_and_kept_nowhere(console, world, trail):  # noqa: F811
    page = console.post(reverse("admin:audit_auditevent_find"), {"value": f'{{"apiKey": "{CANARY}"}}'})
    text = page.content.decode()
    assert "made, or entered, for" in text
    assert CANARY not in text
    line = trail.one(action="credential.leak_reported")
    assert line.object_id == str(world.credential.pk)
    assert CANARY not in str(line.detail)


@pytest.mark.parametrize("value", ["", " ", "not-a-key-of-ours-0123456789", "x" * 20_000])
def test_a_value_that_is_not_ours_says_so(console, world, value):  # noqa: F811
    page = console.post(reverse("admin:audit_auditevent_find"), {"value": value})
    assert page.status_code == 200
    assert "handed out by" not in page.content.decode()


def test_an_unknown_credential_is_not_found(console, world):  # noqa: F811
    address = reverse("admin:audit_auditevent_seen", args=["00000000-0000-0000-0000-000000000000"])
    assert console.get(address).status_code == 404


def test_who_may_not_see_credentials_is_not_told(clerk, world):  # noqa: F811
    assert clerk.get(seen_url(world.credential)).status_code == 403
    assert clerk.post(reverse("admin:audit_auditevent_find"), {"value": CANARY}).status_code == 403


def test_a_batch_has_a_page(console, chain):  # noqa: F811
    from credservice.audit.models import AuditSeal

    chain(2)
    seal = AuditSeal.objects.get()
    assert bytes(seal.head).hex() in console.get(url(seal)).content.decode()
    assert console.get(url(AuditSeal, "changelist"), {"q": "1"}).context["cl"].result_list == [seal]
