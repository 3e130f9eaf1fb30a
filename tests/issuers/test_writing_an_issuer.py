"""The example of docs/writing-an-issuer.md, as it is printed there."""

import json
import re
import sys
import types

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from credservice.credentials.models import CredentialPolicy
from credservice.issuers import get_issuer
from credservice.issuers.base import IssueFailed, IssueRequest, IssuerUnavailable
from credservice.issuers.options import OptionsError
from tests.support.http_server import Answer, http_server
from tests.support.paths import ROOT

GUIDE = ROOT / "docs/writing-an-issuer.md"
ADMIN = "t0ken-of-the-administrator"
OPTIONS = {"scopes": ["read"]}


class Acme:
    """The product: tokens by id, for whoever has the administrator's token."""

    def __init__(self):
        self.tokens = {}

    def answer(self, got):
        if got.headers.get("authorization") != f"Bearer {ADMIN}":
            return Answer(403, json.dumps({"message": f"Who is {got.headers['authorization']}?"}).encode())
        name = got.path.removeprefix("/tokens/")
        if got.method == "PUT":
            return Answer(body=json.dumps({"token": self.tokens.setdefault(name, f"acme-{name}")}).encode())
        if got.method == "DELETE":
            return Answer(204 if self.tokens.pop(name, None) else 404, b"")
        return Answer(200 if name in self.tokens else 404)


@pytest.fixture
def acme(monkeypatch, settings):
    source = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert source is not None
    module = types.ModuleType("acme_credentials")
    exec(source[1], module.__dict__)
    monkeypatch.setitem(sys.modules, "acme_credentials", module)
    monkeypatch.setenv("ACME_ADMIN_TOKEN", ADMIN)
    settings.OUTGOING_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    product = Acme()
    with http_server(product.answer) as server:
        options = {"url": f"{server.url}/tokens", "admin_token": "env:ACME_ADMIN_TOKEN"}
        settings.CREDENTIAL_ISSUERS = {"acme": {"BACKEND": "acme_credentials.AcmeIssuer", "OPTIONS": options}}
        yield product


def test_it_has_about_40_lines():
    source = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert source is not None
    assert len([line for line in source[1].splitlines() if line.strip()]) <= 42


def test_it_makes_finds_again_checks_and_revokes(acme):
    issuer, request = get_issuer("acme"), IssueRequest("c1", OPTIONS, {"end_user": "eu_1"})
    assert issuer.issue(request).values == issuer.issue(request).values == {"ACME_TOKEN": "acme-c1"}
    assert issuer.check("c1", OPTIONS, {})
    for _ in range(2):
        issuer.revoke("c1", OPTIONS, {})
    assert not issuer.check("c1", OPTIONS, {})


def test_a_refusal_is_final_and_without_the_administrators_token(acme, monkeypatch):
    monkeypatch.setenv("ACME_ADMIN_TOKEN", "another-t0ken")
    with pytest.raises(IssueFailed, match="answered 403: Who is Bearer") as caught:
        get_issuer("acme").issue(IssueRequest("c1", OPTIONS, {}))
    assert "another-t0ken" not in str(caught.value)
    with pytest.raises(IssuerUnavailable):
        get_issuer("acme").revoke("c1", OPTIONS, {})


@pytest.mark.django_db
def test_a_policy_may_choose_it_without_a_migration(acme):
    CredentialPolicy(name="acme-tokens", issuer="acme", options=OPTIONS).full_clean()
    loaded = MigrationLoader(None).project_state()
    changes = MigrationAutodetector(loaded, ProjectState.from_apps(apps)).changes(MigrationLoader(None).graph)
    assert "credentials" not in changes


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"url": "ftp://a"}, "must begin with https"), ({"admin_token": "env:NOT_SET"}, "NOT_SET is not set")],
)
def test_settings_that_cannot_work_stop_the_start_with_a_sentence(acme, settings, change, sentence):
    entry = settings.CREDENTIAL_ISSUERS["acme"]
    settings.CREDENTIAL_ISSUERS = {"acme": entry | {"OPTIONS": entry["OPTIONS"] | change}}
    with pytest.raises(ImproperlyConfigured, match=sentence):
        get_issuer("acme")


@pytest.mark.parametrize("options", [{}, {"scopes": "read"}, {"scopes": ["read"], "scope": "x"}])
def test_a_policy_that_cannot_work_is_refused(acme, options):
    with pytest.raises(OptionsError):
        get_issuer("acme").check_options(options)
