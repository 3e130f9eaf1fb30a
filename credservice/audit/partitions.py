"""Makes a partition of the audit log for each month, long before the month begins."""

import structlog
from django.db import Error, connection, transaction

log = structlog.get_logger(__name__)
MONTHS_AHEAD = 12

_MAKE = """
SELECT audit_make_partition((date_trunc('month', now() AT TIME ZONE 'UTC') + %s * interval '1 month')::date)
"""


def make_partitions(months: int = MONTHS_AHEAD) -> None:
    """Make the partitions of this month and of those ahead that are missing. With the schema, and once a day.

    A month that has begun in the default partition cannot get one of its own any more; the log says so, and lines are
    written there as before.
    """
    for ahead in range(months + 1):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_MAKE, [ahead])
        except Error as error:
            log.error("audit_partition_not_made", months_ahead=ahead, error=type(error).__name__)  # noqa: TRY400


def lines_without_month() -> bool:
    """Tell whether lines lie in the default partition, where retention by months does not reach them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM audit_auditevent_rest)")
        return bool(cursor.fetchone()[0])
