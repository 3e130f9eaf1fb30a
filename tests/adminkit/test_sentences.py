"""Reads lines of the audit log as sentences."""

from html import unescape

import pytest
from django.utils.html import strip_tags

from credservice.adminkit.sentences import action_words, sentence
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            {"action": "credential.revealed", "actor": "user:ann", "object_type": "thing", "object_id": "7"},
            "ann revealed the values of thing 7",
        ),
        (
            {"action": "exchange.credential", "actor": "platform:p", "outcome": "refused", "reason": "no_grant"},
            "The platform p's call to fetch a credential was refused: no grant covers it",
        ),
        (
            {"action": "exchange.credential", "actor": "unproven:p", "outcome": "refused", "reason": "wrong_signature"},
            "A call that claimed to be p was refused: wrong signature",
        ),
        (
            {"action": "user.signed_in", "actor": "user:ann", "object_type": "user", "object_id": "2"},
            "ann signed in",
        ),
        (
            {
                "action": "credential.issue",
                "actor": "worker",
                "outcome": "failed",
                "object_type": "credential",
                "reason": "down",
            },
            "The worker could not make a credential: down",
        ),
        (
            {"action": "import.committed", "actor": "token:b", "object_type": "import", "object_id": "new_ones.csv"},
            "The token b imported rows from new_ones.csv",
        ),
        (
            {"action": "credential.erased", "actor": "worker", "object_type": "credential", "object_id": "1"},
            "The worker erased the values of credential 1",
        ),
        (
            {"action": "data.exported", "actor": "token:b", "object_type": "export", "object_id": "end_users"},
            "The token b exported end users",
        ),
        (
            {
                "action": "setup.applied",
                "actor": "command:apply:ann",
                "object_type": "setup_file",
                "object_id": "a.yaml",
            },
            "The command apply, run by ann, applied set-up file a.yaml",
        ),
        (
            {
                "action": "resource.delete",
                "actor": "marketplace:cf",
                "outcome": "refused",
                "reason": "not_found",
                "object_type": "resource",
                "object_id": "a%20bear",
            },
            "The marketplace cf's call to delete a resource was refused: there is no such thing",
        ),
        (
            {
                "action": "exchange.credential",
                "actor": "platform:p",
                "outcome": "refused",
                "reason": "no_grant",
                "detail": {"end_user": "enduser_456def", "installation": "install_xyz789"},
            },
            "The platform p's call to fetch a credential for end user enduser_456def, installation install_xyz789 "
            "was refused: no grant covers it",
        ),
        (
            {"action": "vendor_api.call", "actor": "token:b", "outcome": "refused", "reason": "missing_scope"}
            | {"detail": {"scope": "setup:write"}},
            "The token b's call to use the vendor API was refused: the token lacks the scope setup:write",
        ),
        (
            {"action": "user.sign_in", "actor": "user:unknown", "outcome": "refused", "reason": "unknown_user"},
            "An attempt by somebody unknown to sign in was refused: unknown user",
        ),
        (
            {"action": "end_user.suspended", "actor": "user:ann", "object_type": "end_user", "object_id": "7"}
            | {"detail": {"name": "Acme", "why": "Ticket 4711"}},
            "ann suspended end user Acme: Ticket 4711",
        ),
        (
            {"action": "bulk_run.done", "actor": "user:ann", "object_type": "bulk_run", "object_id": "7"}
            | {"detail": {"name": "Suspend: 3", "done": 2, "refused": 1, "left": 0}},
            "ann finished bulk run Suspend: 3 (2 done, 1 refused)",
        ),
        (
            {"action": "import.committed", "actor": "user:ann", "object_type": "import", "object_id": "a.csv"}
            | {"detail": {"first_line": 2, "last_line": 3, "end_users": 2, "grants": 1}},
            "ann imported rows from a.csv: 2 new end users and 1 grant in rows 2 to 3",
        ),
        (
            {"action": "user.changed", "actor": "user:ann", "object_type": "user", "object_id": "70001"}
            | {"detail": {"name": "olga", "changes": {"is_superuser": {"from": False, "to": True}, "groups": {}}}},
            "ann changed user olga: now superuser",
        ),
        (
            {"action": "user.roles_set", "actor": "user:olga", "object_type": "user", "object_id": "70001"}
            | {"detail": {"from": ["Auditor", "Viewer"], "to": ["<Night watch>"]}},
            "olga got other roles by the groups at the provider: role <Night watch> added, "
            "roles Auditor and Viewer removed",
        ),
        (
            {"action": "platform.changed", "actor": "user:ann", "object_type": "platform", "object_id": "p"}
            | {"detail": {"changes": {"signed_path": {"from": "/", "to": ""}}, "why": "signature debugger"}},
            "ann changed platform p (signed path): signature debugger",
        ),
        (
            {"action": "exchange.credential", "actor": "anonymous", "outcome": "refused", "reason": "unknown_platform"}
            | {"detail": {"platform": "mindclod"}},
            "A call by somebody unknown to fetch a credential for platform mindclod was refused: unknown platform",
        ),
        (
            {"action": "platform.changed", "actor": "token:b", "object_type": "platform", "object_id": "p"}
            | {"detail": {"changes": {"is_active": {"from": True, "to": False}, "name": {}}}},
            "The token b changed platform p (name, suspended)",
        ),
        (
            {"action": "installation.changed", "actor": "token:b", "object_type": "installation", "object_id": "7"}
            | {"detail": {"changes": {"state": {"from": "pending", "to": "active"}}}},
            "The token b changed installation 7 (now active)",
        ),
        (
            {"action": "end_user.changed", "actor": "token:b", "object_type": "end_user", "object_id": "7"}
            | {"detail": {"fields": ["a", "b", "c", "d", "e", "external_id"]}},
            "The token b changed end user 7 (a, b, c, d, e and 1 more)",
        ),
        ({"action": "a.b", "actor": "<b>", "object_type": "<i>", "object_id": "<u>"}, "<b> b <i> <u>"),
    ],
)
def test_a_line_reads_as_a_sentence(db, facts, expected):
    record(Line(**facts))
    html = str(sentence(AuditEvent.objects.latest("id")))
    assert "<b>" not in html
    assert " ".join(unescape(strip_tags(html)).split()) == expected


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("approval.asked", "asked for the approval of an act"),
        ("approval.used", "used the approval of an act"),
        ("operation.get", "asked how far an operation is"),
        ("resource.get", "asked to read a resource"),
    ],
)
def test_an_action_is_named_in_words_that_a_person_says(action, words):
    assert action_words(action) == words
