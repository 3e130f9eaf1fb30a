"""The platform that the checker plays, against our own door and against a broker that somebody else wrote."""

import io
import logging
import threading
from base64 import b64encode

import pytest

from provisioning.checker.cli import main
from tests.provisioning.checker.foreign_broker import serve
from tests.provisioning.checker.support import OPTIONS
from tests.support.live import LiveService


def check(url: str, password_file, *, user: str = "platform", **options: object) -> tuple[int, str]:
    """Run it as the command does. Returns the exit code and what it printed."""
    out, errors = io.StringIO(), io.StringIO()
    chosen = OPTIONS | {"url": url, "protocol": "osb", "user": user, "password_file": password_file} | options
    code = main(chosen, out, errors)
    return code, out.getvalue() + errors.getvalue()


@pytest.fixture
def ours(live_service: LiveService):
    """Our demonstration's platform."""
    password = live_service.folder / "demo" / "platform-password"
    return lambda **options: check(
        **{"url": f"{live_service.base_url}/osb/platform", "password_file": password} | options
    )


def test_our_own_door_does_all_that_is_documented_and_all_that_is_stricter(ours):
    code, printed = ours(strict=True, product="queue", plan="small", new_plan="large", plan_features={"queues": 3})
    assert code == 0, printed
    assert "Left behind" not in printed
    assert printed.splitlines()[0].endswith("/osb/platform/v2: service queue, plan small to large")


def test_without_an_order_the_first_service_of_the_catalogue_is_taken(ours):
    code, printed = ours(only=["catalogue", "instance.provision.created"])
    assert (code, "service queue" in printed) == (0, True)


def test_credentials_and_the_password_are_masked(ours, live_service):
    code, printed = ours(only=["binding.fetch"], verbose=True)
    assert (code, '"password": "***"' in printed) == (0, True)
    password = live_service.secret("platform-password")
    assert password not in printed
    assert b64encode(f"platform:{password}".encode()).decode() not in printed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"user": "other"}, "answers 401 to the catalogue"),
        ({"product": "none"}, "the catalogue has no service none; it has queue"),
        ({"only": ["no.such"]}, "no case is named no.such"),
        ({"url": None}, "name the broker's URL"),
        ({"url": "http://127.0.0.1:1/osb/platform"}, "no broker answers"),
    ],
)
def test_what_it_cannot_run_on_it_says_in_a_sentence(ours, options, said):
    code, printed = ours(**options)
    assert (code, said in printed) == (2, True), printed


# What docs/check-provider.md says of it. The library hands the request's fields on, and answers what the service says:
# so a small service that checks nothing is a broker that checks nothing.
FOREIGN_FAILURES = {
    *("instance.provision.unknown", "instance.provision.wrong_type", "instance.provision.maintenance"),
    *("update.missing_field", "update.maintenance", "binding.unknown", "operation.unknown"),
}
FOREIGN_WARNINGS = {
    *("header.version.missing", "header.request_identity", "instance.provision.reuse", "update.unknown_instance"),
    *("binding.of_another", "id.any"),
}


@pytest.fixture
def foreign(tmp_path):
    """The other one, on a port of loopback."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    (tmp_path / "password").write_text("its-password")
    server = serve(0, "checker", "its-password")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield lambda **options: check(
        f"http://127.0.0.1:{server.server_port}", tmp_path / "password", user="checker", **options
    )
    server.shutdown()
    thread.join()


def test_a_foreign_broker_is_checked_and_each_difference_is_told(foreign):
    code, printed = foreign()
    marked = {line[2]: set() for line in printed.splitlines() if line[:2] == "  " and line[2:3] in "✓✗!-"}
    for line in printed.splitlines():
        if line[:2] == "  " and line[2:3] in marked and line[2:3].strip():
            marked[line[2]].add(line[4:].split()[0])
    assert (code, marked["✗"], marked["!"]) == (1, FOREIGN_FAILURES, FOREIGN_WARNINGS), printed
    assert len(marked["✓"]) > 30
    assert "Left behind" not in printed
