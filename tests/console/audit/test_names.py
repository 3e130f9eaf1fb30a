"""Names what the lines of the trail are about as the pages of these objects do."""

from html import unescape

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from credservice.adminkit.sentences import plain_sentence, sentence
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from tests.console.audit.conftest import LIST
from tests.support.pages import all_models, url


def told(obj, action="changed", actor="user:ann"):
    record(Line.about(obj, f"thing.{action}", actor))
    return plain_sentence(AuditEvent.objects.latest("id"))


def test_an_object_has_the_name_that_its_page_has(world, admin):
    assert told(world.platform) == "ann changed platform mindcloud"
    assert told(world.integration) == "ann changed integration int_1"
    assert told(world.policy) == "ann changed credential policy entered"
    assert told(world.end_user) == "ann changed end user acme"
    assert told(admin) == "ann changed user root"
    assert told(world.broker_password) == "ann changed platform password manifold: 0123456789ab"


def test_whose_it_is_stands_there_once(world):
    first = str(world.credential.pk)[:8]
    assert told(world.credential, "fetched") == f"ann fetched credential entered {first} for acme"
    assert told(world.installation) == "ann changed installation inst_1 for acme"
    assert told(world.grant) == "ann changed grant acme for int_1"


def test_what_others_chose_as_a_name_neither_steers_the_sentence_nor_hides_whose_it_is(world):
    odd = world.make_installation("acme \u202ex\n" + "y" * 200)
    sentence = told(odd)
    assert sentence.startswith("ann changed installation acme ?x?yyy")
    assert sentence.endswith("y… for acme")
    assert len(sentence) < 200


def test_who_may_not_look_at_an_object_reads_no_name_of_it(world, clerk):
    record(Line.about(world.end_user, "thing.changed", "user:ann"))
    record(Line.about(world.installation, "thing.changed", "user:ann"))
    text = " ".join(strip_tags(clerk.get(LIST).content.decode()).split())
    assert f"ann changed end user {str(world.end_user.pk)[:8]}" in text
    assert "acme" not in text
    assert "inst_1" not in text


def test_who_may_not_open_an_object_gets_no_link_and_no_facts_of_it(world, clerk):
    for facts in ({"object_id": world.invitation.pk}, {"object_id": "99999"}):
        detail = {"name": "Max", "email": "max@example.com", "invited": "Max"}
        record(Line("invitation.made", "user:ann", object_type="invitation", **facts, detail=detail))
        page = clerk.get(url(AuditEvent.objects.latest("id"))).content.decode()
        assert "ann made" in strip_tags(page)
        assert "Max" not in page
        assert "max@example.com" not in page
        assert "/accounts/invitation/" not in page


def test_the_trail_of_an_object_is_of_its_kind_alone(console, world, admin):
    record(Line("invitation.made", "user:ann", object_type="invitation", object_id=str(admin.pk)))
    trail = console.get(url(admin, "history"))["Location"]
    assert {line.object_type for line in console.get(trail).context["cl"].result_list} <= {"user"}


def refused(world, actor, subject="", **ids):
    ids = {"end_user": "eu_1", "installation": "inst_1"} | ids
    record(Line("exchange.credential", actor, "refused", "no_grant", subject=subject, detail=ids))
    return AuditEvent.objects.latest("id")


def test_a_refused_call_of_a_proven_platform_names_the_customer(console, world):
    line = refused(world, "platform:mindcloud", world.end_user.subject)
    assert plain_sentence(line) == (
        "The platform mindcloud's call to fetch a credential for acme (end user eu_1, installation inst_1) "
        "was refused: no grant covers it"
    )
    assert f'href="{url(world.end_user)}"' in sentence(line)
    assert "for acme was refused" in plain_sentence(
        refused(world, line.actor, line.subject, end_user="", installation="")
    )
    own = strip_tags(console.get(url(world.end_user)).content.decode())
    assert "credential for end user eu_1, installation inst_1 was refused" in own


def test_a_refused_call_names_no_customer_to_who_may_not_look_at_it(clerk, world):
    refused(world, "platform:mindcloud", world.end_user.subject)
    page = clerk.get(LIST).content.decode()
    assert "to fetch a credential for end user eu_1, installation inst_1 was refused" in strip_tags(page)
    assert "acme" not in page


@pytest.mark.parametrize("actor", ["unproven:mindcloud", "anonymous"])
def test_a_call_that_proved_nothing_names_no_customer(world, actor):
    """Even if such a line had one."""
    line = refused(world, actor, world.end_user.subject)
    assert "acme" not in plain_sentence(line)
    assert url(world.end_user) not in sentence(line)


def test_what_is_no_more_has_its_ids_first_digits(world):
    password, first = world.broker_password, str(world.broker_password.pk)[:8]
    record(Line.about(password, "broker_password.changed", "user:ann"))
    password.delete()
    assert plain_sentence(AuditEvent.objects.latest("id")) == f"ann changed platform password {first} for manifold"


def test_the_list_and_an_objects_own_page_say_it(console, world):
    told(world.platform)
    line = AuditEvent.objects.latest("id")
    for page in (LIST, url(world.platform), url(line)):
        text = unescape(strip_tags(console.get(page).content.decode()))
        assert "ann changed platform mindcloud" in " ".join(text.split())


def test_a_page_asks_once_for_each_kind_and_for_nothing_sealed(console, world):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert console.get(LIST).status_code == 200
        return [q["sql"] for q in captured.captured_queries if " IN (" in q["sql"] and "pg_class" not in q["sql"]]

    def tell_of_all():
        for model in all_models():
            for row in model._default_manager.all()[:9] if model is not AuditEvent else ():
                told(row)

    tell_of_all()
    queries()
    few = queries()
    for n in range(3):
        world.make_key(), world.make_installation(f"more_{n}"), world.make_resource(f"more_{n}")
    tell_of_all()
    many = queries()
    assert len(many) == len(few)
    columns = [sql.partition(" FROM ")[0] for sql in many if sql.startswith('SELECT "credentials_credential"')]
    assert not [names for names in columns if "sealed_" in names]


def test_every_list_can_name_its_rows(world):
    for model, site_admin in admin.site._registry.items():
        assert all(site_admin.titles_of(list(model._default_manager.all()[:2]))), model
