"""The issuer under test and its secrets; the vendor's side is a real HTTP server in each test."""

import base64
import secrets
from typing import Any

import pytest

from credservice.issuers.webhook import WebhookIssuer
from tests.support.http_server import Server

NEW = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
OLD = base64.b64encode(secrets.token_bytes(24)).decode()


@pytest.fixture(autouse=True)
def secrets_in_environment(monkeypatch, settings):
    monkeypatch.setenv("WEBHOOK_NEW", NEW)
    monkeypatch.setenv("WEBHOOK_OLD", OLD)
    settings.OUTGOING_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def issuer_at(vendor: Server | str, **options: Any) -> WebhookIssuer:
    url = vendor if isinstance(vendor, str) else vendor.url + "/credentials"
    given: dict[str, Any] = {"secrets": ["env:WEBHOOK_NEW", "env:WEBHOOK_OLD"], "acts": ["revoke", "check"]}
    return WebhookIssuer(url=url, **given | {"seconds": 2} | options)
