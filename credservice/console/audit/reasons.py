"""Finds new lines of the audit log by the reason that was typed for them, which no index has."""

from django.contrib import admin
from django.db import connection

from credservice.adminkit.links import may_be_told_of
from credservice.adminkit.sentence_tails import FACTS_OF
from credservice.audit.names import object_type_of

NEWEST = 20_000  # lines that are read for it: some 10 ms
MOST = 1_000  # lines that are found
MIN_WORD = 3

# The lines are chosen first, by their ids: with the condition beside the order, PostgreSQL may read the whole log.
_FIND = """
SELECT id FROM (
    SELECT id, action, object_type, detail FROM audit_auditevent ORDER BY id DESC LIMIT %(newest)s
) AS newest
WHERE object_type <> ALL(%(untold)s) AND action <> ALL(%(untold_actions)s)
AND concat_ws(' ', detail->>'why', detail->>'answer', detail->'values'->>'why') ILIKE %(part)s
ORDER BY id DESC LIMIT %(most)s
"""


def lines_with_reason(part: str) -> list[int]:
    """List the ids of the newest lines whose reason has ``part`` in it, of those that the reader may be told of."""
    untold = [kind for model in admin.site._registry if not may_be_told_of(kind := object_type_of(model))]
    actions = [action for action, kind in FACTS_OF.items() if kind in untold]
    escaped = part.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    values: dict[str, str | int | list[str]] = {
        "untold": untold,
        "untold_actions": actions,
        "newest": NEWEST,
        "most": MOST,
        "part": f"%{escaped}%",
    }
    with connection.cursor() as cursor:
        cursor.execute(_FIND, values)
        return [row[0] for row in cursor.fetchall()]
