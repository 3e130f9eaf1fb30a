"""Finds refused exchanges by a partner's id, or an unknown platform's name, that they were sent with, which no index
has.

What is refused as unknown is no row's: the trail alone has it.
"""

from django.db import connection

MIN_ID = 3
NEWEST = 5_000  # refused lines, whatever else there is between them, that are read for it
MOST = 1_000  # lines that are found

_FIND = """
SELECT id, sent FROM (
    SELECT id, action, detail FROM audit_auditevent WHERE outcome = 'refused' ORDER BY id DESC LIMIT %(newest)s
) AS newest
CROSS JOIN LATERAL unnest(
    ARRAY[detail->>'end_user', detail->>'installation', detail->>'integration', detail->>'platform']
) AS sent
WHERE action = 'exchange.credential' AND sent = ANY(%(ids)s)
ORDER BY id DESC LIMIT %(most)s
"""


def lines_refused_with(*ids: str) -> dict[str, list[int]]:
    """Find, of each of these ids, the newest lines of exchanges that were sent with it and refused."""
    wanted = [text for text in ids if len(text) >= MIN_ID]
    found: dict[str, list[int]] = {}
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(_FIND, {"newest": NEWEST, "ids": wanted, "most": MOST})
            for line, sent in cursor.fetchall():
                found.setdefault(sent, []).append(line)
    return found
