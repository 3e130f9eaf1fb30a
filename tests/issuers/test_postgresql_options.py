import pytest
from psycopg.conninfo import conninfo_to_dict

from credservice.issuers.options import OptionsError
from credservice.issuers.postgresql.options import RoleOptions


def read(**options) -> RoleOptions:
    return RoleOptions.read({"host": "db.example.com"} | options, ["app", "reports"], ["readers", "writers"])


def test_the_first_database_and_group_are_the_default():
    assert (read().database, read().group, read().port) == ("app", "readers", 5432)


def test_it_makes_the_url_and_its_parts():
    values = read(port=6432, database="reports").values("cs_1", "pw")
    assert values == {
        "DATABASE_URL": "postgresql://cs_1:pw@db.example.com:6432/reports?sslmode=require",
        "PGHOST": "db.example.com",
        "PGPORT": "6432",
        "PGDATABASE": "reports",
        "PGUSER": "cs_1",
        "PGPASSWORD": "pw",
    }


@pytest.mark.parametrize("host", ["db.example.com", "10.0.0.1", "2001:db8::1", "/var/run/postgresql"])
def test_libpq_reads_the_url(host):
    parts = conninfo_to_dict(read(host=host).values("cs_1", "pw")["DATABASE_URL"])
    assert (parts["host"], parts["user"], parts["password"], parts["dbname"]) == (host, "cs_1", "pw", "app")


def test_a_policy_names_the_values():
    names = {"url": "POSTGRES_URL", "user": "DB_USER"}
    assert set(read(names=names).values("cs_1", "pw")) == {"POSTGRES_URL", "DB_USER"}


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        ({"host": ""}, "host must be"),
        ({"host": None}, "host must be"),
        ({"host": "a b"}, "host must be"),
        ({"host": "a/b@c"}, "host must be"),
        ({"port": 0}, "port must be"),
        ({"port": True}, "port must be"),
        ({"port": "5432"}, "port must be"),
        ({"database": "other"}, "database must be one of app, reports"),
        ({"database": ["app"]}, "database must be one of"),
        ({"group": "other"}, "group must be one of readers, writers"),
        ({"prefix": "Cs"}, "prefix must be"),
        ({"prefix": "pg_cs"}, "prefix must be"),
        ({"prefix": "a" * 31}, "prefix must be"),
        ({"prefix": 'a"; DROP'}, "prefix must be"),
        ({"prefix": None}, "prefix must be"),
        ({"connection_limit": -1}, "connection_limit must be"),
        ({"sslmode": "none"}, "sslmode must be one of"),
        ({"sslmode": []}, "sslmode must be one of"),
        ({"names": []}, "names must give"),
        ({"names": {}}, "names must give"),
        ({"names": {"url": ""}}, "names must hold names of values: the one of url is empty"),
        ({"names": {"url": "A", "user": "A"}}, "names must give a different"),
        ({"names": {"url": "A", "users": "B"}}, "names must give names to some of"),
        ({"names": {"user": "A", "host": "B"}}, "to url, or to user and password"),
        ({"dsn": "env:X"}, "unknown option 'dsn'"),
    ],
)
def test_it_refuses_what_cannot_work(options, phrase):
    with pytest.raises(OptionsError, match=phrase):
        read(**options)
