"""Every issuer, with every logger turned up, working and failing: nothing of a secret in the log or an exception."""

import logging
import os
import traceback
from uuid import uuid4

import psycopg
import pytest

from credservice.issuers import get_issuer
from credservice.issuers.base import IssueFailed, IssueRequest, IssuerUnavailable
from credservice.issuers.probes import ProbeFailed, run_probe
from tests.issuers.cases import CASES
from tests.issuers.oauth2_server import CLIENT_SECRET
from tests.issuers.webhook_vendor import NEW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outside")]
REFERENCES = {"webhook": "WEBHOOK_NEW", "postgresql": "VENDOR_DSN", "oauth2": "OAUTH_SECRET"}
WRONG = {
    "webhook": "whsec_" + "QUJD" * 11,
    "postgresql": "postgresql://admin:c4nary-of-the-dsn@127.0.0.1:1/app",
    "oauth2": "c4nary-of-the-client",
}


@pytest.fixture(autouse=True)
def loudest(caplog):
    caplog.set_level(logging.DEBUG)
    # The authorization server of the test runs in this process, and says what it makes.
    logging.getLogger("authlib").setLevel(logging.WARNING)
    yield
    logging.getLogger("authlib").setLevel(logging.NOTSET)


def request_of(alias):
    return IssueRequest(str(uuid4()), CASES[alias].sound[0], CASES[alias].context, CASES[alias].entered)


def acts(alias, request, handle):
    issuer = get_issuer(alias)
    yield lambda: issuer.issue(request)
    yield lambda: issuer.revoke(request.credential_id, request.options, handle)
    yield lambda: issuer.check(request.credential_id, request.options, handle)


@pytest.mark.parametrize("alias", sorted(CASES))
def test_success_logs_no_value(alias, caplog):
    request = request_of(alias)
    issued = get_issuer(alias).issue(request)
    get_issuer(alias).revoke(request.credential_id, request.options, issued.handle)
    secrets = [value for name, value in issued.values.items() if name not in CASES[alias].public]
    assert not any(secret in caplog.text for secret in [*secrets, NEW, CLIENT_SECRET])


@pytest.mark.parametrize("alias", sorted(REFERENCES))
def test_failure_shows_no_secret_of_ours(alias, caplog, monkeypatch):
    right = os.environ[REFERENCES[alias]]
    monkeypatch.setenv(REFERENCES[alias], WRONG[alias])
    shown = []
    for act in acts(alias, request_of(alias), {}):
        try:
            act()
        except (IssueFailed, IssuerUnavailable, NotImplementedError) as error:
            shown.append("".join(traceback.format_exception(error)) + repr(error))
    assert shown
    for secret in (right, WRONG[alias], "c4nary"):
        assert secret not in caplog.text + "".join(shown)


def test_a_failed_probe_shows_no_value(caplog, vendor_server, settings):
    settings.OUTGOING_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    host = psycopg.conninfo.conninfo_to_dict(vendor_server.conninfo())["host"]
    values = {"URL": f"postgresql://credservice:c4nary@/app?host={host}", "TOKEN": "c4nary"}
    probes = [
        {"type": "postgresql", "value": "URL"},
        {"type": "http", "url": "http://127.0.0.1:1/", "header": "X-Key: {TOKEN}"},
    ]
    for probe in probes:
        with pytest.raises((ProbeFailed, IssuerUnavailable)) as caught:
            run_probe(probe, values)
        assert "c4nary" not in "".join(traceback.format_exception(caught.value)) + caplog.text
