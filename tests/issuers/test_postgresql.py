from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest


def test_the_customer_can_log_in_with_the_fields(vendor):
    issued = vendor.issuer().issue(vendor.request())
    with vendor.login(issued) as connection:
        assert connection.execute("SELECT current_user, pg_has_role('app_group', 'MEMBER')").fetchone() == (
            issued.values["PGUSER"],
            True,
        )


def test_the_customer_can_log_in_with_the_url(vendor):
    issued = vendor.issuer().issue(vendor.request())
    with psycopg.connect(issued.values["DATABASE_URL"]) as connection:
        assert connection.info.user == issued.values["PGUSER"]


def test_the_role_has_what_the_policy_says(vendor):
    options = {"host": vendor.host, "prefix": "customer", "connection_limit": 3, "database": "reports"}
    issued = vendor.issuer().issue(vendor.request(options=options, lifetime=timedelta(days=2)))
    user, until = issued.values["PGUSER"], issued.expires_at
    assert user.startswith("customer_")
    assert issued.values["PGDATABASE"] == "reports"
    assert vendor.one("SELECT rolconnlimit FROM pg_roles WHERE rolname = %s", user) == 3
    assert vendor.one("SELECT rolvaliduntil FROM pg_roles WHERE rolname = %s", user) == until
    assert abs(until - datetime.now(UTC) - timedelta(days=2)) < timedelta(minutes=1)


def test_without_a_lifetime_the_role_has_no_end(vendor):
    issued = vendor.issuer().issue(vendor.request())
    query = "SELECT rolvaliduntil = 'infinity' FROM pg_roles WHERE rolname = %s"
    assert vendor.one(query, issued.values["PGUSER"]) is True
    assert issued.expires_at is None


def test_the_role_has_no_rights_of_its_own(vendor):
    issued = vendor.issuer().issue(vendor.request())
    query = (
        "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls FROM pg_roles "
        "WHERE rolname = %s"
    )
    assert vendor.one(query, issued.values["PGUSER"]) is False


def test_the_password_is_stored_as_a_scram_verifier_and_never_logged(vendor):
    issued = vendor.issuer().issue(vendor.request())
    stored = vendor.one("SELECT rolpassword FROM pg_authid WHERE rolname = %s", issued.values["PGUSER"])
    log = vendor.server.log.read_text()
    assert stored.startswith("SCRAM-SHA-256$4096:")
    assert issued.values["PGUSER"] in log
    assert issued.values["PGPASSWORD"] not in log


def test_a_repeat_finds_the_same_role_and_sets_a_new_password(vendor):
    issuer, request = vendor.issuer(), vendor.request()
    first, second = issuer.issue(request), issuer.issue(request)
    assert first.values["PGUSER"] == second.values["PGUSER"]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        vendor.login(first)
    vendor.login(second).close()


def test_a_repeat_finds_the_role_after_the_policys_prefix_has_changed(vendor):
    request = vendor.request()
    first = vendor.issuer().issue(request)
    renamed = vendor.request(credential_id=request.credential_id, options={"host": vendor.host, "prefix": "other"})
    again = vendor.issuer().issue(renamed)
    assert again.values["PGUSER"] == first.values["PGUSER"]
    vendor.login(again).close()


def test_two_at_once_for_one_credential_make_one_role(vendor):
    issuer, request = vendor.issuer(), vendor.request()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: issuer.issue(request), range(4)))
    assert len({issued.values["PGUSER"] for issued in made}) == 1
    # The last one's password counts; whichever that was, it works.
    assert sum(_logs_in(vendor, issued) for issued in made) == 1


def _logs_in(vendor, issued) -> bool:
    try:
        vendor.login(issued).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_half_done_role_is_finished(vendor):
    request = vendor.request(lifetime=timedelta(hours=1))
    name = f"cs_{request.credential_id.replace('-', '')}"
    with psycopg.connect(vendor.dsn, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} NOLOGIN")
    issued = vendor.issuer().issue(request)
    assert issued.values["PGUSER"] == name
    with vendor.login(issued) as connection:
        assert connection.execute("SELECT pg_has_role('app_group', 'MEMBER')").fetchone() == (True,)


def test_a_revoked_roles_open_session_ends(vendor):
    issuer, request = vendor.issuer(), vendor.request()
    session = vendor.login(issuer.issue(request))
    issuer.revoke(request.credential_id, request.options, {})
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")
    assert session.closed


def test_a_revoked_role_cannot_log_in_and_is_gone(vendor):
    issuer, request = vendor.issuer(), vendor.request()
    issued = issuer.issue(request)
    issuer.revoke(request.credential_id, request.options, issued.handle)
    assert vendor.one("SELECT count(*) FROM pg_roles WHERE rolname = %s", issued.values["PGUSER"]) == 0
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        vendor.login(issued)


def test_a_revoked_roles_objects_stay_in_every_database(vendor):
    issuer, request = vendor.issuer(), vendor.request()
    issued, schema = issuer.issue(request), f"s{uuid4().hex}"
    for database in ("app", "reports"):
        with vendor.login(issued, database) as session:
            session.execute(f"CREATE SCHEMA {schema}")
            session.execute(f"CREATE TABLE {schema}.t AS SELECT 42 AS answer")
            session.execute(f"CREATE FUNCTION {schema}.f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
            session.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO app_group")
    issuer.revoke(request.credential_id, request.options, {})
    for database in ("app", "reports"):
        assert vendor.one(f"SELECT answer FROM {schema}.t", database=database) == 42
        owner = vendor.one("SELECT tableowner FROM pg_tables WHERE schemaname = %s", schema, database=database)
        assert owner == "app_group"


def test_gone_is_as_good_as_revoked(vendor):
    issuer, request = vendor.issuer(), vendor.request()
    issuer.issue(request)
    for _ in range(2):
        issuer.revoke(request.credential_id, request.options, {})
    issuer.revoke(str(uuid4()), request.options, {})


def test_a_half_done_revocation_is_finished(vendor):
    issuer, request = vendor.issuer(), vendor.request()
    user = issuer.issue(request).values["PGUSER"]
    with psycopg.connect(vendor.dsn, autocommit=True) as admin:
        admin.execute(f"ALTER ROLE {user} NOLOGIN")
    issuer.revoke(request.credential_id, request.options, {})
    assert vendor.one("SELECT count(*) FROM pg_roles WHERE rolname = %s", user) == 0


def test_two_credentials_live_side_by_side(vendor):
    issuer, one, other = vendor.issuer(), vendor.request(), vendor.request()
    first, second = issuer.issue(one), issuer.issue(other)
    issuer.revoke(one.credential_id, one.options, first.handle)
    vendor.login(second).close()


def test_it_knows_whether_a_role_may_log_in(vendor):
    issuer, request = vendor.issuer(), vendor.request()
    user = issuer.issue(request).values["PGUSER"]
    assert issuer.check(request.credential_id, request.options, {})
    with vendor.superuser() as connection:
        connection.execute(f"DROP ROLE {user}")
    assert not issuer.check(request.credential_id, request.options, {})


@pytest.mark.parametrize("change", ["NOLOGIN", "VALID UNTIL '2001-01-01'"])
def test_it_knows_that_a_role_may_no_longer_log_in(vendor, change):
    issuer, request = vendor.issuer(), vendor.request()
    user = issuer.issue(request).values["PGUSER"]
    with vendor.superuser() as connection:
        connection.execute(f"ALTER ROLE {user} {change}")
    assert not issuer.check(request.credential_id, request.options, {})
