"""``python -m tests.bench.peers.data INSTALLATIONS RESOURCES``: make the peer's tables and fill them."""

import os
import sys
import uuid
from pathlib import Path

import psycopg

from tests.bench.ids import INTEGRATION, PLATFORM, end_user_id, installation_id, resource_id, value
from tests.bench.peers.sealing import seal


def main(installations: int, resources: int, secret: str) -> None:
    with psycopg.connect(autocommit=True) as db:
        db.execute((Path(__file__).parent / "schema.sql").read_text())
        statement = "INSERT INTO platforms (name, sealed_secret) VALUES (%s, %s) RETURNING id"
        (platform,) = db.execute(statement, [PLATFORM, seal(secret, PLATFORM)]).fetchone() or ()
        keys = [uuid.uuid4() for _ in range(installations)]
        copy(db, "credentials (id, sealed)", [(key, seal(value(n), str(key))) for n, key in enumerate(keys)])
        copy(
            db,
            "grants (platform_id, integration_id, installation_id, end_user_id, credential_id)",
            [(platform, INTEGRATION, installation_id(n), end_user_id(n), key) for n, key in enumerate(keys)],
        )
        copy(db, "resources (id, product, plan)", [(resource_id(n), "bear", "ursa-minor") for n in range(resources)])
        db.execute("VACUUM ANALYZE")


def copy(db: psycopg.Connection, table: str, rows: list[tuple[object, ...]]) -> None:
    with db.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as out:
        for row in rows:
            out.write_row(row)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), os.environ["PEER_SECRET"])
