"""A bad row stops no other; a dry run writes nothing; what is refused is told without its values."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credservice.audit.models import AuditEvent
from credservice.credentials.models import Credential
from credservice.credentials.services import revoke
from exchange.bulk.csv_heading import as_columns
from exchange.models import EndUser, Grant
from tests.exchange.bulk.imports import counts, ndjson, row, run
from tests.support.canaries import found_in_rows
from tests.support.exchange_factories import make_platform

pytestmark = pytest.mark.django_db
SECRET = "canary-imported-value-7f8e9d0c"


def grant(**fields):
    return [{"integration_id": "int_abc123", "values": {"apiKey": SECRET}} | fields]


BAD = [
    (row(2, state="gone"), "/state"),
    (row(2, platform="nowhere"), "/platform"),
    (row(2, grants=grant(integration_id="int_none")), "/grants/0/integration_id"),
    (row(2, grants=grant(installation_id="install_none")), "/grants/0/installation_id"),
    (row(2, grants=grant(values={"other": SECRET})), "/grants/0/values"),
    (row(2, grants=grant(values={"apiKey": SECRET * 1000})), "/grants/0/values/apiKey"),
    ({"external_id": "bulk-2"}, "/end_user_id"),
]


@pytest.mark.parametrize(("bad", "pointer"), BAD)
def test_a_bad_row_is_refused_whole_and_the_others_are_written(door, bad, pointer):
    summary, refused = run(ndjson(row(1, value="a"), bad, row(3, value="b")))
    assert counts(summary) == (2, 0, 0, 1)
    assert [each["pointer"] for each in refused[2]["errors"]] == [pointer]
    assert not EndUser.objects.filter(external_id="bulk-2").exists()
    assert SECRET not in json.dumps(refused)


def test_nothing_new_is_made_at_a_platform_that_nobody_named(door):
    known = {"external_id": door.end_user.external_id}
    run(ndjson(row(1, value="a")))
    make_platform("crm", secret="another-signing-secret-for-tests")
    new_grant = known | {"grants": [{"integration_id": "int_abc123", "values": {"apiKey": SECRET}}]}
    summary, refused = run(ndjson(row(1, value="a"), row(2), new_grant, known | {"name": "Ada"}))
    assert (counts(summary), sorted(refused)) == ((0, 1, 1, 2), [2, 3])
    message = "This would be new: say at which platform. There are: crm, mindcloud."
    assert refused[2]["errors"] == refused[3]["errors"] == [{"pointer": "/platform", "message": message}]
    assert Grant.objects.count() == 1
    assert counts(run(ndjson(row(2, platform="crm"), row(3)), platform="mindcloud")[0]) == (2, 0, 0, 0)
    assert EndUser.objects.get(external_id="bulk-2").platform.name == "crm"


def test_an_id_that_ends_with_a_blank_is_refused_with_that(door):
    _, refused = run(ndjson(row(1, grants=grant(integration_id="int_abc123\xa0"))))
    message = "Platform mindcloud, the default one, has no such integration. The id begins or ends with a blank."
    assert refused[1]["errors"] == [{"pointer": "/grants/0/integration_id", "message": message}]


def test_an_end_user_id_of_another_is_refused(door):
    summary, refused = run(ndjson(row(1), row(2, end_user_id="enduser_bulk_1")))
    assert (counts(summary), refused[2]["type"]) == ((1, 0, 0, 1), "urn:credservice:problem:conflict")


@pytest.mark.parametrize(("bad", "pointer"), BAD)
def test_nothing_of_the_batch_is_written_where_it_is_to_stop(door, bad, pointer):
    summary, refused = run(ndjson(row(1, value="a"), bad, row(3, value="b")), stop_on_error=True)
    assert (summary.stopped, summary.last_line, list(refused)) == (True, 0, [2])
    assert not EndUser.objects.filter(external_id__startswith="bulk-").exists()


def test_a_dry_run_says_the_same_and_writes_nothing(door, trail):
    content = ndjson(row(1, value=SECRET), row(2, state="gone"), row(1, value="another value"))
    dry, refused = run(content, dry_run=True)
    assert (trail.all(), Grant.objects.count(), Credential.objects.count()) == ([], 0, 0)
    assert (counts(dry), set(refused)) == (counts(run(content)[0]), {2})


def test_lines_before_the_first_one_asked_for_are_passed_over(door):
    summary, _ = run(ndjson(*(row(n) for n in range(5))), from_line=4)
    assert (counts(summary), summary.last_line) == ((2, 0, 0, 0), 5)


def test_no_value_is_anywhere_but_sealed(door, caplog):
    run(ndjson(row(1, value=SECRET), row(1, value=f"{SECRET}-2"), row(2, grants=grant(values={"other": SECRET}))))
    assert found_in_rows({"value": SECRET}) == []
    assert SECRET not in caplog.text + str(list(AuditEvent.objects.values()))


def leak(value):
    """Have it granted, and then revoked as leaked."""
    run(ndjson(row(90, value=value)))
    revoke(credential=Credential.objects.get(), actor="test", reason="in a public repository", leaked=True)


def test_values_that_have_leaked_are_looked_for_by_one_query_a_batch_and_refused_by_row(door):
    leak(SECRET)
    with CaptureQueriesContext(connection) as queries:
        summary, refused = run(ndjson(*(row(n, value=SECRET if n == 7 else f"value of number {n}") for n in range(40))))
    assert (counts(summary), list(refused)) == ((39, 0, 0, 1), [8])
    [error] = refused[8]["errors"]
    assert error["pointer"] == "/grants/0/values/apiKey"
    day = f"{timezone.now():%Y-%m-%d}"
    assert error["message"] == f"apiKey: this value was reported as leaked on {day}. Enter a new one."
    assert not EndUser.objects.filter(external_id="bulk-7").exists()
    looked_for = [query for query in queries if "leaked_at" in query["sql"].partition("WHERE")[2]]
    assert len(looked_for) == 3  # of the batch, and twice of the one row that it leaves
    assert SECRET not in json.dumps(refused)


def test_a_table_names_the_column_of_one_that_has_leaked(door):
    leak(SECRET)
    table = f"external_id,end_user_id,integration_id,value.apiKey\nbulk-2,enduser_bulk_2,int_abc123,{SECRET}\n"
    _, refused = run(table.encode(), form="csv")
    assert [each["column"] for each in as_columns(refused[2])["errors"]] == ["value.apiKey"]


def test_what_leaked_is_found_by_an_index_of_its_own(door):
    run(ndjson(*(row(n, value=f"value of number {n}") for n in range(1_000))))
    leaked = Credential.objects.filter(pk__in=Credential.objects.values("pk")[:3])
    leaked.update(leaked_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE credentials_credential")
    wanted = [bytes([n % 256, n // 256]) * 18 for n in range(8)]
    found = Credential.objects.filter(value_digests__overlap=wanted, leaked_at__isnull=False)
    assert "credentials_leaked_digests" in found.explain()


def test_a_row_without_overlap_ends_what_leaked_with_the_one_before(door):
    door.integration.policy.options = {"names": ["apiKey", "secret"]}
    door.integration.policy.save()

    def granted(key, secret, **more):
        return row(1, grants=grant(values={"apiKey": key, "secret": secret}, **more))

    run(ndjson(granted(SECRET, "the-first-secret")))
    run(ndjson(granted(SECRET, "the-second-secret")))
    run(ndjson(granted("another-key-entirely", "the-third-secret", overlap_seconds=0)))
    states = [each.state_word() for each in Credential.objects.order_by("created_at")]
    assert states == ["leaked, may still work", "leaked, may still work", "active"]
