"""The token: from a file that an agent renews, or from the environment."""

import os

import pytest

from credservice.crypto.kek import KeyServiceError, KeyServiceUnreachable
from credservice.crypto.models import DataKey
from tests.crypto.kms.vault_stand_in import TOKEN

HERE = DataKey(pk=1, purpose="values").context()
SECRET = os.urandom(32)


@pytest.fixture
def token_file(transit, settings, tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    settings.VAULT_TOKEN, settings.VAULT_TOKEN_FILE = "", str(path)
    return path


def test_a_renewed_token_is_used_without_a_restart(transit_key, transit, token_file):
    key = transit_key()
    key.wrap(SECRET, HERE)
    token_file.write_text("hvs.second")
    transit.tokens = {"hvs.second"}
    assert key.wrap(SECRET, HERE)
    assert [request.headers["x-vault-token"] for request in transit.received] == [TOKEN, "hvs.second"]


def test_a_token_that_is_renewed_in_between_is_read_again(transit_key, transit, token_file):
    def renew():
        token_file.write_text("hvs.second")
        transit.tokens = {"hvs.second"}

    transit.meanwhile = renew
    assert transit_key().wrap(SECRET, HERE)
    assert [request.headers["x-vault-token"] for request in transit.received] == [TOKEN, "hvs.second"]


def test_a_token_that_stays_refused_is_sent_once(transit_key, transit, token_file):
    transit.tokens = {"hvs.other"}
    with pytest.raises(KeyServiceError, match="is no longer good"):
        transit_key().wrap(SECRET, HERE)
    assert len(transit.received) == 1


@pytest.mark.parametrize("content", [None, b"", b"\n", b"two\nlines", b"\xff\xfe"])
def test_a_file_without_a_token_is_told(transit_key, transit, token_file, content):
    token_file.unlink() if content is None else token_file.write_bytes(content)
    with pytest.raises(KeyServiceUnreachable, match=r"VAULT_TOKEN_FILE (cannot be read|holds no token)"):
        transit_key().wrap(SECRET, HERE)
    assert transit.received == []
