"""The service as it is served, with an integration whose credentials the folder's issuer makes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lifecycle.conftest import BACKEND
from tests.lifecycle.outside import Outside
from tests.support.live import LiveService, own_database, serving

SET_UP = """
policies:
  passwords: {issuer: folder, overlap: 1h}
platforms:
  mindcloud:
    approve_installations: true
    integrations:
      int_outside: {policy: passwords, response: {password: $credential.PASSWORD}}
"""
IDS = {"integrationId": "int_outside", "installationId": "install_outside"}


@contextmanager
def served_with(outside: Outside, folder: Path) -> Iterator[LiveService]:
    aliases = {"folder": {"BACKEND": BACKEND, "OPTIONS": {"folder": str(outside.folder)}}}
    with own_database() as url, serving(url, CREDENTIAL_ISSUERS=json.dumps(aliases)) as service:
        (folder / "set-up.yaml").write_text(SET_UP)
        applied = service.manage("apply", str(folder / "set-up.yaml"))
        assert applied.returncode == 0, applied.stderr
        yield service
