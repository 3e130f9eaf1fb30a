"""``manage.py import_credentials`` and ``export_data``."""

import io
import json
import sys

import pytest
from django.core.management import CommandError, call_command

from credservice.credentials.models import Credential
from exchange.bulk.progress import line
from exchange.models import EndUser, Integration
from tests.exchange.bulk.imports import ndjson, row

pytestmark = pytest.mark.django_db
SECRET = "canary-imported-value-11223344"
NAMES = "Send a value for each of apiKey, and for nothing else: policy 'entered' has these names now."


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
    assert f"line 2: {NAMES} (/grants/0/values)" in said.err
    assert SECRET not in said.out + said.err


def test_refused_rows_can_be_kept_in_a_file(door, file, tmp_path):
    file.write_bytes(ndjson(row(1, state="gone"), row(2)))
    with pytest.raises(CommandError, match=r"^1 row was refused: it is in .*/errors\. Correct it"):
        call_command("import_credentials", str(file), "--errors", str(tmp_path / "errors"))
    (kept,) = [json.loads(each) for each in (tmp_path / "errors").read_text().splitlines()]
    assert (kept["line"], kept["problem"]["errors"][0]["pointer"]) == (1, "/state")
    assert (tmp_path / "errors").stat().st_mode & 0o777 == 0o600


def test_a_run_that_goes_on_adds_to_the_file_of_refused_rows(door, file, tmp_path):
    file.write_bytes(ndjson({"external_id": "new"}, row(2), {"external_id": "also new"}))
    for begin, lines in ((1, [1, 3]), (3, [1, 3, 3]), (1, [1, 3])):
        with pytest.raises(CommandError, match="refused"):
            call_command("import_credentials", str(file), "--errors", str(tmp_path / "errors"), from_line=begin)
        kept = [json.loads(each) for each in (tmp_path / "errors").read_text().splitlines()]
        assert [each["line"] for each in kept] == lines
    assert [each["external_id"] for each in kept] == ["new", "also new"]


def test_refusals_of_a_table_name_its_columns(door, tmp_path, capsys):
    file = tmp_path / "customers.csv"
    file.write_text(
        "external_id,end_user_id,state,attribute.a,integration_id,value.apiKey\n"
        f"c-1,e-1,gone,,,\nc-2,e-2,,\x00,int_abc123,{SECRET}\nc-3,e-3,,,int_abc123,\nc-4,e-4,,,int_none,{SECRET}\n"
    )
    with pytest.raises(CommandError, match="4 rows were refused"):
        call_command("import_credentials", str(file))
    assert capsys.readouterr().err.splitlines() == [
        "line 2: Send one of active, suspended. (state)",
        "line 3: This holds a NUL character. (attribute.a)",
        f"line 4: {NAMES} (value.NAME)",
        "line 5: Platform mindcloud, the default one, has no such integration. (integration_id)",
    ]


def test_a_row_that_would_end_an_answer_is_refused_until_that_is_accepted(door, tmp_path, capsys):
    door.grant()
    Integration.objects.update(response_shape={"apiKey": "$credential.apiKey", "tenant": "$end_user.tenant"})
    EndUser.objects.update(attributes={"tenant": "t-1"})
    file = tmp_path / "customers.csv"
    file.write_text("external_id,attribute.tenant,attribute.plan\ncustomer-1,,gold\n")
    with pytest.raises(CommandError, match="1 row was refused"):
        call_command("import_credentials", str(file))
    told = "line 2: 1 installation would get no answer: install_xyz789 (the customer has no attribute tenant)."
    assert told in capsys.readouterr().err
    call_command("import_credentials", str(file), "--accept-changed-answers")
    assert EndUser.objects.get().attributes == {"plan": "gold"}


def test_a_table_by_another_name_is_not_taken_for_json(door, tmp_path):
    file = tmp_path / "customers.txt"
    file.write_text(f"external_id,name\nc-1,{SECRET}\n")
    with pytest.raises(CommandError, match="if it is a table, say --format csv"):
        call_command("import_credentials", str(file))
    file.write_bytes(b"\n " + ndjson(row(1)))
    call_command("import_credentials", str(file))
    assert EndUser.objects.filter(external_id="bulk-1").exists()


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
    with pytest.raises(CommandError, match=r"^Stopped at line 2: correct it\. Nothing was written\.$"):
        call_command("import_credentials", str(file), "--stop-on-error")


def test_where_it_stopped_further_on_it_says_what_was_done_before(door, file):
    file.write_bytes(ndjson(row(1), row(2), row(3, state="gone")))
    with pytest.raises(CommandError, match=r"line 3: correct it\. Everything up to line 1 is done: go on with"):
        call_command("import_credentials", str(file), "--stop-on-error", "--from-line", "2")


def test_a_dry_run_that_stops_says_that_nothing_was_written(door, file):
    file.write_bytes(ndjson(row(1), row(2), row(3, state="gone")))
    with pytest.raises(CommandError, match="up to line 1 is looked at, and nothing was written"):
        call_command("import_credentials", str(file), "--stop-on-error", "--dry-run", "--from-line", "2")


def test_a_line_to_begin_with_behind_the_last_one_is_an_error(door, file):
    file.write_bytes(ndjson(row(1)))
    with pytest.raises(CommandError, match="ends before line 99999: nothing was done"):
        call_command("import_credentials", str(file), "--from-line", "99999")


def test_one_row_is_one_row(door, file, capsys):
    file.write_bytes(ndjson(row(1)))
    call_command("import_credentials", str(file))
    assert capsys.readouterr().out.startswith("1 row in ")


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
        ("external_id;name\nc-1;Ada\n", r"^The cells are separated by semicolons\. Save it with commas\.$"),
        ("attribute.a;external_id\n1;c-1\n", "separated by semicolons"),
        ("external_id\tname\nc-1\tAda\n", "separated by tabs"),
        ("external_id,name,nmae\n", "^Column 3 of the heading, nmae, is not known. There are: platform, external_id,"),
        ("External-ID ,name\n", "^Column 1 of the heading is not known. If it is external_id, write it so.$"),
        ("external_id,name\rc-1,Ada\r", "lines end with CR alone: save it as 'CSV UTF-8'"),
        ("external_id,name\rc-1,Ada\r" * 4_000, "longer than 64 KiB. Do the file's lines end with CR alone?"),
    ],
)
def test_a_heading_that_is_none_is_told_with_what_is_wrong(door, tmp_path, content, sentence):
    (tmp_path / "bad.csv").write_bytes(content.encode())
    with pytest.raises(CommandError, match=sentence):
        call_command("import_credentials", str(tmp_path / "bad.csv"))


@pytest.mark.parametrize(
    ("encoding", "sentence"),
    [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"), ("latin-1", "UTF-8")],
)
def test_a_table_of_another_encoding_is_told_how_to_be_saved(door, tmp_path, encoding, sentence):
    (tmp_path / "bad.csv").write_bytes("external_id,name,attribute.größe\r\nc-1,Ada,1\r\n".encode(encoding))
    with pytest.raises(CommandError, match=f"{sentence}: save it as 'CSV UTF-8'"):
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


@pytest.mark.parametrize("line", ["0", "-1", "two"])
def test_a_line_to_begin_with_is_a_number(file, line):
    with pytest.raises(CommandError, match=r"argument --from-line: a number from 1"):
        call_command("import_credentials", str(file), f"--from-line={line}")


@pytest.mark.parametrize("name", ["customers.ndjson", "customers"])
def test_a_byte_order_mark_is_no_part_of_the_first_line(door, tmp_path, capsys, name):
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + ndjson(row(1), row(2)))
    call_command("import_credentials", str(tmp_path / name))
    assert "2 created, 0 changed, 0 unchanged, 0 refused." in capsys.readouterr().out
