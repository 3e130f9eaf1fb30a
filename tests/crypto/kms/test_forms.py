"""Entries of ENCRYPTION_KEYS that name a key service: what is accepted, and the sentence for each that is not."""

import base64
import subprocess
import sys

import pytest

from credservice.crypto.kek import KeyringError
from credservice.crypto.keyring import Keyring
from credservice.crypto.kms.aws import AwsKey
from tests.support.paths import ROOT

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
LOCAL = base64.b64encode(bytes(range(32))).decode()


def test_one_keyring_holds_keys_of_every_kind(transit):
    keyring = Keyring.parse(f"t1:transit:transit/kek,a1:awskms:{ARN},k1:{LOCAL}")
    assert [(key_id, type(key).__name__) for key_id, key in keyring.items()] == [
        ("t1", "TransitKey"),
        ("a1", "AwsKey"),
        ("k1", "LocalKey"),
    ]


@pytest.mark.parametrize(
    "location",
    [
        ARN,
        ARN.replace("aws:", "aws-us-gov:", 1),
        ARN.replace("key/1234abcd-12ab-34cd-56ef-1234567890ab", "key/mrk-1234abcd12ab34cd56ef1234567890ab"),
        "arn:aws:kms:eu-central-1:111122223333:alias/credservice/kek",
        "alias/credservice",
    ],
)
def test_a_kms_key_is_named_by_arn_or_alias(location):
    assert Keyring.parse(f"a1:awskms:{location}").current == AwsKey("a1", location)


@pytest.mark.parametrize(
    "location",
    ["", "1234abcd-12ab-34cd-56ef-1234567890ab", "alias/", "arn:aws:s3:::bucket", f"{ARN}/x", f"{ARN}\nx", LOCAL],
)
def test_what_is_no_kms_key_is_refused(location):
    with pytest.raises(KeyringError) as caught:
        Keyring.parse(f"a1:awskms:{location}")
    sentence = "Key 'a1' of ENCRYPTION_KEYS names no AWS KMS key. Write a1:awskms: and the key's ARN, or alias/ and its"
    assert sentence in str(caught.value)
    assert LOCAL[:12] not in str(caught.value)


@pytest.mark.parametrize(
    "location", ["", "kek", "transit/", "/kek", "a//b", "../kek", "transit/..", "transit/kek?x", "transit/k ek", "t/k."]
)
def test_what_is_no_transit_key_is_refused(transit, location):
    with pytest.raises(KeyringError, match=r"'t1' of ENCRYPTION_KEYS names no Transit key\. Write t1:transit:MOUNT/"):
        Keyring.parse(f"t1:transit:{location}")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"VAULT_ADDR": ""}, "VAULT_ADDR is not an address such as https://vault.example.com:8200"),
        ({"VAULT_ADDR": "vault.example.com:8200"}, "VAULT_ADDR is not an address"),
        ({"VAULT_ADDR": "https://user:hunter2@vault.example.com"}, "VAULT_ADDR is not an address"),
        ({"VAULT_ADDR": "https://vault.example.com/?x=1"}, "VAULT_ADDR is not an address"),
        ({"VAULT_ADDR": "http://vault.example.com:8200"}, "VAULT_ADDR must begin with https://"),
        ({"VAULT_TOKEN": ""}, "VAULT_TOKEN_FILE (or VAULT_TOKEN) is not set, or holds no token"),
        ({"VAULT_TOKEN": "hunter2\n"}, "VAULT_TOKEN_FILE (or VAULT_TOKEN) is not set, or holds no token"),
        ({"VAULT_TOKEN": "hunter2\u00e9"}, "VAULT_TOKEN_FILE (or VAULT_TOKEN) is not set, or holds no token"),
        ({"VAULT_CACERT": "/nonexistent/ca.pem"}, "VAULT_CACERT is not the path of certificates in PEM form"),
        ({"VAULT_CACERT": __file__}, "VAULT_CACERT is not the path of certificates in PEM form"),
    ],
)
def test_a_setting_that_transit_cannot_do_with_is_named(transit, settings, changes, words):
    for name, value in changes.items():
        setattr(settings, name, value)
    with pytest.raises(KeyringError) as caught:
        Keyring.parse("t1:transit:transit/kek")
    assert f"Key 't1' of ENCRYPTION_KEYS is a Transit key, and {words}" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_without_its_client_aws_kms_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(KeyringError, match=r"client is not installed\. Install it with: requirements/install aws"):
        Keyring.parse(f"a1:awskms:{ARN}")


def test_sealing_imports_no_client_of_a_key_service():
    code = (
        "import sys, base64, django; from django.conf import settings; "
        "settings.configure(INSTALLED_APPS=['credservice.crypto']); django.setup(); "
        "import credservice.crypto.store, credservice.crypto.keyring as k; "
        "k.Keyring.parse('k1:' + base64.b64encode(bytes(range(32))).decode()); "
        "assert not {'botocore', 'boto3', 'httpx2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env={"PATH": ""})
