"""Does to this thread's connection of Django's what restarts and failovers do."""

from django.db import connection


def end_own_session() -> None:
    """Have the server end it; Django learns of it at its next statement."""
    connection.ensure_connection()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    finally:
        other.close()


def let_it_only_read() -> None:
    """Have it refuse writes, as that to a server which became a standby does; a new one does not."""
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only TO on")
