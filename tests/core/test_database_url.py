"""DATABASE_URL: what is read, and what is refused with a sentence that holds none of its password."""

import pytest

from credservice.core.database_url import UnreadableAddress, read_database_url

DEFAULTS = {
    "target_session_attrs": "read-write",
    "connect_timeout": 3,
    "tcp_user_timeout": 6000,
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}
WORDS = ("hxn", "tzr", "secret", "s5", "12")


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u:hxn/tzr@db:5432/name",
        "postgres://u:hxn@s5/tzr@db:5432/name",
        "postgres://u:hxn?tzr@db/name",
        "postgres://u:12?tzr=s5@db/name",
        "postgres://u:12#tzr@db/name",
        "postgres://u:hxn#tzr@db/name",
        "postgres://u:hxntzr%ff@db/name",
        "postgres://u:secret@https://db:5432/name",
        "postgres://u:secret@db:hxn/name",
        "mysql://u:secret@db/name",
        "u:secret@db/name",
    ],
)
def test_an_address_that_cannot_be_read_is_told_and_not_quoted(url):
    with pytest.raises(UnreadableAddress, match=r"cannot be read\. Write postgres://") as caught:
        read_database_url(url)
    assert not [word for word in WORDS if word in str(caught.value)]


@pytest.mark.parametrize("parameter", ["pgbouncer=true", "schema=public", "connection_limit=5"])
def test_a_parameter_that_postgresql_does_not_know_is_named(parameter):
    name = parameter.partition("=")[0]
    with pytest.raises(UnreadableAddress, match=f"a parameter that PostgreSQL does not know, '{name}'. Take it out"):
        read_database_url(f"postgres://u:secret@db/name?sslmode=require&{parameter}")


def test_what_may_be_the_tail_of_a_password_is_not_named():
    with pytest.raises(UnreadableAddress, match=r"does not know\. Take it out"):
        read_database_url("postgres://u@db/name?password=hxn&tzr=1")


def test_an_address_without_a_database_is_told():
    with pytest.raises(UnreadableAddress, match="names no database"):
        read_database_url("postgres://u:secret@db")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgres:///name", {"NAME": "name"}),
        ("postgresql://u:$a%40b%2F@db:5432/name", {"USER": "u", "PASSWORD": "$a@b/", "HOST": "db", "PORT": 5432}),
        ("postgres://u@corp:a@b@db/name", {"USER": "u@corp", "PASSWORD": "a@b", "HOST": "db"}),
        ("postgres://u:p@//run/postgresql/name", {"HOST": "/run/postgresql", "NAME": "name"}),
        ("postgres://u:p@/%2Frun%2Fpostgresql/name", {"HOST": "/run/postgresql", "NAME": "name"}),
        ("postgres://u:p@a:1,b:2/name?target_session_attrs=primary", {"HOST": "a,b", "PORT": "1,2"}),
        ("postgres://u:p@[::1]:5432/name", {"HOST": "::1", "PORT": 5432}),
        (
            "postgres://db/name?sslmode=require&connect_timeout=5",
            {"OPTIONS": DEFAULTS | {"sslmode": "require", "connect_timeout": 5}},
        ),
        ("postgres:///?service=ours", {"OPTIONS": DEFAULTS | {"service": "ours"}}),
        ("postgres://db/name?target_session_attrs=any", {"OPTIONS": DEFAULTS | {"target_session_attrs": "any"}}),
    ],
)
def test_it_is_read_as_it_is_written(url, expected):
    config = read_database_url(url)
    assert {name: config[name] for name in expected} == expected
