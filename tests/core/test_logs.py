"""Logs classes and places, never an exception's text, a query or a body."""

import io
import json
import logging
import logging.config

import pytest
import structlog

from credservice.core.logs import configure
from tests.http.failing import SECRET

pytestmark = pytest.mark.urls("tests.http.failing")


@pytest.fixture(params=[True, False], ids=["json", "console"])
def logged(request):
    """Collect what the service's own handler writes while the test runs."""
    config = configure("DEBUG", json_lines=request.param)
    formatter = logging.config.DictConfigurator(config).configure_formatter(config["formatters"]["line"])
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)
    yield stream.getvalue
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize("path", ["/fail/bug", "/fail/row"])
def test_a_failure_in_a_door_is_logged_without_its_text(client, logged, path):
    client.post(path, "{}", content_type="application/json", HTTP_X_REQUEST_ID="my-own-id")
    assert "request_failed" in logged()
    assert "failing.py" in logged()
    assert "my-own-id" in logged()
    assert SECRET not in logged()


def levels(logged: str) -> list[str]:
    """Of what is logged at all of these in the console's form or in JSON."""
    return [level for level in ("info", "warning", "error") if f"[{level}" in logged or f'"level": "{level}"' in logged]


def test_a_refusal_that_was_decided_upon_is_no_error(client, logged, caplog):
    caplog.set_level(logging.INFO)
    assert client.post("/fail/unavailable", "{}", content_type="application/json").status_code == 503
    assert ("request_refused" in logged(), levels(logged())) == (True, ["info"])


@pytest.mark.parametrize("path", ["/fail/bug", "/fail/database"])
def test_a_failure_in_a_door_is_one_line(client, logged, path):
    client.post(path, "{}", content_type="application/json")
    begun_anew = ["info"] if path == "/fail/database" else []
    assert (logged().count("request_failed"), levels(logged())) == (1, [*begun_anew, "error"])
    assert "django.request" not in logged()


def test_a_failure_outside_of_a_door_is_logged_without_its_text(client, logged):
    client.get("/plain?token=hunter2-in-a-query")
    assert "ZeroDivisionError" in logged()
    assert "failing.py" in logged()
    assert SECRET not in logged()
    assert "hunter2" not in logged()


def test_what_led_to_a_failure_is_logged_without_its_text(logged):
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise RuntimeError(SECRET) from error
    except RuntimeError:
        logging.getLogger("somewhere").exception("it failed")
    assert "builtins.RuntimeError" in logged()
    assert "Led to by: builtins.KeyError" in logged()
    assert SECRET not in logged()


def test_a_locals_value_is_not_logged(logged):
    password = "hunter2-in-a-local"
    try:
        raise ValueError(password)
    except ValueError:
        structlog.get_logger("x").exception("it_failed")
    assert "hunter2" not in logged()


def test_a_line_is_one_json_object():
    config = configure("INFO", json_lines=True)
    formatter = logging.config.DictConfigurator(config).configure_formatter(config["formatters"]["line"])
    record = logging.LogRecord("a.logger", logging.WARNING, "", 0, "two\nlines of %s", ("text",), None)
    line = formatter.format(record)
    assert "\n" not in line
    event = json.loads(line)
    assert (event["event"], event["level"], event["logger"]) == ("two\nlines of text", "warning", "a.logger")
    assert event["timestamp"].endswith("Z")
