"""Lists the actions that the code can write into the audit log."""

import ast
import re

from django.contrib import admin

from credservice.audit.names import object_type_of
from provisioning.models import Callback, CredentialRotation, Operation, Resource
from tests.support.paths import ROOT

ACTION = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")
# What writes a line, or is told the action of one.
WRITERS = {"Line", "about", "record_step", "record_operation", "end_user_line", "note_attempt", "_record", "_line"}
WRITERS |= {"told", "_too_many", "end", "created_line"}


def written() -> set[str]:
    """Find the actions that stand in the code as they are."""
    found = set()
    for path in (path for room in ("credservice", "exchange", "provisioning") for path in ROOT.glob(f"{room}/**/*.py")):
        if "checker" in path.parts or "migrations" in path.parts:
            continue
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            if getattr(call.func, "id", getattr(call.func, "attr", "")) in WRITERS:
                given = [*call.args, *(keyword.value for keyword in call.keywords)]
                texts = [node.value for each in given for node in ast.walk(each) if isinstance(node, ast.Constant)]
                found |= {text for text in texts if isinstance(text, str) and ACTION.fullmatch(text)}
    return found


def composed() -> set[str]:
    """List the actions that are put together from a kind and a verb."""
    kinds = {object_type_of(model): site_admin for model, site_admin in admin.site._registry.items()}
    found = {f"{kind}.{verb}" for kind in kinds for verb in ("created", "changed", "deleted")}
    switches = ((kind, page) for kind, of in kinds.items() for page in getattr(of, "object_pages", ()))
    found |= {f"{kind}.{page.verb}" for kind, page in switches if hasattr(page, "verb")}
    ends: dict[str, list[str]] = {
        "callback": [state for state in Callback.State if state != Callback.State.WAITING],
        "credential_rotation": [s for s in CredentialRotation.State if s != CredentialRotation.State.ASKING],
        "operation": [Operation.State.SUCCEEDED, Operation.State.FAILED, Operation.State.ABANDONED],
        "resource": [Resource.State.DEPROVISIONING, Resource.State.DEPROVISIONED],
        "credential": ["revoked", "expired"],
        "approval": ["approved", "declined"],
    }
    for kind, states in ends.items():
        found |= {f"{kind}.{state}" for state in states}
    found |= {f"{kind}.recognised" for kind, of in kinds.items() if getattr(of, "by_text", None)}
    found |= {"credential.copied", "signing_key.reminded", "signing_secret.reminded"}
    return found | {"exchange.credential", "audit.sealing_refused", "audit.chain_accepted"}
