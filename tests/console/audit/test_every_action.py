"""Makes a line of each action that the code can write, with each outcome, and reads them as sentences.

Shown by: pytest tests/console/audit/test_every_action.py -s -k read
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin

from credservice.adminkit import sentence_words as words
from credservice.adminkit.approvals import ask
from credservice.adminkit.links import short
from credservice.adminkit.models import BulkRun
from credservice.adminkit.sentences import plain_sentence
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.audit.names import object_type_of
from credservice.console.audit.exposure import WAYS
from credservice.credentials.exposure import HARMLESS
from credservice.vendor_api.tokens import create_token
from provisioning.models import Operation
from provisioning.sso import views as resource_pages
from tests.support.actions import composed, written
from tests.support.console import World
from tests.support.pages import all_models

# Past tenses need no phrase of their own: "ann created platform mindcloud".
PLAIN = re.compile(r"[a-z]+ed|made")


def refusable() -> set[str]:
    """List what partners and people ask for and may be refused, by the methods of the doors and the pages."""
    asked = {f"{kind}.{method}" for kind, methods in DOORS.items() for method in methods.split()}
    pages = {f"resource_page.{name}" for name in ("show", "reveal", "sign_out") if hasattr(resource_pages, name)}
    return asked | pages | {action for action in words.ASKED if action not in asked | pages}


DOORS = {
    "catalogue": "get head",
    "measures": "get head",
    "operation": "get head",
    "resource": "get head put patch delete",
    "resource_credential": "get head put delete",
}
FAILS_ONLY = {action for action in words.FAILED if action != "audit.verified"}


# What is no row of a table.
NAMED = {
    "audit.month_dropped": ("audit_month", "2025-01"),
    "data.exported": ("export", "end_users"),
    "import.committed": ("import", "customers.csv"),
    "setup.applied": ("setup_file", "setup.yaml"),
}
NOTHING = ["audit", "encryption_key", "readiness", "usage"]


def cases() -> Iterator[tuple[str, str]]:
    for action in sorted(written() | composed() | refusable() | set(words.FAILED)):
        if action in words.FAILED:
            yield action, "failed"
        if action in refusable():
            yield action, "refused"
            yield action, "unproven"
        if action == "exchange.credential" or action not in refusable() | FAILS_ONLY:
            yield action, "done"


def rows(world: World) -> dict[str, Any]:
    """Find a row of every kind, with some that the world lacks."""
    run = BulkRun.objects.create(action="suspend", object_type="exchange.enduser", title="Suspend", user=world.host)
    ask(act="bulk", obj=run, permission="x", user=world.host, title="Suspend 2 end users", values={"why": "Ticket 1"})
    Operation.objects.create(resource=world.resource, verb="provision", fingerprint=bytes(32))
    create_token(name="backend", scopes=["credentials:read"], actor="user:host")
    found: dict[str, Any] = {}
    for model in all_models():
        row = model._default_manager.first() if model is not AuditEvent else None
        if row is not None:
            found[object_type_of(model)] = row
    return found | {"credential": world.credential}


def told(action: str, outcome: str, row: Any) -> str:
    kind = action.partition(".")[0]
    kind = "resource" if kind in ("sso", "resource_page") else kind
    actor = {"refused": "marketplace:cf", "unproven": "unproven:cf", "failed": "worker"}.get(outcome, "user:ann")
    if outcome in ("refused", "unproven"):
        claimed: Any = {"object_type": kind, "object_id": "a%20be%20ar"} if kind in DOORS else {}
        record(Line(action, actor, "refused", "not_found", **claimed))
    elif row is None:
        object_type, object_id = NAMED.get(action, ("", "") if kind in NOTHING else (kind, str(uuid4())))
        record(Line(action, actor, outcome, object_type=object_type, object_id=object_id))
    else:
        record(Line.about(row, action, actor, outcome=outcome))
    return plain_sentence(AuditEvent.objects.latest("id"))


def row_of(action: str, of: dict[str, Any]) -> Any:
    kind = action.partition(".")[0]
    return of.get({"sso": "resource", "exchange": "credential", "invitation": "invitation"}.get(kind, kind))


def test_all_of_them_read_as_sentences(world, admin):
    of, sentences, wrong = rows(world), [], []
    for action, outcome in cases():
        row = row_of(action, of)
        text = told(action, outcome, row)
        sentences.append(f"{action:44} {outcome:9} {text}")
        if faults := list(faults_of(text, outcome, row)):
            wrong.append((action, outcome, text, faults))
    print("\n".join(["", *sentences]))
    assert not wrong


def faults_of(text: str, outcome: str, row: Any) -> Iterator[str]:
    """Tell what keeps a text from being a sentence that a person reads: each begins with who did it."""
    if not (text[0].isupper() or text.startswith("ann ")):
        yield "no subject"
    if re.search(r"%20|[{}]|  | $", text) or re.search(r"_", re.sub(r"(inst|int|eu)_1", "", text)):
        yield "not plain"
    if outcome in ("refused", "unproven"):
        if not text.endswith(" was refused: there is no such thing"):
            yield "not told as refused"
    elif row is not None and short(str(row.pk)) not in title(row) and short(str(row.pk)) in text:
        yield "an id where there is a name"


def title(row: Any) -> str:
    site_admin: Any = admin.site._registry[type(row)]
    return str(site_admin.titles_of([row])[0])


@pytest.mark.parametrize("action", sorted(written() | composed()))
def test_each_has_a_verb(action):
    known = {*words.DONE, *words.ASKED, *words.FAILED, *words.OWN}
    assert action in known or PLAIN.fullmatch(action.rpartition(".")[2])


def test_each_act_on_a_credential_either_shows_its_values_or_does_not():
    """Whoever could have seen a credential is listed by these: nobody who did not, by an action that nobody sorted."""
    acts = written() | composed() | {"credential.handed_out"}
    acts = {act for act in acts if act.startswith(("credential.", "callback."))}
    acts -= {"callback.attempt"}  # of one that failed, and is listed once it came to something
    acts -= {f"{kind}.{verb}" for kind in ("credential", "callback") for verb in ("created", "changed", "deleted")}
    assert acts - {*HARMLESS} == {act for act in WAYS if act.startswith(("credential.", "callback."))}
