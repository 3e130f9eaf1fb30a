"""Long files: queries do not grow with the entries where nothing changes, and a terminal sees how far it is."""

from io import StringIO

from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

HEAD = """\
policies:
  p: {issuer: static, options: {names: [apiKey]}}
platforms:
  mc:
    signing_secret: file:demo/mindcloud-signing-secret
    integrations:
      int_1: {policy: p, response: {apiKey: $credential.apiKey}}
    end_users:
"""
USER = """\
      enduser_{n}:
        external_id: customer-{n}
        grants: {{int_1: {{apiKey: file:demo/example-api-key}}}}
        installations: {{install_{n}: int_1}}
"""


def _file(count):
    return HEAD + "".join(USER.format(n=number) for number in range(count))


def _queries(commands, text):
    with CaptureQueriesContext(connection) as captured:
        commands.apply(text)
    return len(captured)


def test_a_second_run_asks_as_little_for_many_as_for_few(commands):
    commands.apply(_file(5))
    few = _queries(commands, _file(5))
    commands.apply(_file(100))
    assert _queries(commands, _file(100)) == few < 40


def test_a_new_end_user_costs_a_fixed_number_of_queries(commands):
    commands.apply(_file(1))
    first = _queries(commands, _file(21))
    second = _queries(commands, _file(41))
    assert first - second in range(-2, 3)


def test_a_terminal_sees_how_far_it_is(commands):
    class Terminal(StringIO):
        def isatty(self):
            return True

    (commands.folder / "long.yaml").write_text(HEAD + "".join(f"      u{number}: {{}}\n" for number in range(1000)))
    shown = Terminal()
    call_command("apply", "long.yaml", stdout=StringIO(), stderr=shown)
    assert "end_users: 1,000 of 1,000" in shown.getvalue()
    assert "end_users, written: 1,000 of 1,000" in shown.getvalue()
    assert shown.getvalue().endswith("\r\x1b[K")


def test_a_pipe_sees_no_progress(commands):
    (commands.folder / "long.yaml").write_text(HEAD + "".join(f"      u{number}: {{}}\n" for number in range(1000)))
    shown = StringIO()
    call_command("apply", "long.yaml", stdout=StringIO(), stderr=shown)
    assert shown.getvalue() == ""
