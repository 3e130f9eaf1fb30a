"""``manage.py simulate_exchange`` against a real server."""

import io
import json
import subprocess
import threading
import time
from datetime import timedelta
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import CommandError, call_command

from credservice.audit.names import command_actor
from credservice.keys.models import SigningSecret
from credservice.keys.services import generate_secret
from exchange.models import Platform
from exchange.signatures.verify import Profile, sign
from tests.support.exchange_factories import IDS, VALUE, make_door
from tests.support.http_server import Answer, http_server, make_certificate

OPTIONS = {
    "platform": "mindcloud",
    "integration": IDS["integrationId"],
    "installation": IDS["installationId"],
    "end_user": IDS["endUserId"],
}


class Handler(WSGIRequestHandler):
    """Passes the raw request target, as the server does; says nothing."""

    def get_environ(self):
        return super().get_environ() | {"RAW_URI": self.path}

    def log_message(self, *args):
        """The test's output stays clean."""


@pytest.fixture
def url(transactional_db):
    server = make_server("127.0.0.1", 0, WSGIHandler(), handler_class=Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def door(transactional_db, client):
    door = make_door(client)
    door.grant()
    return door


def simulate(url, **options):
    out, err = io.StringIO(), io.StringIO()
    call_command("simulate_exchange", url=url, stdout=out, stderr=err, **OPTIONS | options)
    return out.getvalue(), err.getvalue()


def test_it_prints_the_answer_in_full(door, url):
    out, err = simulate(url)
    assert json.loads(out) == {"apiKey": VALUE}
    assert "HTTP 200" in err


def test_it_trusts_the_authorities_of_your_own_network(door, tmp_path, settings):
    context, authority = make_certificate(tmp_path, "127.0.0.1")
    with http_server(lambda _: Answer(), context) as server:
        with pytest.raises(CommandError, match="certificate verify failed"):
            simulate(server.url)
        settings.OUTGOING_CA = authority
        assert "HTTP 200" in simulate(server.url)[1]


def test_it_prints_the_request_as_a_curl_command(door, url):
    _, err = simulate(url)
    assert f"curl -X POST {url}/credential-exchange/mindcloud" in err
    assert "X-Signature: " in err


def test_the_printed_curl_command_is_answered(door, url):
    out, err = simulate(url, print_curl=True)
    assert err == ""
    answer = subprocess.run(["sh", "-c", f"{out.strip()} --silent"], check=True, capture_output=True)
    assert json.loads(answer.stdout) == {"apiKey": VALUE}


def test_printing_the_curl_command_sends_nothing(door, trail):
    simulate("http://127.0.0.1:1", print_curl=True)
    assert not trail.all(action="exchange.credential")


def test_the_use_of_the_secret_is_in_the_trail(door, url, trail):
    simulate(url)
    event = trail.one(actor=command_actor("simulate_exchange"))
    assert (event.action, event.object_id) == ("signing_secret.used", str(door.secret.pk))


@pytest.mark.parametrize(
    "profile",
    [
        {"timestamp_header": ""},
        {"construction": "sha256-message-secret"},
        {"public_prefix": "/partners"},
        {"signed_path": "target", "lower_case_method": True},
        {"require_signature": False, "source_networks": ["127.0.0.0/8"]},
    ],
)
def test_it_signs_by_the_platforms_profile(door, url, profile):
    door.configure(**profile)
    assert json.loads(simulate(url)[0]) == {"apiKey": VALUE}


def test_a_refusal_is_shown_and_ends_with_an_error(door, url):
    with pytest.raises(CommandError, match="HTTP status 404"):
        simulate(url, integration="int_other")


def test_it_explains_a_signature(door, url):
    out = io.StringIO()
    with pytest.raises(CommandError, match="HTTP status 401"):
        call_command(
            "simulate_exchange", url=url, explain=True, timestamp="1700000000", stdout=out, stderr=out, **OPTIONS
        )
    text = out.getvalue()
    assert "    1700000000\n    POST\n    /credential-exchange/mindcloud" in text
    assert f"The secret {door.secret.hint} (current) matches." in text
    assert "stale_timestamp" in text
    assert "more than any tolerance" in text


def test_it_explains_beside_an_erased_secret(door, url):
    generate_secret(secret_set=door.platform.secrets, actor="test", overlap=timedelta(0))
    out = io.StringIO()
    with pytest.raises(CommandError, match="HTTP status 401"):
        call_command(
            "simulate_exchange", url=url, explain=True, timestamp="1700000000", stdout=out, stderr=out, **OPTIONS
        )
    assert "(current) matches." in out.getvalue()


def test_it_explains_a_signature_that_was_seen(door, url):
    door.platform.lower_case_method = True  # what is stored stays upper case
    headers = door.signed()
    options = {"signature": headers["X-Signature"], "timestamp": headers["X-Timestamp"]}
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("simulate_exchange", url=url, explain=True, stdout=out, stderr=out, **OPTIONS | options)
    assert "Set the method to lower case." in out.getvalue()


def test_it_knows_a_secret_that_was_used_with_its_line_break(door, url):
    secret = door.secret.open() + b"\n"
    path = "/credential-exchange/mindcloud"
    headers = sign(method="POST", path=path, timestamp=str(int(time.time())), profile=Profile(), secret=secret)
    options = {"signature": headers["X-Signature"], "timestamp": headers["X-Timestamp"]}
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("simulate_exchange", url=url, explain=True, stdout=out, stderr=out, **OPTIONS | options)
    assert "with the secret and a line break." in out.getvalue()


def test_a_server_that_does_not_answer_is_a_sentence(door):
    with pytest.raises(CommandError, match="does not answer"):
        simulate("http://127.0.0.1:1")


@pytest.mark.parametrize("bad", ["localhost:8000", "ftp://localhost", "http://", "http://localhost/?a=1"])
def test_a_url_that_is_none_is_a_sentence(door, bad):
    with pytest.raises(CommandError, match="no address to call"):
        simulate(bad)


def test_an_unknown_platform_is_a_sentence_that_names_those_there_are(door):
    with pytest.raises(CommandError, match="There are: mindcloud"):
        simulate("http://127.0.0.1:1", platform="mindclown")


def test_a_platform_without_a_live_secret_is_a_sentence(door):
    SigningSecret.objects.update(state="pending")
    with pytest.raises(CommandError, match="no live signing secret"):
        simulate("http://127.0.0.1:1")


def test_an_over_long_timestamp_line_is_no_header_of_two_lines(door):
    Platform.objects.update(timestamp_header="X-Timestamp")
    with pytest.raises(CommandError):
        simulate("http://127.0.0.1:1", timestamp="1700000000\nX-Other: 1")
