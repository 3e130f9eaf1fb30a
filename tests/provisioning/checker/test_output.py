"""Shows results: what is masked, and how it looks where."""

import io
import re

import pytest

from provisioning.checker.masks import masked, printable
from provisioning.checker.report import Report, Style
from provisioning.checker.runner import Result
from tests.provisioning.checker.reference import serving
from tests.provisioning.checker.support import MASTER, command, outcome_with

CREDENTIAL = ["credential.provision.created"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def reference():
    with serving(MASTER.public) as running:
        yield running


def test_verbose_shows_requests_and_answers_with_credentials_masked(reference, key_file):
    _, out, _ = command(reference.url, master_key=key_file, only=CREDENTIAL, verbose=True)
    assert re.search(r"    > PUT /v1/credentials/\w{29}\n", out)
    assert re.search(r"    > X-Signature: \S{86} \S{43} \S{86}\n", out)
    assert '    < {"message": "Take care of it.", "credentials": {"SECRET": "***"}}\n' in out


def test_show_secrets_shows_them(reference, key_file):
    _, out, _ = command(reference.url, master_key=key_file, only=CREDENTIAL, verbose=True, show_secrets=True)
    assert re.search(r'"SECRET": "[0-9a-f]{16}"', out)


def test_verbose_says_which_case_the_traffic_is_of(reference, key_file):
    _, out, _ = command(reference.url, master_key=key_file, only=CREDENTIAL, verbose=True)
    assert "\nCredentials\n  credential.provision.created\n    > PUT /v1/resources/" in out


def test_without_verbose_there_is_no_traffic(reference, key_file):
    _, out, _ = command(reference.url, master_key=key_file, only=CREDENTIAL)
    assert ">" not in out


@pytest.mark.parametrize("fault", ["lower case name", "credential answers 200", "new values each time", "text type"])
def test_a_reason_never_shows_a_credential(fault):
    outcome = outcome_with("credential.provision.repeat", fault)
    assert outcome.result is Result.FAILED
    assert not re.search(r"[0-9a-f]{16}\b", " ".join(outcome.lines).replace("/", " "))


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"message": "ok", "Credentials": {"A": "s3cret"}}', '{"message": "ok", "Credentials": {"A": "***"}}'),
        (b'[{"A": ["s3cret", 7, null]}]', '[{"A": ["***", "***", "***"]}]'),
        (b'"s3cret"', '"***"'),
        (b"A=s3cret", "(8 bytes that are no JSON, not shown: they may hold credentials)"),
        (b"", ""),
    ],
)
def test_a_credential_is_masked_wherever_the_provider_puts_it(body, shown):
    assert masked(body) == shown


def test_control_characters_of_the_provider_do_not_reach_the_terminal():
    assert printable("\x1b[2J\r\u202egood\n\u00e9") == "\\x1b[2J\\r\\u202egood\n\u00e9"


def test_a_terminal_gets_colours():
    assert Style.of(Terminal(), {}).mark(Result.PASSED) == "\x1b[32m\u2713\x1b[0m"


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_none_gets_none(environment):
    assert Style.of(Terminal(), environment).mark(Result.PASSED) == "\u2713"


def test_a_file_and_an_option_get_no_colours():
    assert Style.of(io.StringIO(), {}).colour is False
    assert Style.of(Terminal(), {}, no_colour=True).colour is False


def test_an_encoding_without_ticks_gets_words():
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert [Style.of(out, {}).mark(result).strip() for result in Result] == ["ok", "FAIL", "warn", "skip"]
    Report(out, Style.of(out, {})).line("caf\u00e9")
    assert out.detach().getvalue() == b"caf\\xe9\n"
