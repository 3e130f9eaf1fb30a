"""The tables of docs/issuers/ name every option that an issuer declares."""

import re

import pytest

from credservice.issuers import jwt
from credservice.issuers.oauth2.options import EXCHANGE
from credservice.issuers.oauth2.options import declare as declare_oauth2
from credservice.issuers.postgresql.options import declare as declare_postgresql
from credservice.issuers.webhook.issuer import OPTIONS as WEBHOOK
from tests.support.paths import ROOT

DECLARED = {
    "jwt": jwt.OPTIONS,
    "webhook": WEBHOOK,
    "postgresql": declare_postgresql(["app"], ["app_group"]),
    "oauth2": declare_oauth2(EXCHANGE),
}


@pytest.mark.parametrize("alias", DECLARED)
def test_a_page_has_a_row_of_every_option(alias):
    _, table = (ROOT / "docs" / "issuers" / f"{alias}.md").read_text().split("| policy option |")
    rows = table.partition("\n\n")[0].splitlines()
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == {option.name for option in DECLARED[alias]}
