"""A Vault or OpenBao that is away, refuses, or answers nonsense: which error, after how long, and what is not in it."""

import base64
import logging
import os
import time

import pytest

from credservice.crypto.kek import KeyServiceError, KeyServiceUnreachable
from credservice.crypto.kms import vault
from credservice.crypto.models import DataKey
from tests.crypto.kms.vault_stand_in import TOKEN, Key, refusal, transit_server
from tests.support.http_server import Answer, http_server, make_certificate, unused_port

HERE = DataKey(pk=1, purpose="values").context()
SECRET = os.urandom(32)
NOT_NOW = [
    (refusal(503, "Vault is sealed"), "answered 503, so it is sealed or down for maintenance"),
    (refusal(429, "request path: rate limit quota exceeded"), "answered 429"),
    (refusal(412, "required index state not present"), "answered 412"),
    (refusal(473, "performance standby"), "answered 473"),
    (refusal(500, "internal error"), "answered 500"),
    (Answer(502, b"<html>bad gateway</html>"), "answered 502"),
    (Answer(307, b"", {"Location": "http://127.0.0.1:1/v1/"}), "redirects, which is not followed"),
    (Answer(200, b"<html>Sign in</html>"), "answered, but not as Vault does"),
    (Answer(200, b"[]"), "answered, but not as Vault does"),
    (Answer(200, b'{"data": {}}'), "answered without ciphertext"),
    (Answer(200, b'{"data": {"ciphertext": 1}}'), "answered without ciphertext"),
]


@pytest.mark.parametrize(("answer", "words"), NOT_NOW, ids=[words for _, words in NOT_NOW])
def test_an_answer_that_says_not_now_is_an_unreachable_service(transit_key, transit, answer, words):
    transit.answers = [answer] * 3
    with pytest.raises(KeyServiceUnreachable) as caught:
        transit_key().wrap(SECRET, HERE)
    assert str(caught.value) == f"Key 't1' of ENCRYPTION_KEYS: key service unreachable: {transit.url} {words}" + (
        "; name the node that answers" if "redirects" in words else ""
    )


@pytest.mark.parametrize("text", [b"not base64!", b""])
def test_a_plaintext_that_is_none_is_an_unreachable_service(transit_key, transit, text):
    transit.answers = [Answer(200, b'{"data": {"plaintext": "%s"}}' % text)]
    with pytest.raises(KeyServiceUnreachable):
        transit_key().unwrap(b"vault:v1:AAAA", HERE)


def test_a_short_outage_is_not_noticed(transit_key, transit):
    transit.answers = [refusal(503, "Vault is sealed"), refusal(500, "internal error")]
    assert transit_key().wrap(SECRET, HERE).startswith(b"vault:v1:")


def test_it_asks_three_times_and_no_more(transit_key, transit):
    transit.sealed = True
    with pytest.raises(KeyServiceUnreachable):
        transit_key().wrap(SECRET, HERE)
    assert len(transit.received) == 3


def test_a_slow_server_is_not_waited_for(transit_key, transit, monkeypatch):
    monkeypatch.setattr(vault, "READ_SECONDS", 0.2)
    transit.seconds, begin = 2.0, time.monotonic()
    with pytest.raises(KeyServiceUnreachable, match="did not answer"):
        transit_key().wrap(SECRET, HERE)
    assert time.monotonic() - begin < 2.0


def test_nobody_there_is_an_unreachable_service(transit_key, settings):
    settings.VAULT_ADDR = f"http://127.0.0.1:{unused_port()}"
    with pytest.raises(KeyServiceUnreachable, match=r"did not answer: "):
        transit_key().wrap(SECRET, HERE)


def _forbid(transit):
    transit.may = {"encrypt"}


def _unmount(transit):
    transit.mount = "elsewhere"


def _remove(transit):
    del transit.keys["kek"]


def _retire(transit):
    transit.keys["kek"].rotate()
    transit.keys["kek"].min_decryption_version = 2


REFUSALS = [
    (_forbid, "refused transit/decrypt/kek with 403: the token may not update transit/decrypt/kek, or is no longer"),
    (_unmount, "refused transit/decrypt/kek with 404: no Transit engine is mounted at transit/"),
    (_remove, "refused transit/decrypt/kek with 400: there is no key kek under transit/"),
    (_retire, "refused transit/decrypt/kek with 400: the key's min_decryption_version is above the version that"),
]


@pytest.mark.parametrize(("change", "sentence"), REFUSALS)
def test_a_refusal_says_what_to_look_at_and_is_no_wrong_key(transit_key, transit, change, sentence):
    key = transit_key()
    wrapped = key.wrap(SECRET, HERE)
    change(transit)
    with pytest.raises(KeyServiceError) as caught:
        key.unwrap(wrapped, HERE)
    assert sentence in str(caught.value)
    assert not isinstance(caught.value, KeyServiceUnreachable)


def test_a_refusal_is_final(transit_key, transit):
    transit.tokens.clear()
    with pytest.raises(KeyServiceError):
        transit_key().wrap(SECRET, HERE)
    assert len(transit.received) == 1


def test_nothing_secret_is_logged_or_quoted(transit_key, transit, caplog):
    caplog.set_level(logging.DEBUG)
    key, text = transit_key(), base64.b64encode(SECRET).decode()
    key.unwrap(key.wrap(SECRET, HERE), HERE)
    transit.answers = [refusal(400, f"cannot take {text} from {TOKEN}")]
    with pytest.raises(KeyServiceError) as caught:
        key.wrap(SECRET, HERE)
    assert "POST" in caplog.text
    assert not [secret for secret in (text, TOKEN) if secret in caplog.text + str(caught.value) + repr(caught.value)]


@pytest.fixture
def tls_server(tmp_path, transit, settings):
    """The same engine behind TLS; returns the path of its authority."""
    context, authority = make_certificate(tmp_path, "127.0.0.1")
    (tmp_path / "ca.pem").write_text(authority)
    with http_server(transit.answer, context) as server:
        settings.VAULT_ADDR = server.url
        yield str(tmp_path / "ca.pem")


def test_its_certificate_is_checked_against_the_given_authority(transit_key, tls_server, settings):
    settings.VAULT_CACERT = tls_server
    assert transit_key().wrap(SECRET, HERE).startswith(b"vault:v1:")


def test_an_unknown_certificate_is_not_spoken_to(transit_key, tls_server, transit):
    with pytest.raises(KeyServiceUnreachable, match="did not answer"):
        transit_key().wrap(SECRET, HERE)
    assert transit.received == []


def test_the_environments_proxy_is_not_used(transit_key, transit, monkeypatch):
    with transit_server(kek=Key()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        transit_key().wrap(SECRET, HERE)
        assert (len(proxy.received), len(transit.received)) == (0, 1)
