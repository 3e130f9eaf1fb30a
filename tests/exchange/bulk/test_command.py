"""``manage.py import_credentials`` and ``export_data``."""

import io
import json
import sys

import pytest
from django.core.management import CommandError, call_command

from credservice.credentials.models import Credential
from exchange.bulk.progress import line
from exchange.models import EndUser
from tests.exchange.bulk.imports import ndjson, row

pytestmark = pytest.mark.django_db
SECRET = "canary-imported-value-11223344"


@pytest.fixture(autouse=True)
def _collector_as_it_was():
    import gc

    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "customers.ndjson"


def test_it_says_what_came_of_the_rows(door, file, capsys):
    file.write_bytes(ndjson(row(1, value=SECRET), row(2)))
    call_command("import_credentials", str(file))
    assert "2 created, 0 changed, 0 unchanged, 0 refused." in capsys.readouterr().out


def test_refused_rows_are_listed_and_end_it_with_an_error(door, file, capsys):
    file.write_bytes(ndjson(row(1), row(2, grants=[{"integration_id": "int_abc123", "values": {"no": SECRET}}])))
    with pytest.raises(CommandError, match="1 row was refused"):
        call_command("import_credentials", str(file))
    said = capsys.readouterr()
    assert "line 2: Send a value for each of apiKey, and for nothing else. (/grants/0/values)" in said.err
    assert SECRET not in said.out + said.err


def test_refused_rows_can_be_kept_in_a_file(door, file, tmp_path):
    file.write_bytes(ndjson(row(1, state="gone"), row(2)))
    with pytest.raises(CommandError):
        call_command("import_credentials", str(file), "--errors", str(tmp_path / "errors"))
    (kept,) = [json.loads(each) for each in (tmp_path / "errors").read_text().splitlines()]
    assert (kept["line"], kept["problem"]["errors"][0]["pointer"]) == (1, "/state")
    assert (tmp_path / "errors").stat().st_mode & 0o777 == 0o600


def test_it_reads_a_table(door, tmp_path):
    file = tmp_path / "customers.csv"
    file.write_text(f"external_id,end_user_id,integration_id,value.apiKey\nc-9,e-9,int_abc123,{SECRET}\n")
    call_command("import_credentials", str(file))
    assert Credential.objects.get(subject=EndUser.objects.get(external_id="c-9").subject).open() == {"apiKey": SECRET}


def test_it_reads_standard_input(door, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ndjson(row(1)))))
    call_command("import_credentials", "-")
    assert EndUser.objects.filter(external_id="bulk-1").exists()


def test_a_dry_run_writes_nothing(door, file, capsys):
    file.write_bytes(ndjson(row(1)))
    call_command("import_credentials", str(file), "--dry-run")
    assert "would be 1 created" in capsys.readouterr().out
    assert not EndUser.objects.filter(external_id="bulk-1").exists()


def test_where_it_stopped_it_says_where_to_go_on(door, file):
    file.write_bytes(ndjson(row(1), row(2, state="gone")))
    with pytest.raises(CommandError, match="up to line 0 is done: go on with --from-line 1"):
        call_command("import_credentials", str(file), "--stop-on-error")


@pytest.mark.parametrize(("name", "sentence"), [("missing.ndjson", "cannot be read"), ("bad.csv", "heading")])
def test_a_file_that_is_none_is_told_in_a_sentence(door, tmp_path, name, sentence):
    (tmp_path / "bad.csv").write_text("nothing\n")
    with pytest.raises(CommandError, match=sentence):
        call_command("import_credentials", str(tmp_path / name))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "The file is empty"),
        ("\nexternal_id\n", "The first line is empty"),
        ("external_id;name\nc-1;Ada\n", "Column 1 of the heading .* It holds semicolons: separate the cells by commas"),
        ("external_id\tname\nc-1\tAda\n", "It holds tabs"),
    ],
)
def test_a_heading_that_is_none_is_told_with_what_is_wrong(door, tmp_path, content, sentence):
    (tmp_path / "bad.csv").write_text(content)
    with pytest.raises(CommandError, match=sentence):
        call_command("import_credentials", str(tmp_path / "bad.csv"))


def test_a_file_without_a_row_is_told(door, file, capsys):
    file.write_bytes(b"")
    call_command("import_credentials", str(file))
    assert "No row was found" in capsys.readouterr().err


def test_the_bar_says_how_far_it_is():
    assert line(12_000, 0, 25, 100, 2.0) == "[######                  ]  25%  12,000 rows  6,000 rows/s  0:06 left"
    assert line(12_000, 3, 25, 0, 2.0) == "12,000 rows  3 refused  6,000 rows/s"


def test_an_export_has_everything_but_values(door, capsys, trail):
    door.grant(SECRET)
    call_command("export_data")
    lines = capsys.readouterr().out
    kinds = {json.loads(each)["kind"] for each in lines.splitlines()}
    assert kinds == {"end_users", "installations", "grants", "credentials"}
    assert SECRET not in lines
    assert len(trail.all(action="data.exported")) == 6


def test_an_export_of_one_kind(door, capsys):
    call_command("export_data", "end_users")
    (shown,) = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert (shown["kind"], shown["external_id"], shown["state"]) == ("end_users", "customer-1", "active")
    with pytest.raises(CommandError, match="There is no kind 'nothing'"):
        call_command("export_data", "nothing")


def test_refusals_do_not_overwrite_the_file_that_is_read(door, file):
    file.write_bytes(ndjson(row(1)))
    with pytest.raises(CommandError, match="another file"):
        call_command("import_credentials", str(file), errors=str(file))
    assert file.read_bytes() == ndjson(row(1))


def test_what_a_file_holds_steers_no_terminal(door, file, capsys):
    file.write_bytes(ndjson(row(1) | {"\x1b[2Jx": 1}))
    with pytest.raises(CommandError):
        call_command("import_credentials", str(file))
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("jobs", ["0", "-1", "two", "65"])
def test_jobs_are_a_number(file, jobs):
    with pytest.raises(CommandError, match=r"argument --jobs: a number from 1 to 64"):
        call_command("import_credentials", str(file), f"--jobs={jobs}")
