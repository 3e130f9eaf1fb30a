"""Counts credentials by state and drops old sums, in the worker."""

from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from credservice.credentials.models import Credential
from credservice.statistics.models import Tally

# A count reads the whole table: where that takes longer, the figure may be old, and nothing else has to wait.
MAX_SECONDS = 120

# Also a zero for a state that none is in any more.
_COUNT_STATES = """
INSERT INTO statistics_tally AS t (hour, series, name, count, written_at)
SELECT date_trunc('hour', now()), 'credentials', s.name, count(c.id), now()
FROM unnest(%s::text[]) AS s (name) LEFT JOIN credentials_credential AS c ON c.state = s.name
GROUP BY s.name
ON CONFLICT (series, hour, name) DO UPDATE SET count = excluded.count, written_at = excluded.written_at
"""


@app.periodic(cron="*/10 * * * *")
@app.task(name="statistics.count_states", queueing_lock="statistics.count_states", pass_context=False)
def count_states(timestamp: int) -> None:
    """Count credentials by state, for the console. ``timestamp`` is the period's, which procrastinate passes."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{MAX_SECONDS}s"])
        cursor.execute(_COUNT_STATES, [[str(state) for state in Credential.State]])


@app.periodic(cron="23 4 * * *")
@app.task(name="statistics.prune", queueing_lock="statistics.prune", pass_context=False)
def prune(timestamp: int) -> None:
    """Drop the sums that nobody looks at any more."""
    Tally.objects.filter(hour__lt=timezone.now() - Tally.KEPT).delete()
