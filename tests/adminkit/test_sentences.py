"""Reads lines of the audit log as sentences."""

from html import unescape

import pytest
from django.utils.html import strip_tags

from credservice.adminkit.sentences import sentence
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            {"action": "credential.revealed", "actor": "user:ann", "object_type": "thing", "object_id": "7"},
            "ann revealed thing 7",
        ),
        (
            {"action": "exchange.credential", "actor": "platform:p", "outcome": "refused", "reason": "no_grant"},
            "platform p was refused to fetch a credential (no grant)",
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
            {"action": "credential.issue", "actor": "worker", "outcome": "failed", "reason": "down"},
            "worker failed: credential: issue (down)",
        ),
        (
            {"action": "import.committed", "actor": "token:b", "object_type": "import", "object_id": "new_ones.csv"},
            "token b imported rows from new_ones.csv",
        ),
        (
            {"action": "credential.erased", "actor": "worker", "object_type": "credential", "object_id": "1"},
            "worker erased the values of credential 1",
        ),
        (
            {"action": "data.exported", "actor": "token:b", "object_type": "export", "object_id": "end_users"},
            "token b exported end_users",
        ),
        (
            {
                "action": "setup.applied",
                "actor": "command:apply:ann",
                "object_type": "setup_file",
                "object_id": "a.yaml",
            },
            "ann (command apply) applied the set-up file a.yaml",
        ),
        ({"action": "a.b", "actor": "<b>", "object_type": "<i>", "object_id": "<u>"}, "<b> b <i> <u>"),
    ],
)
def test_a_line_reads_as_a_sentence(db, facts, expected):
    record(Line(**facts))
    html = str(sentence(AuditEvent.objects.latest("id")))
    assert "<b>" not in html
    assert " ".join(unescape(strip_tags(html)).split()) == expected
