"""The service under a database role of its own: all it does works, and the trail's rules bind it."""

import secrets
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psycopg
import pytest

from credservice.devserver.demo import DEMO_FILE
from credservice.devserver.postgres import EmbeddedPostgres
from tests.e2e.partners import TIMEOUT, Manifold, MindCloud, new_id
from tests.support.concurrency import until
from tests.support.live import LiveService

ROLE = "credservice-app"
DENIED = [
    "INSERT INTO audit_auditevent (at, action, outcome, actor) VALUES ('2026-01-01', 'a', 'done', 'a')",
    "INSERT INTO audit_auditevent (id, action, outcome, actor) VALUES (1, 'a', 'done', 'a')",
    "INSERT INTO audit_auditevent_rest (action, outcome, actor) VALUES ('a', 'done', 'a')",
    "UPDATE audit_auditevent SET action = 'a'",
    "DELETE FROM audit_auditevent_rest",
    "UPDATE audit_auditseal SET number = 0",
    "DELETE FROM django_migrations",
    "SELECT audit_drop_partition('2031-05-01')",
    "CREATE TABLE a_table ()",
]


@pytest.fixture(scope="module")
def postgres():
    folder = Path(tempfile.mkdtemp(prefix="credservice-postgres-"))
    folder.chmod(0o711)
    with EmbeddedPostgres(folder, durable=False) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def owner(postgres, tmp_path_factory):
    """The set-up as the tables' owner runs it."""
    service = LiveService(tmp_path_factory.mktemp("owner"), postgres.url)
    service.set_up()
    return service


@pytest.fixture(scope="module")
def service(postgres, owner):
    """The same one under a role that has no rights yet."""
    password = secrets.token_hex(16)
    with psycopg.connect(postgres.conninfo("postgres"), autocommit=True) as server:
        server.execute(f"CREATE ROLE \"{ROLE}\" LOGIN PASSWORD '{password}'")
    where = urlsplit(postgres.url)
    service = LiveService(owner.folder, f"postgres://{ROLE}:{password}@{where.netloc.rpartition('@')[2]}{where.path}")
    service.environment |= {name: owner.environment[name] for name in ("SECRET_KEY", "ENCRYPTION_KEYS")}
    return service


def as_role(service, statement):
    url = urlsplit(service.environment["DATABASE_URL"])
    folder, _, name = url.path.removeprefix("/").rpartition("/")
    password = url.password
    with psycopg.connect(host=folder, dbname=name, user=ROLE, password=password, autocommit=True) as connection:
        return connection.execute(statement)


@pytest.fixture(scope="module")
def granted(postgres, owner, service):
    printed = owner.manage("grant_role", ROLE)
    assert (printed.returncode, printed.stderr) == (0, "")
    with psycopg.connect(postgres.conninfo(), autocommit=True) as server:
        server.execute(printed.stdout)
    return service


def test_a_role_without_rights_is_told_which_and_how_it_gets_them(service):
    check = service.manage("check", "--database", "default")
    assert check.returncode == 1
    assert "credservice.E017" in check.stderr
    assert "manage.py grant_role ROLE" in check.stderr
    export = service.manage("list_tokens")
    assert export.returncode == 1
    assert export.stderr.startswith("The database refuses: permission denied for ")
    assert "vendor_api_servicetoken" in export.stderr
    assert "manage.py grant_role ROLE" in export.stderr
    assert "Traceback" not in check.stderr + export.stderr


def test_it_does_all_that_the_service_does(postgres, granted):
    assert granted.manage("check", "--database", "default").returncode == 0
    granted.start()
    try:
        with httpx2.Client(timeout=TIMEOUT, trust_env=False) as client:
            mindcloud, manifold = MindCloud(granted, client), Manifold(granted, client)
            generated = mindcloud.exchange(integrationId="int_generated", installationId="install_generated")
            assert generated.status_code == 200
            resource_id = new_id()
            assert manifold.put_resource(resource_id).status_code == 201
            assert manifold.put_credential(new_id(), resource_id).status_code == 201
            assert manifold.send("DELETE", f"/v1/resources/{resource_id}").status_code == 204
            assert client.get(f"{granted.base_url}/readyz").status_code == 200
            with psycopg.connect(postgres.conninfo(), autocommit=True) as server:
                server.execute(f'REVOKE SELECT ON exchange_grant FROM "{ROLE}"')
                refused = mindcloud.exchange()
                assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
                until(lambda: client.get(f"{granted.base_url}/readyz").json()["rights"] == "failed")
                server.execute(f'GRANT SELECT ON exchange_grant TO "{ROLE}"')
            assert mindcloud.exchange().status_code == 200
    finally:
        granted.stop()
    for command in (
        ["worker", "--once"],
        ["rotate_keys"],
        ["export_data"],
        ["apply", str(DEMO_FILE)],
    ):
        done = granted.manage(*command)
        assert done.returncode == 0, done.stderr
    (told,) = {line for line in granted.log.read_text().splitlines() if "denied" in line and "request_failed" in line}
    assert "permission denied for table exchange_grant" in told
    assert "Traceback" not in granted.log.read_text()
    assert granted.manage("verify_audit").returncode in (0, 2)


@pytest.mark.parametrize("statement", DENIED)
def test_the_trails_rules_bind_it(granted, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role(granted, statement)


def test_a_table_of_a_later_release_is_its_to_use_and_a_months_is_not(postgres, granted):
    with psycopg.connect(postgres.conninfo(), autocommit=True) as server:
        server.execute("CREATE TABLE of_a_later_release (id bigserial, name text)")
    as_role(granted, "INSERT INTO of_a_later_release (name) VALUES ('a')")
    assert as_role(granted, "SELECT audit_make_partition('2031-05-01')").fetchone() == ("audit_auditevent_2031_05",)
    for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
        statement = f"SELECT has_table_privilege('audit_auditevent_2031_05', '{right}')"
        assert as_role(granted, statement).fetchone() == (False,)


def test_it_can_be_run_again_and_runs_by_itself(owner, granted):
    done = owner.manage("grant_role", ROLE, "--execute")
    assert (done.returncode, done.stdout) == (0, f"{ROLE} has the rights of the running service.\n")
    assert granted.manage("check", "--database", "default").returncode == 0


def test_the_owner_needs_none(owner):
    done = owner.manage("grant_role", "credservice")
    assert (done.returncode, done.stdout) == (1, "")
    assert "credservice owns the tables" in done.stderr


def test_a_right_that_is_taken_away_stops_the_start_with_the_tables_name(postgres, owner, granted):
    with psycopg.connect(postgres.conninfo(), autocommit=True) as server:
        server.execute(f'REVOKE UPDATE, DELETE ON exchange_grant FROM "{ROLE}"')
    done = granted.manage("worker", "--once")
    assert done.returncode == 3
    assert "E017): The database role lacks UPDATE on exchange_grant, DELETE on exchange_grant." in done.stderr
    assert owner.manage("grant_role", ROLE, "--execute").returncode == 0
