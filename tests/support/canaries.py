"""Search for secrets where none may be: logs, and every row of every table, in each form that they could take."""

import base64
from collections.abc import Iterator

from django.db import connection


def forms_of(secret: str | bytes) -> Iterator[str]:
    """List how ``secret`` may show: as it is, in hexadecimal, in base64 of either alphabet at each alignment."""
    raw = secret.encode() if isinstance(secret, str) else secret
    if isinstance(secret, str):
        yield secret
    yield raw.hex()
    for shift in range(3):
        # Only the characters that no neighbouring byte has a part in.
        encoded = base64.b64encode(b"\0" * shift + raw).decode()[shift and 4 :]
        inner = encoded[: len(encoded) - 4]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")


def rows() -> Iterator[tuple[str, str]]:
    """Every table's name with the text of each of its rows; bytes show in hexadecimal."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT t::text FROM {table} t")
            for (row,) in cursor.fetchall():
                yield table, row


def found_in_rows(secrets: dict[str, str | bytes]) -> list[tuple[str, str]]:
    """(name of the secret, table) wherever one shows."""
    needles = [(name, form) for name, secret in secrets.items() for form in forms_of(secret)]
    return [(name, table) for table, row in rows() for name, form in needles if form in row]


def found_in_text(secrets: dict[str, str | bytes], text: str) -> list[str]:
    return [name for name, secret in secrets.items() if any(form in text for form in forms_of(secret))]
