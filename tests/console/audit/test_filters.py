"""Filters the trail by what a person reads on its pages, and says what is not understood."""

from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from credservice.audit import Line, record
from credservice.console.audit.jumps import known, newest_reasons, values_of
from exchange.models import EndUser
from tests.console.audit.conftest import LIST, found
from tests.console.audit.test_export import export

ACTORS = [
    *("user:olga", "platform:mindcloud", "unproven:mindcloud", "marketplace:cf", "token:Backend", "worker", "schedule"),
    *("marketplace_user:cf:u-1", "marketplace_user:cf:unknown", "command:export_audit:root", "anonymous"),
]


@pytest.fixture
def acts(db):
    for actor in ACTORS:
        record(Line(f"test.{actor.replace(':', '-')}", actor))


def text_of(client, **query):
    page = client.get(LIST, query)
    assert page.status_code == 200
    return " ".join(unescape(strip_tags(page.content.decode())).split())


def field(client, name, **query):
    """Find the form of a filter, as it is shown."""
    specs = client.get(LIST, query).context["cl"].filter_specs
    forms = [choice["form"] for spec in specs for choice in spec.choices(None) if "form" in choice]
    return next(form[name] for form in forms if name in form.fields)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("user:olga", ["user:olga"]),
        ("olga", ["user:olga"]),
        ("OLGA", ["user:olga"]),
        ("person olga", ["user:olga"]),
        (" Platform mindcloud ", ["platform:mindcloud"]),
        ("the platform MindCloud", ["platform:mindcloud"]),
        ("mindcloud", ["platform:mindcloud", "unproven:mindcloud"]),
        ("somebody who claimed to be mindcloud", ["unproven:mindcloud"]),
        ("cf", ["marketplace:cf"]),
        ("the service token backend", ["token:Backend"]),
        ("The worker", ["worker"]),
        ("the schedule", ["schedule"]),
        ("u-1", ["marketplace_user:cf:u-1"]),
        ("u-1 of the marketplace cf", ["marketplace_user:cf:u-1"]),
        ("an unknown user of the marketplace cf", ["marketplace_user:cf:unknown"]),
        ("export_audit", ["command:export_audit:root"]),
        ("the command export_audit, run by root", ["command:export_audit:root"]),
        ("olga, the worker", ["user:olga", "worker"]),
        ("platform:mindcloud,unproven:nobody", ["platform:mindcloud"]),
    ],
)
def test_an_actor_is_found_as_the_page_calls_it(console, acts, typed, expected):
    shown = found(console, actor=typed)
    assert sorted(shown) == sorted(f"test.{actor.replace(':', '-')}" for actor in expected)


def test_an_actors_name_in_its_own_case_is_that_one_alone(console):
    record(Line("test.small", "user:max"))
    record(Line("test.capital", "user:Max"))
    assert found(console, actor="Max") == ["test.capital"]
    assert sorted(found(console, actor="MAX")) == ["test.capital", "test.small"]
    assert "Shown: Max, max." in text_of(console, actor="MAX")


@pytest.mark.parametrize("typed", ["olgaa", "user:olgaa", "olga, olgaa", "%", "olga\\", "<i>olga</i>"])
def test_an_unknown_actor_is_told_as_one_and_stays_in_its_field(console, acts, typed):
    told = 'No actor in the trail is called "{}".'.format(typed.rpartition(", ")[2])
    assert told in unescape(console.get(LIST, {"actor": typed}).content.decode())
    page = text_of(console, actor=typed)
    assert "Nothing found" not in page
    assert "Nothing fits" not in page
    box = field(console, "actor", actor=typed)
    assert (box.value(), list(box.errors)) == (typed, [told])


def test_what_is_shown_of_several_actors_is_escaped(console):
    for kind in ("user", "unproven"):
        record(Line("test.act", f"{kind}:<b>x"))
    page = console.get(LIST, {"actor": "<b>x"}).content.decode()
    assert "Shown: &lt;b&gt;x, somebody who claimed to be &lt;b&gt;x." in page


@pytest.mark.parametrize("name", ["actor", "subject"])
def test_very_many_are_refused_before_each_is_looked_up(console, acts, name, django_assert_max_num_queries):
    many = ",".join(f"a{n}" for n in range(1000))
    with django_assert_max_num_queries(60):
        page = console.get(LIST, {name: many}).content.decode()
    assert "Name 20 at most, with commas between them." in page


def test_an_export_of_an_unknown_actor_is_refused_with_the_same_sentence(console, acts, trail):
    for answer in (console.get(f"{LIST}export/?actor=olgaa"), export(console, actor="olga")):
        assert answer.status_code == (400 if "olgaa" in answer.request["QUERY_STRING"] else 200)
    refused = console.post(f"{LIST}export/?actor=olgaa", {"format": "csv"})
    assert refused.status_code == 400
    assert 'No actor in the trail is called "olgaa".' in unescape(refused.content.decode())
    trail.one(action="audit.exported")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"reason": "stale_timestamp"}, ["test.stale"]),
        ({"reason": "stale timestamp"}, ["test.stale"]),
        ({"reason": "No grant covers it"}, ["test.no_grant"]),
        ({"object_type": "signing_secret"}, ["test.secret"]),
        ({"object_type": "Signing secret"}, ["test.secret"]),
        ({"object_type": "role"}, ["test.role"]),
        ({"object_type": "group"}, ["test.role"]),
        ({"outcome__exact": "Failed"}, ["test.failed"]),
        ({"outcome__exact": "failed"}, ["test.failed"]),
        ({"action": "credential.revoked"}, ["credential.revoked"]),
        ({"action": "revoked a credential"}, ["credential.revoked"]),
    ],
)
def test_small_sets_are_taken_in_words_and_as_they_are_stored(console, query, expected):
    record(Line("test.stale", "platform:p", "refused", "stale_timestamp"))
    record(Line("test.no_grant", "platform:p", "refused", "no_grant"))
    record(Line("test.secret", "user:ann", object_type="signing_secret"))
    record(Line("test.role", "user:ann", object_type="group"))
    record(Line("test.failed", "worker", "failed"))
    record(Line("credential.revoked", "user:ann", object_type="credential"))
    actions = found(console, **query)
    assert [action for action in actions if action.startswith(("test.", "credential."))] == expected


def test_they_are_offered_in_words(console):
    record(Line("credential.revoked", "user:ann", "refused", "stale_timestamp", "group"))
    for name, offer in (
        ("action", ("credential.revoked", "Revoked a credential")),
        ("reason", ("stale_timestamp", "Stale timestamp")),
        ("reason", ("no_grant", "No grant covers it")),
        ("object_type", ("group", "Role")),
        ("outcome__exact", ("refused", "Refused")),
    ):
        assert offer in field(console, name).field.choices


def test_what_is_none_of_them_is_told_and_stays_chosen(console, acts):
    for name, told in (("action", "action"), ("object_type", "object type"), ("outcome__exact", "outcome")):
        sentence = f'No line has the {told} "nonsense". Choose one of those offered.'
        assert sentence in text_of(console, **{name: "nonsense"})
        box = field(console, name, **{name: "nonsense"})
        assert (box.value(), list(box.errors)) == ("nonsense", [sentence])


def test_what_is_no_address_is_told(console):
    assert '"nonsense" is no address. Write it as 203.0.113.7 or 2001:db8::1.' in text_of(console, source="nonsense")


@pytest.fixture
def of_customers(world):
    """The world's, named acme, and two of one name, each with a line."""
    others = [
        EndUser.objects.create(platform=world.platform, end_user_id=f"eu_{n}", name="Twins", external_id=f"crm-{n}")
        for n in (7, 8)
    ]
    for number, customer in enumerate([world.end_user, *others]):
        record(Line(f"test.{number}", "user:ann", subject=customer.subject))
    record(Line("test.resource", "user:ann", subject=world.resource.subject))
    return [world.end_user, *others]


def test_a_customer_is_found_by_name_or_any_of_its_ids(console, world, of_customers):
    acme, seven, _ = of_customers
    EndUser.objects.filter(pk=acme.pk).update(name="Acme Works")
    names = (
        "Acme Works",
        "ACME WORKS",
        "acme w",
        "acme",
        acme.end_user_id,
        str(acme.pk),
        str(acme.pk)[:-4],
        acme.subject,
    )
    assert [found(console, subject=name)[0] for name in names] == ["test.0"] * len(names)
    assert found(console, subject="crm-7") == found(console, subject=seven.end_user_id) == ["test.1"]
    assert found(console, subject=world.resource.partner_id)[0] == "test.resource"


def test_several_customers_of_one_name_are_offered(console, of_customers):
    page = console.get(LIST, {"subject": "twins"})
    assert not page.context["cl"].result_list
    text = text_of(console, subject="twins")
    assert 'Several are called "twins". Choose one: Twins (crm-7 · eu_7 · mindcloud)' in text
    both = ",".join(row.subject for row in of_customers[1:])
    links = page.context["cl"].faults[0]
    assert all(f"subject={row.subject.replace(':', '%3A')}" in links for row in of_customers[1:])
    assert sorted(found(console, subject=both)) == ["test.1", "test.2"]


def test_an_unknown_customer_is_told_as_one_and_a_known_one_without_lines_is_not(console, world, of_customers):
    assert 'No customer is called "nobody".' in text_of(console, subject="nobody")
    assert 'No customer is called "end_user:nobody".' in text_of(console, subject="end_user:nobody")
    quiet = EndUser.objects.create(platform=world.platform, end_user_id="eu_9", name="Quiet")
    assert "Nothing fits these filters" in text_of(console, subject="Quiet")
    assert "Nothing fits these filters" in text_of(console, subject=quiet.subject)


def test_an_unknown_customer_leads_to_the_search_which_finds_what_was_refused(console, world):
    detail = {"end_user": "enduser_zzz"}
    record(Line("exchange.credential", "platform:mindcloud", "refused", "unknown_end_user", detail=detail))
    (fault,) = console.get(LIST, {"subject": "enduser_zzz"}).context["cl"].faults
    assert "an id may have been refused as unknown" in fault
    assert f'href="{LIST}?q=enduser_zzz"' in fault
    assert found(console, q="enduser_zzz") == ["exchange.credential"]


def test_who_may_not_look_at_customers_finds_none_by_a_name(clerk, of_customers):
    assert 'No customer is called "acme".' in text_of(clerk, subject="acme")
    assert "crm-7" not in text_of(clerk, subject="Twins")
    assert "test.0" in found(clerk, subject=of_customers[0].subject)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: values_of("action"),
        lambda: values_of("object_type"),
        lambda: values_of("actor", "user:"),
        lambda: known("actor", ["user:ann", "user:nobody"]),
        lambda: known("subject", ["end_user:1"]),
        newest_reasons,
    ],
)
def test_no_look_up_reads_the_trail(db, ask):
    """By the plans that PostgreSQL would make if it could help it."""
    with CaptureQueriesContext(connection) as captured:
        ask()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for query in captured.captured_queries:
            cursor.execute(f"EXPLAIN {query['sql']}".replace("%", "%%"))
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Seq Scan on audit_" not in plan, plan
            assert "Sort  (" not in plan or ask is newest_reasons, plan


def test_what_a_filter_asks_does_not_grow_with_the_trail(console, acts):
    def asked(**query):
        with CaptureQueriesContext(connection) as captured:
            console.get(LIST, query)
        return len(captured)

    asked()
    plain = asked()
    assert asked(actor="user:olga") <= plain + 1
    assert asked(actor="olga") <= plain + 2
    assert asked(actor="OLGA") <= plain + 9
