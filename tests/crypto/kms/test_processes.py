"""A changed key-encryption key, proven by real processes that know nothing but the new one."""

import base64
import os
import subprocess
import sys
import uuid
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from tests.crypto.kms.vault_stand_in import TOKEN
from tests.support.live import drop_database
from tests.support.paths import ROOT

K1, K2 = (f"{name}:{base64.b64encode(os.urandom(32)).decode()}" for name in ("k1", "k2"))
TRANSIT = "t1:transit:transit/kek"
START = ["-c", "import credservice.wsgi"]
SEAL = "from credservice.crypto import *; place = Place('a', 'b', 'c'); print(seal(b'before', place).hex())"
UNSEAL = "from credservice.crypto import *; place = Place('a', 'b', 'c'); print(unseal(bytes.fromhex('{}'), place))"


@pytest.fixture
def database_url():
    """A database of its own, on the server of the tests."""
    base, name = os.environ["DATABASE_URL"].rpartition("/")[0], f"keys_{uuid.uuid4().hex}"
    here: dict[str, Any] = {
        key.lower(): connection.settings_dict[key] or None for key in ("HOST", "PORT", "USER", "PASSWORD")
    }
    with psycopg.connect(**here, dbname="postgres", autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield f"{base}/{name}"
        drop_database(server, name)


@pytest.fixture
def run(database_url, transit, tmp_path):
    """Run Python with these ENCRYPTION_KEYS, in production mode; returns its status, its output and its errors."""
    environment = {
        "PATH": os.environ["PATH"],
        "VAR_DIR": str(tmp_path),
        "DATABASE_URL": database_url,
        "SECRET_KEY": "".join(map(chr, range(60, 120))),
        "ALLOWED_HOSTS": "credentials.example.com",
        "PUBLIC_URL": "https://credentials.example.com",
        "VAULT_ADDR": transit.url,
        "VAULT_TOKEN_FILE": str(tmp_path / "token"),
    }
    (tmp_path / "token").write_text(TOKEN)

    def run(keys, *arguments):
        command = [sys.executable, "-W", "ignore", *arguments]
        settings = environment | {"ENCRYPTION_KEYS": keys}
        done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    return run


def test_a_local_key_is_changed_for_transit_and_back(run, transit):
    assert run(K1, "manage.py", "migrate", "--verbosity", "0")[0] == 0
    assert run(K1, "manage.py", "collectstatic", "--noinput", "--verbosity", "0")[0] == 0
    sealed = run(K1, "manage.py", "shell", "-v", "0", "-c", SEAL)[1]
    assert "Safe to drop k1" in run(f"{TRANSIT},{K1}", "manage.py", "rotate_keys")[1]
    assert run(TRANSIT, *START) == (0, "", "")
    assert run(TRANSIT, "manage.py", "shell", "-v", "0", "-c", UNSEAL.format(sealed)) == (0, "b'before'", "")

    transit.sealed = True
    status, _, refusal = run(TRANSIT, *START)
    assert (status, len(refusal.splitlines())) == (3, 1)
    assert refusal.startswith("credservice does not start (credservice.E010): Key 't1' of ENCRYPTION_KEYS: key service")
    status, _, refusal = run(f"{K2},{TRANSIT}", "manage.py", "rotate_keys")
    assert (status, len(refusal.splitlines())) == (1, 1)

    transit.sealed = False
    assert "Safe to drop t1" in run(f"{K2},{TRANSIT}", "manage.py", "rotate_keys")[1]
    transit.sealed = True
    assert run(K2, *START) == (0, "", "")
    assert run(K2, "manage.py", "shell", "-v", "0", "-c", UNSEAL.format(sealed)) == (0, "b'before'", "")
