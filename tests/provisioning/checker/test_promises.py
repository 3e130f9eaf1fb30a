"""A run with the connector, as a person starts it."""

import io
import re
import socket

from provisioning.checker import promises
from provisioning.checker.report import Report, Style
from tests.provisioning.checker.reference import serving
from tests.provisioning.checker.support import MASTER, command, connecting, free_port, outcome_with


def run(key_file, *faults, slow=True, **options):
    port = free_port()
    connector = f"http://localhost:{port}/v1"
    with serving(MASTER.public, *faults, connector=connector, slow=slow) as reference:
        return command(reference.url, master_key=key_file, connector_port=port, **options)


def test_a_run_against_a_slow_provider_passes_strictly(key_file):
    code, out, errors = run(key_file, strict=True)
    assert (code, errors) == (0, "")
    assert re.search(r"\n\d+ passed, \d+\.\d s\n$", out)
    assert re.search(r"\nConnector http://localhost:\d+/v1, client 21jtaatqj8y5t0kctb2ejr6jev5w8\n", out)


def test_a_slow_provider_fails_without_a_connector(key_file):
    with connecting() as connector, serving(MASTER.public, connector=connector.url, slow=True) as reference:
        code, out, _ = command(reference.url, master_key=key_file, only=["resource.provision.created"])
    assert (code, "expected 201 or 204, got 202 (a promise to call back" in out) == (1, True)


def test_a_port_that_is_taken_ends_with_2_and_a_sentence(key_file):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, errors = command("http://127.0.0.1:1", master_key=key_file, connector_port=port)
    assert code == 2
    assert errors.startswith(f"check_provider: the connector cannot listen on port {port}: ")


def test_a_callback_that_does_not_come_leaves_what_was_promised_named(key_file):
    code, out, _ = run(key_file, "no callback", only=["async.resource.provision"], callback_timeout=0.2)
    assert (code, "the callback did not come within 0.2 s" in out) == (1, True)
    assert "Left behind, the provider did not delete: /resources/" in out


def test_a_provider_that_never_calls_back_does_not_hold_up_every_case(key_file, monkeypatch):
    monkeypatch.setattr(promises, "IMPATIENT_SECONDS", 0.1)
    _, out, _ = run(key_file, "no callback", only=["resource.provision"], callback_timeout=0.3)
    waits = re.findall(r"the callback did not come within (\S+) s", out)
    assert waits[:3] == ["0.3", "0.3", "0.1"]


def test_a_provider_that_is_slow_with_credentials_alone_is_held_to_its_callbacks(key_file):
    code, out, _ = run(key_file, "resources at once", only=["async"])
    assert code == 0
    assert re.search(r"  - async.resource.provision .*\n      the provider answers this at once\n", out)
    assert re.search(r"\n8 passed, 3 skipped, ", out)


def test_a_deprovisioning_that_ends_in_an_error_leaves_it_named(key_file):
    _, out, _ = run(key_file, "callback error", only=["credential.provision.created"])
    assert "got 202, then an error by callback: The bear did not wake. (what cannot be done is refused at once)" in out
    assert re.search(r"Left behind, the provider did not delete: /credentials/\w{29}\n", out)


def test_other_credentials_are_of_another_provider(key_file):
    code, out, _ = run(key_file, only=["sso.accepted.done"], slow=False, client_secret="x" * 43)
    assert (code, "expected 200 or 302 or 303, got 401" in out) == (1, True)


def test_verbose_shows_the_calls_to_the_connector_without_tokens_and_values(key_file):
    _, out, _ = run(key_file, only=["async.credential.provision"], verbose=True)
    assert "    @ POST /v1/oauth/tokens -> 201\n" in out
    assert re.search(r"    @ PUT /v1/callbacks/\w{29} -> 204\n", out)
    assert "SECRET" not in out


def test_a_conflicting_callback_that_comes_late_fails_its_case():
    outcome = outcome_with("async.callback.once", "another callback follows")
    assert outcome.lines[0].startswith("a repeated callback has another body")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_what_is_waited_for_and_clears_it():
    out = Terminal()
    report = Report(out, Style.of(out, {}))
    report.waiting("waiting for the callback of PUT /v1/resources/x", 3.2)
    report.waiting("", 0)
    assert out.getvalue() == "\r\x1b[K  ... waiting for the callback of PUT /v1/resources/x, 3 s\r\x1b[K"


def test_a_file_shows_nothing_while_waiting():
    out = io.StringIO()
    Report(out, Style.of(out, {})).waiting("waiting", 3)
    assert out.getvalue() == ""
