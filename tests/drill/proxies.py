"""The proxies before a cluster and before the web nodes: HAProxy, and PgBouncer in transaction mode."""

import time
from pathlib import Path

import psycopg

from tests.drill.cluster import ACCOUNT, DATABASE, OWNER, Cluster, spawn

WEB, PRIMARY, POOLER = 8000, 5000, 6432  # ports
NODES = (8001, 8002)
# A server that is asked for Patroni's /primary is the primary or is not used; one that says no to /readyz gets no
# request, and what it does not accept goes to the other one.
_HAPROXY = """
defaults
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    default-server inter 1s fall 2 rise 1
listen primary
    bind 127.0.0.1:{primary}
    mode tcp
    option httpchk OPTIONS /primary
    default-server on-marked-down shutdown-sessions port 8008
{members}
listen web
    bind 127.0.0.1:{web}
    mode http
    option httpchk GET /readyz
    http-check send hdr Host localhost hdr X-Forwarded-Proto https
    http-request set-header X-Forwarded-Proto https
    option forwardfor
    option http-server-close
    retries 3
    retry-on conn-failure
    option redispatch 1
{nodes}
"""
_PGBOUNCER = """
[databases]
{database} = host=127.0.0.1 port={primary} user={owner}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {pooler}
unix_socket_dir =
auth_type = any
pool_mode = transaction
server_connect_timeout = 3
server_login_retry = 1
"""


def start(cluster: Cluster, folder: Path) -> None:
    members = [f"    server {member.name} {member.address}:5432 check" for member in cluster.members]
    nodes = [f"    server node{number} 127.0.0.1:{port} check" for number, port in enumerate(NODES, 1)]
    text = _HAPROXY.format(primary=PRIMARY, web=WEB, members="\n".join(members), nodes="\n".join(nodes))
    (folder / "haproxy.cfg").write_text(text)
    text = _PGBOUNCER.format(primary=PRIMARY, pooler=POOLER, database=DATABASE, owner=OWNER)
    (folder / "pgbouncer.ini").write_text(text)
    with (folder / "haproxy.log").open("ab") as log:
        spawn(["haproxy", "-db", "-f", str(folder / "haproxy.cfg")], log)
    _await_answers(PRIMARY, cluster)
    with (folder / "pgbouncer.log").open("ab") as log:
        as_postgres = ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups"]
        spawn([*as_postgres, "pgbouncer", str(folder / "pgbouncer.ini")], log)
    _await_answers(POOLER, cluster)


def _await_answers(port: int, cluster: Cluster) -> None:
    """Wait until only the primary answers: HAProxy takes every member for one until it has asked it twice."""
    address = f"host=127.0.0.1 port={port} user={OWNER} dbname={DATABASE} connect_timeout=2"
    deadline, in_a_row = time.monotonic() + 30, 0
    while in_a_row < 2 * len(cluster.members):
        try:
            psycopg.connect(address, target_session_attrs="read-write").close()
            in_a_row += 1
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            in_a_row = 0
        time.sleep(0.2)
