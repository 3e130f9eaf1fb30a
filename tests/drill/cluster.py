"""A PostgreSQL cluster as its operators run it: three members under Patroni on etcd, one of them synchronous.

Each member is a host of its own to the others: a network namespace on one bridge. Needs root, and a network and a
process namespace that are this drill's alone: what is left in them goes with them.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg.conninfo import make_conninfo

PROGRAMS = ("patroni", "etcd", "haproxy", "pgbouncer", "ip", "setpriv")
BINARIES = Path("/usr/lib/postgresql")
BRIDGE, HERE = "drill", "10.77.0.1"
ACCOUNT = "postgres"  # PostgreSQL refuses to be root's
DATABASE = OWNER = "credservice"
# In seconds: less than Patroni's defaults, so that a drill need not wait half a minute for each failover.
TIMES = {"ttl": 12, "loop_wait": 2, "retry_timeout": 4}
READY_SECONDS, FOLLOW_SECONDS = 120.0, 30.0


def what_is_missing() -> str:
    """Say what this machine lacks for a cluster; empty where nothing."""
    if os.geteuid() != 0:
        return "it needs root, for network namespaces"
    missing = [program for program in PROGRAMS if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if not _versions():
        missing.append("postgresql")
    return f"these programs are not installed: {', '.join(missing)}" if missing else ""


def _versions() -> list[Path]:
    return sorted(BINARIES.glob("*/bin/postgres"), key=lambda path: int(path.parent.parent.name))


class Member:
    """One host: etcd, Patroni, and the PostgreSQL that Patroni runs."""

    def __init__(self, number: int, folder: Path) -> None:
        self.name, self.address = f"member{number}", f"10.77.0.{10 + number}"
        self.folder = folder / self.name
        self.folder.mkdir()
        shutil.chown(self.folder, ACCOUNT, ACCOUNT)

    def connect_host(self) -> None:
        """Give it a network card on the bridge."""
        card = f"{self.name}-card"
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self.name, "type", "veth", "peer", "name", card)
        run("ip", "link", "set", card, "netns", self.name)
        run("ip", "link", "set", self.name, "master", BRIDGE, "up")
        for command in (f"addr add {self.address}/24 dev {card}", f"link set {card} up", "link set lo up"):
            run("ip", "-n", self.name, *command.split())

    def start(self, members: "list[Member]") -> None:
        address = self.address
        self._run(
            "etcd",
            *("etcd", "--name", self.name, "--data-dir", self.folder / "etcd", "--log-level", "error"),
            *(f"--listen-peer-urls=http://{address}:2380", f"--initial-advertise-peer-urls=http://{address}:2380"),
            *(f"--listen-client-urls=http://{address}:2379", f"--advertise-client-urls=http://{address}:2379"),
            "--initial-cluster=" + ",".join(f"{member.name}=http://{member.address}:2380" for member in members),
            "--initial-cluster-state=new",
        )
        configuration = self.folder / "patroni.json"  # YAML too
        configuration.write_text(json.dumps(self._patroni(members)))
        shutil.chown(configuration, ACCOUNT, ACCOUNT)
        self._run("patroni", "patroni", configuration)

    def kill(self) -> None:
        """End the host as a power cut does."""
        pids = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True, check=True).stdout
        for pid in pids.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def cut_off(self) -> None:
        """Pull its network cable."""
        run("ip", "link", "set", self.name, "down")

    def join_again(self) -> None:
        run("ip", "link", "set", self.name, "up")

    def is_primary(self) -> bool:
        with contextlib.suppress(psycopg.Error), psycopg.connect(self.conninfo(), autocommit=True) as server:
            return server.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
        return False

    def conninfo(self) -> str:
        """Lead to this one as its operator."""
        return f"host={self.address} user={ACCOUNT} dbname=postgres connect_timeout=1 tcp_user_timeout=1000"

    def _run(self, name: str, *command: str | Path) -> None:
        as_postgres = ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups"]
        with (self.folder / f"{name}.log").open("ab") as log:
            spawn(["ip", "netns", "exec", self.name, *as_postgres, *map(str, command)], log, cwd=self.folder)

    def _patroni(self, members: "list[Member]") -> dict[str, Any]:
        anybody = [f"host all all {HERE}/24 trust", f"host replication all {HERE}/24 trust", "local all all trust"]
        return {
            "scope": "drill",
            "name": self.name,
            "restapi": {"listen": f"{self.address}:8008", "connect_address": f"{self.address}:8008"},
            "etcd3": {"hosts": [f"{member.address}:2379" for member in members]},
            "bootstrap": {
                "dcs": TIMES | {
                    "synchronous_mode": True,
                    "maximum_lag_on_failover": 1048576,
                    "postgresql": {
                        "use_pg_rewind": True,
                        "parameters": {
                            "superuser_reserved_connections": 10,  # whatever the service takes
                            "wal_keep_size": "256MB",
                            "shared_buffers": "64MB",
                        },
                    },
                },
                "initdb": [{"encoding": "UTF8"}, "data-checksums", {"locale": "C.UTF-8"}],
                "pg_hba": anybody,
            },
            "postgresql": {
                "listen": f"{self.address}:5432",
                "connect_address": f"{self.address}:5432",
                "data_dir": str(self.folder / "data"),
                "bin_dir": str(_versions()[-1].parent),
                "pgpass": str(self.folder / "pgpass"),
                "pg_hba": anybody,
                # Else a replica that is made anew waits for the next checkpoint, under load some minutes.
                "basebackup": [{"checkpoint": "fast"}],
                "authentication": {
                    "superuser": {"username": ACCOUNT, "password": ACCOUNT},
                    "replication": {"username": "replicator", "password": "replicator"},
                },
                "parameters": {"unix_socket_directories": str(self.folder)},
            },
        }  # fmt: skip


class Cluster:
    """Three members; one of them is the primary."""

    def __init__(self, folder: Path) -> None:
        self.members = [Member(number, folder) for number in (1, 2, 3)]
        self.made_anew = 0

    def start(self) -> None:
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "addr", "add", f"{HERE}/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        for member in self.members:
            member.connect_host()
        for member in self.members:
            member.start(self.members)
        self.await_whole()
        with self._connected(self.primary()) as server:
            server.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB")
            server.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")

    def primary(self) -> Member:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            for member in self.members:
                if member.is_primary():
                    return member
            time.sleep(0.1)
        raise RuntimeError("no member of the cluster is its primary")

    def await_whole(self) -> None:
        """Wait until both others follow, one of them synchronously; what does not follow is made anew."""
        deadline = time.monotonic() + READY_SECONDS
        patience = time.monotonic() + FOLLOW_SECONDS
        while (following := self._following()) is None or len(following) < len(self.members) - 1:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the cluster does not become whole: {self._patronictl('list')}")
            if following is not None and time.monotonic() > patience:
                self._make_anew(following)
                patience = time.monotonic() + FOLLOW_SECONDS
            time.sleep(0.5)

    def switch_over(self) -> None:
        """Make another member the primary, as an operator does."""
        self._patronictl("switchover", "--force")

    def conninfo(self, **more: int | str) -> str:
        """Lead to whichever member takes writes, as the service's role."""
        hosts = ",".join(member.address for member in self.members)
        return make_conninfo("", host=hosts, user=OWNER, dbname=DATABASE, target_session_attrs="read-write", **more)

    @property
    def hosts(self) -> str:
        return ",".join(f"{member.address}:5432" for member in self.members)

    def _following(self) -> set[str] | None:
        """Return the members that follow the primary; None where nobody is it, or none follows synchronously."""
        for member in self.members:
            with contextlib.suppress(psycopg.Error), self._connected(member) as server:
                rows = server.execute(
                    "SELECT application_name, sync_state FROM pg_stat_replication"
                    " WHERE state = 'streaming' AND NOT pg_is_in_recovery()"
                ).fetchall()
                if rows and "sync" in {state for _, state in rows}:
                    return {name for name, _ in rows}
        return None

    def _make_anew(self, following: set[str]) -> None:
        """Do what the cluster's operator does with a standby that does not find its way back."""
        primary = self.primary()
        for member in self.members:
            if member is not primary and member.name not in following:
                self.made_anew += 1
                self._patronictl("reinit", member.name, "--force")

    def _connected(self, member: Member) -> "psycopg.Connection[tuple[Any, ...]]":
        return psycopg.connect(member.conninfo(), autocommit=True)

    def _patronictl(self, *command: str) -> str:
        configuration = self.members[0].folder / "patroni.json"
        done = subprocess.run(
            ["patronictl", "-c", str(configuration), command[0], "drill", *command[1:]],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return done.stdout


def run(*command: str) -> None:
    subprocess.run(command, check=True)


def spawn(command: list[str], output: IO[bytes], **options: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True, **options)
