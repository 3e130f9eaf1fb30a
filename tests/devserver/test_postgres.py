"""The embedded PostgreSQL: what it lets in, what it keeps, and how it comes back."""

import os
import signal
import stat
import subprocess
import sys

import environ
import psycopg
import pytest

from credservice.devserver import Refusal
from credservice.devserver.postgres import EmbeddedPostgres
from tests.devserver.processes import first_line, gone

OWNER = """
import sys, time
from credservice.devserver.postgres import EmbeddedPostgres
server = EmbeddedPostgres(sys.argv[1], durable=False)
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="about the account that root's server runs under")


def _ask(server, query, **who):
    with psycopg.connect(server.conninfo(**who)) as connection:
        return connection.execute(query).fetchone()


def test_the_url_is_the_owners_for_settings(shared):
    config = environ.Env.db_url_config(shared.url)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host"}
    with psycopg.connect(**{names[key]: config[key] for key in names}) as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == ("credservice",) * 2


def test_the_owner_is_no_superuser_and_may_create_test_databases(shared):
    question = "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    assert _ask(shared, question) == (False, False, True)
    assert _ask(shared, question, user="postgres") == (True, True, True)


@pytest.mark.parametrize("user", ["credservice", "postgres"])
@pytest.mark.parametrize("password", ["", "wrong"])
def test_it_refuses_a_wrong_password(shared, user, password):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(shared.conninfo(user=user, password=password))


def test_it_listens_on_no_network_address(shared):
    assert _ask(shared, "SHOW listen_addresses") == ("",)


def test_only_its_account_may_enter_the_sockets_folder(shared, shared_dir):
    assert stat.S_IMODE((shared_dir / "socket").stat().st_mode) == 0o700
    assert stat.S_IMODE((shared_dir / "passwords").stat().st_mode) == 0o600


def test_no_password_reaches_its_log(shared, shared_dir):
    for password in (shared_dir / "passwords").read_text().split():
        assert password not in shared.log.read_text()


def test_a_second_start_keeps_what_was_committed(postgres, state_dir):
    with psycopg.connect(postgres.conninfo()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    postgres.stop()
    postgres.start()
    assert _ask(postgres, "SELECT answer FROM kept") == (42,)


def test_a_second_server_in_the_same_folder_is_refused(postgres, state_dir):
    with pytest.raises(Refusal, match="runs already"):
        EmbeddedPostgres(state_dir, durable=False).start()
    assert _ask(postgres, "SELECT 1") == (1,)


def test_a_second_cluster_lives_beside_it(postgres, tmp_path):
    with EmbeddedPostgres(tmp_path / "vendor", durable=False) as vendor:
        assert _ask(vendor, "SELECT 1") == (1,)
        assert vendor.url != postgres.url


def test_the_server_ends_when_its_owner_is_killed_and_starts_again(state_dir):
    with subprocess.Popen([sys.executable, "-c", OWNER, state_dir], stdout=subprocess.PIPE) as owner:
        server = int(first_line(owner))
        owner.send_signal(signal.SIGKILL)
    with EmbeddedPostgres(state_dir, durable=False) as again:
        assert gone(server)
        assert _ask(again, "SELECT 1") == (1,)


def test_it_starts_again_after_the_server_was_killed(postgres, state_dir):
    os.kill(postgres.pid, signal.SIGKILL)
    postgres.stop()
    assert (state_dir / "data" / "postmaster.pid").exists()
    postgres.start()
    assert _ask(postgres, "SELECT 1") == (1,)


def test_a_pid_file_that_names_another_program_does_not_hold_it_up(postgres, state_dir):
    postgres.stop()
    (state_dir / "data" / "postmaster.pid").write_text(f"{os.getppid()}\n")
    postgres.start()
    assert _ask(postgres, "SELECT 1") == (1,)


def test_an_interrupted_initdb_is_no_cluster(state_dir):
    (state_dir / "data.unfinished").mkdir(parents=True)
    (state_dir / "data.unfinished" / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(state_dir, durable=False) as server:
        assert _ask(server, "SELECT 1") == (1,)


def test_a_folder_too_deep_for_a_socket_gets_it_elsewhere(state_dir):
    with EmbeddedPostgres(state_dir / ("deep" * 25), durable=False) as server:
        folder = environ.Env.db_url_config(server.url)["HOST"]
        assert len(folder) < 85
        assert _ask(server, "SELECT 1") == (1,)
    assert not os.path.exists(folder)


def test_a_sockets_folder_that_a_killed_run_left_elsewhere_is_removed(state_dir, tmp_path):
    left = tmp_path / "left"
    left.mkdir()
    state_dir.mkdir()
    (state_dir / "socket-at").write_text(str(left))
    with EmbeddedPostgres(state_dir, durable=False):
        assert not left.exists()


def test_a_start_that_fails_tells_the_end_of_the_log(postgres, state_dir):
    postgres.stop()
    with (state_dir / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write("work_mem = 'plenty'\n")
    with pytest.raises(Refusal, match=r"did not start.*work_mem"):
        postgres.start()


@as_root
def test_root_gives_the_server_to_an_account_that_cannot_change_its_programs(postgres, state_dir):
    account = (state_dir / "data").stat().st_uid
    assert account != 0
    for path in [state_dir, *state_dir.glob("programs-*"), *state_dir.glob("programs-*/**/bin/*")]:
        assert path.stat().st_uid == 0
        assert not path.stat().st_mode & 0o022
    assert not state_dir.stat().st_mode & 0o007


@as_root
def test_root_leaves_the_permissions_of_a_closed_folder_and_goes_elsewhere(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed / "postgres", durable=False) as server:
        assert _ask(server, "SELECT 1") == (1,)
        elsewhere = (closed / "postgres" / "moved-to").read_text().strip()
        assert os.path.isdir(elsewhere)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not os.path.exists(elsewhere)
