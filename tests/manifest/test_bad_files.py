"""A file that cannot be read: one exact line, and nothing changed."""

import pytest
from django.core.management import CommandError, call_command

from credservice.credentials.models import CredentialPolicy

GOOD = "policies:\n  good: {issuer: api_key}\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "1: the file names nothing: see docs/set-up-file.md for what it may name"),
        ("# nothing yet\n", "1: the file names nothing: see docs/set-up-file.md for what it may name"),
        ("[1, 2]", "1: the file is a list: write a mapping such as platforms:, policies:, marketplaces:"),
        ("just a text", "1: the file is a single value: write a mapping such as platforms:, policies:, marketplaces:"),
        (f"{GOOD} other:\n", "3: this is no YAML: while parsing a block mapping, did not find expected key"),
        (f"{GOOD}x: [1, 2\n", "4: this is no YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
        (
            f"{GOOD}\tx: 1\n",
            "3: this is no YAML: while scanning for the next token, found character that cannot start any token",
        ),
        (f"{GOOD}---\n{GOOD}", "3: a second document (---) starts here: one file is one document"),
        (f"{GOOD}x: [1]\ny: *a\n", "4: an alias (*a) is not followed: write the value out"),
        (f"{GOOD}x: &a [*a]\n", "3: an anchor (&a) has no use here: leave it out"),
        (f"{GOOD}x: &a 1\n", "3: an anchor (&a) has no use here: leave it out"),
        (f"{GOOD}x:\n  &a y: 1\n", "4: an anchor (&a) has no use here: leave it out"),
        (f"{GOOD}  more:\n    <<: {{a: b}}\n", "4: a merge (<<) is not followed: write the values out"),
        (f"{GOOD}? [a, b]\n: c\n", "3: a key must be a single text"),
        (f"{GOOD}x: {'[' * 100_000}", "3: values are nested over 24 deep"),
        (f"{GOOD}x: \x00\n", "3: this is no YAML: control characters are not allowed"),
    ],
)
def test_it_says_where_the_file_stops_being_one(commands, text, line):
    assert commands.refused(text) == f"set-up.yaml has 1 problem; nothing was changed.\nset-up.yaml:{line}"
    assert not CredentialPolicy.objects.exists()


def test_it_refuses_a_file_that_is_not_utf8(commands):
    (commands.folder / "set-up.yaml").write_bytes(b"policies:\n  caf\xe9: {}\n")
    with pytest.raises(CommandError, match=r"set-up\.yaml:2: the file is no UTF-8 text: save it as UTF-8"):
        call_command("apply", "set-up.yaml")


@pytest.mark.parametrize(("name", "reason"), [("none.yaml", "No such file or directory"), (".", "Is a directory")])
def test_it_says_which_file_it_cannot_read(commands, name, reason):
    with pytest.raises(CommandError) as refusal:
        call_command("apply", name)
    assert str(refusal.value) == f"{name} cannot be read: {reason}. Name a set-up file."


def test_a_byte_order_mark_is_no_part_of_the_file(commands):
    assert "Applied: 1 created" in commands.apply(f"\ufeff{GOOD}")


def test_the_exit_code_is_1(commands):
    with pytest.raises(CommandError) as refusal:
        commands.apply("[]")
    assert refusal.value.returncode == 1


def test_a_name_in_a_file_steers_no_terminal_and_makes_no_line(commands):
    refusal = commands.refused('platforms:\n  "\\e[2J\\rApplied: 1 created.": {}\n')
    assert "?[2J?Applied" in refusal
    assert refusal.replace("\n", "").isprintable()
