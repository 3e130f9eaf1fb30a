"""``manage.py report_usage``."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from provisioning.models import UsageReport
from tests.provisioning.usage import measured, report

OPTIONS = ("--key=k1", "--feature=honey", "--quantity=3", "--at=2026-05-10T12:00:00Z")


@pytest.fixture
def run(honey, capsys):
    """Run the command; what it printed."""

    def run(*arguments):
        call_command("report_usage", *arguments)
        return capsys.readouterr().out

    return run


@pytest.fixture
def file(tmp_path):
    def write(*lines):
        path = tmp_path / "usage.ndjson"
        path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
        return str(path)

    return write


def test_one_report_by_options(run, door, resource_id, trail):
    assert run(f"--resource={resource_id}", *OPTIONS) == "Recorded: 1. Recorded before: 0.\n"
    assert run(f"--resource={resource_id}", *OPTIONS) == "Recorded: 0. Recorded before: 1.\n"
    assert measured(door, resource_id) == {"honey": 3}
    assert {line.actor.split(":")[0] for line in trail.all(action="usage.reported")} == {"command"}


def test_a_correction_by_options(run, door, resource_id):
    run(f"--resource={resource_id}", *OPTIONS)
    run(f"--resource={resource_id}", "--key=k2", *OPTIONS[1:2], "--quantity=1", *OPTIONS[3:], "--corrects=k1")
    assert measured(door, resource_id) == {"honey": 1}


def test_a_file_is_reported_by_the_thousand(run, file, door, resource_id, trail):
    path = file(*(report(f"k{n}", resource=resource_id) for n in range(2001)))
    assert run(path) == "Recorded: 2,001. Recorded before: 0.\n"
    assert [line.detail["recorded"] for line in trail.all(action="usage.reported")] == [1000, 1000, 1]
    assert run(path) == "Recorded: 0. Recorded before: 2,001.\n"
    assert measured(door, resource_id) == {"honey": 6003}


def test_standard_input_and_blank_lines(run, monkeypatch, resource_id):
    text = f"\n{json.dumps(report(resource=resource_id))}\n  \n{json.dumps(report('k2', resource=resource_id))}"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert run("-") == "Recorded: 2. Recorded before: 0.\n"


def test_a_byte_order_mark_is_no_part_of_the_first_line(run, file, resource_id):
    path = file("\ufeff" + json.dumps(report(resource=resource_id)), report("k2", resource=resource_id))
    assert run(path) == "Recorded: 2. Recorded before: 0.\n"


def test_an_empty_file_is_nothing(run, file, trail):
    assert run(file()) == "Recorded: 0. Recorded before: 0.\n"
    assert not trail.all(action="usage.reported")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "line 3: The line is not valid JSON"),
        ("[]", "line 3: The line must be a JSON object"),
        ('{"key": 1, "key": 2}', "line 3: The line names the same key twice"),
        ("{}", "line 3: resource: This is missing"),
        (report("k3", resource="unknown"), "line 3: There is no resource 'unknown'"),
    ],
)
def test_a_bad_line_is_named_and_its_call_refused(run, file, resource_id, line, sentence):
    with pytest.raises(CommandError, match=sentence):
        run(file(report(resource=resource_id), "", line))
    assert not UsageReport.objects.exists()


def test_calls_before_a_refused_one_stand_and_the_corrected_file_counts_once(run, file, door, resource_id):
    good = [report(f"k{n}", resource=resource_id) for n in range(1001)]
    with pytest.raises(CommandError, match=r"line 1002: quantity(.|\n)*before them 1,000 were"):
        run(file(*good, report("bad", resource=resource_id, quantity=-1)))
    assert run(file(*good)) == "Recorded: 1. Recorded before: 1,000.\n"
    assert measured(door, resource_id) == {"honey": 3003}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Name a file"),
        (["file", *OPTIONS], "Name a file"),
        (OPTIONS, "Give --resource as well."),
        (["--resource=x", "--key=k"], "Give --feature, --quantity, --at as well."),
        (["--resource=x", *OPTIONS], "no resource 'x'"),
        (["--resource=x", *OPTIONS[:2], "--quantity=-1", "--at=now"], r"quantity: Send .* at: Send"),
        (["/nowhere/usage.ndjson"], "cannot be read"),
    ],
)
def test_it_says_what_is_wrong(run, arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)
