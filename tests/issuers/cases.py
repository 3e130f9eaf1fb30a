"""Lists what the contract suite needs to know of each issuer: sound and unsound options, and values to enter.

An alias in settings without a case here fails the suite: no issuer ships untested. Those that work on something
outside are configured by the fixture ``outside`` of conftest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    sound: tuple[Mapping[str, Any], ...]
    unsound: tuple[Mapping[str, Any], ...]
    entered: Mapping[str, str] | None = None  # for the first of the sound options
    repeats_alike: bool = False  # a second issue for one id finds the first credential, also after a lost answer
    renews: bool = False  # it finds that, and makes new values: nobody was handed the first ones
    public: tuple[str, ...] = ()  # names of values that are no secrets
    context: Mapping[str, Any] = field(default_factory=dict)


CASES: dict[str, Case] = {
    "static": Case(
        sound=({"names": ["apiKey", "secret"]}, {"names": ["n" * 128]}, {"names": ["ключ 1"]}),
        unsound=(
            {},
            {"names": []},
            {"names": "apiKey"},
            {"names": [""]},
            {"names": ["a", "a"]},
            {"names": ["a", 1]},
            {"names": ["a\x00"]},
            {"names": ["a\nb"]},
            {"names": ["n" * 129]},
            {"names": {"a": 1}},
            {"names": None},
        ),
        entered={"apiKey": "the value of the key", "secret": "the value of the secret"},
        repeats_alike=True,  # of the same entered values
    ),
    "api_key": Case(
        sound=({}, {"name": "TOKEN"}, {"prefix": "a", "environment": "t" * 16}),
        unsound=(
            {"name": ""},
            {"name": 7},
            {"name": None},
            {"name": "A\x00"},
            {"prefix": ""},
            {"prefix": "9a"},
            {"prefix": "a_b"},
            {"prefix": "Ab"},
            {"prefix": "a" * 17},
            {"prefix": "a\n"},
            {"prefix": ["a"]},
            {"environment": "-"},
            {"environment": 1},
        ),
    ),
    "jwt": Case(
        sound=(
            {"audience": "vendor", "lifetime": 600, "algorithm": "ES256"},
            {"audience": ["a", "$plan"], "claims": {"sub": "$end_user", "of": {"a": [1, None, "$$"]}}},
            {
                "audience": "a",
                "issuer": "https://i.example",
                "name": "token",
                "refresh_share": 0.9,
                "algorithm": "RS256",
            },
        ),
        unsound=(
            {},
            {"audience": "vendor", "lifetime": 30},
            {"audience": "vendor", "algorithm": "HS256"},
            {"audience": "vendor", "claims": {"iss": "me"}},
            {"audience": "vendor", "claims": {"sub": "$"}},
            {"audience": "vendor", "name": "a\nb"},
            {"audience": "vendor", "refresh_share": 0},
        ),
        context={"end_user": "eu_1", "plan": "small"},
    ),
    "webhook": Case(
        sound=({"names": ["TOKEN"]}, {"names": ["a", "b"], "parameters": {"pool": ["eu", 1, None]}}),
        unsound=({}, {"names": "TOKEN"}, {"names": ["a", "a"]}, {"names": ["a"], "parameters": "eu"}),
        repeats_alike=True,
        context={"plan": "small"},
    ),
    "postgresql": Case(
        sound=(
            {"host": "db.example.com"},
            {"host": "10.0.0.1", "port": 6432, "database": "reports", "prefix": "a", "connection_limit": 1},
            {"host": "/run/postgresql", "names": {"url": "DATABASE_URL"}},
        ),
        unsound=(
            {},
            {"host": "a b"},
            {"host": "a", "port": 0},
            {"host": "a", "database": "postgres"},
            {"host": "a", "group": "postgres"},
            {"host": "a", "prefix": "A"},
            {"host": "a", "names": {"host": "PGHOST"}},
        ),
        renews=True,
        public=("PGHOST", "PGPORT", "PGDATABASE", "PGUSER"),
    ),
    "oauth2": Case(
        sound=({"scope": "read"}, {"audience": ["a", "$plan"], "name": "TOKEN", "margin": 5}),
        unsound=({"scope": 1}, {"margin": 0}, {"resource": "crm"}, {"name": ""}),
        renews=True,
    ),
}
