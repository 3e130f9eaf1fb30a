"""ENCRYPTION_KEYS: what is accepted, and the sentence for each thing that is not."""

import base64
import hmac
import os
import pickle

import pytest

from credservice.crypto.kek import KeyringError, KeyServiceUnreachable, UnwrapError
from credservice.crypto.keyring import Keyring, LocalKey

SECRET = bytes(range(100, 132))
OTHER = bytes(range(32))
TEXT = base64.b64encode(SECRET).decode()
URL_SAFE = base64.urlsafe_b64encode(b"\xfb\xff" + SECRET[2:]).decode()


def test_the_first_key_is_the_current_one():
    keyring = Keyring.parse(f"new:{TEXT}, old:{base64.b64encode(OTHER).decode()}")
    assert keyring.current.id == "new"
    assert list(keyring) == ["new", "old"]


@pytest.mark.parametrize("text", [TEXT, TEXT.rstrip("="), URL_SAFE, URL_SAFE.rstrip("=")])
def test_either_base64_alphabet_with_or_without_padding_is_read(text):
    assert len(Keyring.parse(f"k1:{text}").current.secret) == 32


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "ENCRYPTION_KEYS is empty. Set it to ID:KEY"),
        (" , ,", "ENCRYPTION_KEYS is empty. Set it to ID:KEY"),
        (TEXT, "has no usable id. Write ID:KEY"),
        (f":{TEXT}", "has no usable id. Write ID:KEY"),
        (f"a b:{TEXT}", "has no usable id. Write ID:KEY"),
        (f"{'k' * 33}:{TEXT}", "has no usable id. Write ID:KEY"),
        ("k1:", "Key 'k1' of ENCRYPTION_KEYS has 0 bytes; it needs exactly 32. Make one with: openssl rand -base64 32"),
        ("k1:c2hvcnQ=", "Key 'k1' of ENCRYPTION_KEYS has 5 bytes; it needs exactly 32"),
        (f"k1:{SECRET.hex()}", "Key 'k1' of ENCRYPTION_KEYS has 48 bytes; it needs exactly 32"),
        (f"k1:{TEXT[:-1]}*", "Key 'k1' of ENCRYPTION_KEYS is not base64."),
        (f"k1:{TEXT}:{TEXT}", "Key 'k1' of ENCRYPTION_KEYS is not base64."),
        ("k1:pässword", "Key 'k1' of ENCRYPTION_KEYS is not base64."),
        (f"k1:{base64.b64encode(bytes(32)).decode()}", "Key 'k1' of ENCRYPTION_KEYS is not random."),
        (f"k1:{TEXT},k1:{URL_SAFE}", "ENCRYPTION_KEYS names the same key id twice"),
    ],
)
def test_a_bad_form_is_refused_with_a_sentence(text, sentence):
    with pytest.raises(KeyringError) as caught:
        Keyring.parse(text)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("entry", ["{}", "{}:k1", "k1 {}", "k1:{}*", "k1:{0}{0}", "k1:{0},k1:{0}"])
@pytest.mark.parametrize("key", [TEXT, TEXT.rstrip("="), URL_SAFE.rstrip("="), SECRET.hex()])
def test_no_message_quotes_a_key(entry, key):
    with pytest.raises(KeyringError) as caught:
        Keyring.parse(entry.format(key))
    assert key[:12] not in str(caught.value)


def test_no_repr_shows_a_key():
    keyring = Keyring.parse(f"k1:{TEXT}")
    shown = f"{keyring!r} {keyring} {keyring.current!r} {dict(keyring)!r}"
    assert "k1" in shown
    assert not any(form in shown for form in (TEXT[:12], SECRET.hex()[:12], repr(SECRET)[2:14]))


def test_a_wrapped_key_opens_under_its_own_key_and_context():
    key, data_key = LocalKey("k1", SECRET), os.urandom(32)
    assert key.unwrap(key.wrap(data_key, b"here"), b"here") == data_key


@pytest.mark.parametrize("damage", [lambda w: b"", lambda w: w[:11], lambda w: w[:-1], lambda w: w[:-1] + b"\x00\x00"])
def test_a_damaged_wrapped_key_does_not_open(damage):
    key = LocalKey("k1", SECRET)
    with pytest.raises(UnwrapError, match="does not open under key 'k1'"):
        key.unwrap(damage(key.wrap(os.urandom(32), b"here")), b"here")


def test_another_key_or_context_does_not_unwrap():
    wrapped = LocalKey("k1", SECRET).wrap(os.urandom(32), b"here")
    for key, context in [(LocalKey("k1", OTHER), b"here"), (LocalKey("k1", SECRET), b"there")]:
        with pytest.raises(UnwrapError):
            key.unwrap(wrapped, context)


def test_a_fingerprint_is_of_the_key_and_not_of_its_id():
    # HKDF's expand step (RFC 5869, 2.3) for the label, written out: databases keep fingerprints, so they never change.
    expected = hmac.digest(SECRET, b"credservice/fingerprint\x01", "sha256")[:8].hex()
    assert LocalKey("k1", SECRET).fingerprint() == LocalKey("k2", SECRET).fingerprint() == expected
    assert LocalKey("k1", OTHER).fingerprint() != expected


def test_what_a_key_service_failed_at_is_told_from_one_process_to_another():
    told = pickle.loads(pickle.dumps(KeyServiceUnreachable("k1", "it did not answer")))
    assert type(told) is KeyServiceUnreachable
    assert str(told) == "Key 'k1' of ENCRYPTION_KEYS: key service unreachable: it did not answer"
