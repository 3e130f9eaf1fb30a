"""Makes a streaming standby of an embedded PostgreSQL."""

from pathlib import Path
from urllib.parse import quote

import psycopg

from credservice.devserver.cluster import ADMIN, OWNER
from credservice.devserver.os_account import home_for
from credservice.devserver.postgres import DATABASE, EmbeddedPostgres


def standby_of(primary: EmbeddedPostgres, state_dir: Path) -> EmbeddedPostgres:
    """Return a standby that is not started yet, of a primary that runs."""
    cluster = primary._cluster
    home = home_for(state_dir, cluster.account, durable=True)
    data = home / "data"
    data.mkdir(mode=0o700)
    cluster.account.own(data)
    where = primary.conninfo(ADMIN, "postgres")
    command = [str(cluster.programs / "pg_basebackup"), "--pgdata", str(data), "--dbname", where]
    copied = cluster.launch([*command, "--write-recovery-conf", "--checkpoint=fast"])
    assert copied.wait() == 0, cluster.log_tail()
    passwords = home / "passwords"
    passwords.touch(mode=0o600)
    passwords.write_text((cluster.home / "passwords").read_text())
    cluster.account.own(passwords)
    return EmbeddedPostgres(state_dir)


def commit_on_both(primary: EmbeddedPostgres) -> None:
    """Have each commit wait for the standby, so that none is lost with the primary."""
    run_as_admin(primary, "ALTER SYSTEM SET synchronous_standby_names TO '*'", "SELECT pg_reload_conf()")


def promote(standby: EmbeddedPostgres) -> None:
    """Make it the one that writes, and wait for nobody else's copy."""
    run_as_admin(standby, "SELECT pg_promote()")
    run_as_admin(standby, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")


def run_as_admin(server: EmbeddedPostgres, *statements: str) -> None:
    with psycopg.connect(server.conninfo(ADMIN, "postgres"), autocommit=True) as admin:
        for statement in statements:
            admin.execute(statement)


def url_of(*servers: EmbeddedPostgres) -> str:
    """Write the address of whichever of them writes."""
    password = servers[0]._cluster.password(OWNER)
    hosts = ",".join(quote(str(server._socket_dir), safe="") for server in servers)
    return f"postgres://{OWNER}:{password}@/{hosts}/{DATABASE}"
