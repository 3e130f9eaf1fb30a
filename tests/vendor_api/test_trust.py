"""Every field of the set-up that the vendor API writes, and whether it lets its writer get at a value.

Written by hand: a new field fails here until somebody has said on which side it is.
"""

import re

import pytest

from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import operation_of, trusted_of
from tests.support.paths import ROOT
from tests.vendor_api.client import Vendor, refused
from tests.vendor_api.test_scopes import filled, routes

# Of the body of each operation with `setup:write`, what that scope alone may write: names and states,
# and what a customer reads or chooses. It decides neither who is believed nor what is handed out or where it goes.
HARMLESS = {
    "put_platform": {"state"},
    "put_integration": {"name", "state"},
    "put_policy": {"multiple"},
    "put_marketplace": {"protocol", "state", "rotates"},
    "put_product": {"name", "state", "regions", "provisioner", "slow_credentials", "description", "tags", "metadata"},
    "put_plan": {"name", "state", "description", "is_free", "metadata", "maintenance_version", "changes_to"},
    "put_feature": {"name", "type", "values", "minimum", "maximum", "is_metered", "plans"},
}
WRITES = {
    operation.name: (path, operation.takes, trusted_of(operation))
    for method, path, view in routes()
    if (operation := operation_of(view, method)) and operation.takes and operation.scope == Scope.WRITE_SETUP
}


def test_each_field_is_on_one_side():
    assert {name: set(form().fields) - trusted for name, (_, form, trusted) in WRITES.items()} == HARMLESS
    assert all(trusted <= set(form().fields) for _, form, trusted in WRITES.values())


def test_the_page_of_the_api_names_them():
    rows = re.findall(r"^\| (\w+) \| (.*) \|$", (ROOT / "docs/vendor-api.md").read_text(), re.MULTILINE)
    named = {f"put_{kind}": set(re.findall(r"`(\w+)`", fields)) for kind, fields in rows}
    assert {name: named.get(name, set()) for name in WRITES} == {
        name: trusted for name, (*_, trusted) in WRITES.items()
    }


@pytest.mark.parametrize(
    ("name", "field"), sorted((name, field) for name, (*_, trusted) in WRITES.items() for field in trusted)
)
def test_one_that_lets_at_values_is_refused_before_it_is_looked_at(client, db, name, field, trail):
    path, form, _ = WRITES[name]
    kind = form().fields[field]
    value = next(value for value in ("text", 5, True, {}, [], "refuse", "path", "hmac-sha256") if _fits(kind, value))
    body = refused(Vendor(client, scopes=[Scope.WRITE_SETUP]).put(filled(path), {field: value}), 403, "missing_scope")
    assert body["detail"] == f"This token lacks the scope trust:write, which {field} needs."
    assert trail.one(action="vendor_api.call", outcome="refused").detail["scope"] == "trust:write"


@pytest.mark.parametrize("span", ["lifetime_seconds", "rotation_seconds", "overlap_seconds", "stale_seconds"])
def test_a_policys_times_are_not_stretched_without_trust(vendor, span):
    before = vendor.put("/policies/keys", {"issuer": "api_key", "options": {"name": "apiKey", "prefix": "acme"}}).json()
    stretched = {span: 7 * 86400}
    setup = Vendor(scopes=[Scope.READ_SETUP, Scope.WRITE_SETUP], name="setup")
    refused(setup.put("/policies/keys", stretched), 403, "missing_scope")
    assert setup.get("/policies/keys").json() == before
    trusted = Vendor(scopes=[Scope.WRITE_SETUP, Scope.WRITE_TRUST], name="trusted")
    assert trusted.put("/policies/keys", stretched).json() == before | stretched


def test_no_old_secret_or_password_is_kept_good_without_trust(vendor):
    vendor.put("/platforms/mindcloud", {})
    vendor.put("/marketplaces/cf", {"protocol": "osb"})
    setup = Vendor(scopes=[Scope.READ_SETUP, Scope.WRITE_SETUP], name="setup")
    for path, name in (("/platforms/mindcloud/signing-secrets", "secret"), ("/marketplaces/cf/passwords", "password")):
        vendor.post(path, {name: "the-first-one-of-32-characters-and-more"})
        before = setup.get(path).json()["items"]
        longer = {name: "another-one-of-32-characters-and-more-0", "overlap_seconds": 7 * 86400}
        refused(setup.post(path, longer), 403, "missing_scope")
        assert setup.get(path).json()["items"] == before
        assert vendor.post(path, longer).status_code == 201
        assert [one["ends_at"] is None for one in setup.get(path).json()["items"]] == [True, False]


def _fits(kind, value) -> bool:
    try:
        kind.run_validation(value)
    except Exception:
        return False
    return True
