"""A data key wrapped by AWS KMS, against moto's KMS over real HTTP."""

import os

import pytest

from credservice.crypto.kek import UnwrapError
from credservice.crypto.keyring import Keyring
from credservice.crypto.kms import aws
from credservice.crypto.models import DataKey

HERE, THERE = (DataKey(pk=number, purpose="values").context() for number in (1, 2))
SECRET = os.urandom(32)
ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def key_at(location):
    return Keyring.parse(f"a1:awskms:{location}").current


def test_a_wrapped_key_opens_under_its_own_key_and_context(kms):
    key = key_at(kms.make())
    assert key.unwrap(key.wrap(SECRET, HERE), HERE) == SECRET


def test_it_does_not_open_in_another_place(kms):
    key = key_at(kms.make())
    with pytest.raises(UnwrapError, match=r"does not open under key 'a1' \(InvalidCiphertextException\)"):
        key.unwrap(key.wrap(SECRET, HERE), THERE)


def test_a_damaged_wrapped_key_does_not_open(kms):
    key = key_at(kms.make())
    with pytest.raises(UnwrapError):
        key.unwrap(key.wrap(SECRET, HERE)[:-1] + b"\0", HERE)


def test_an_alias_is_the_key_that_it_stands_for(kms):
    arn = kms.make()
    kms.alias("alias/kek", arn)
    by_alias, by_arn = key_at("alias/kek"), key_at(arn)
    assert by_alias.fingerprint() == by_arn.fingerprint()
    assert by_arn.unwrap(by_alias.wrap(SECRET, HERE), HERE) == SECRET


def test_an_alias_that_moves_moves_no_running_process(kms):
    kms.alias("alias/moving", kms.make())
    running = key_at("alias/moving")
    before = running.fingerprint()
    kms.alias("alias/moving", kms.make())
    assert running.fingerprint() == before != key_at("alias/moving").fingerprint()
    assert running.unwrap(running.wrap(SECRET, HERE), HERE) == SECRET


def test_a_fingerprint_of_an_arn_asks_nobody_and_never_changes(aws_environment):
    # SHA-256 of "awskms:aws:eu-central-1:111122223333:1234abcd-...": databases keep fingerprints.
    assert key_at(ARN).fingerprint() == "420713c688f0478e"
    others = [ARN.replace("0ab", "0ac"), ARN.replace("eu-", "us-"), ARN.replace("1111", "2222"), ARN]
    assert len({key_at(arn).fingerprint() for arn in others}) == 4


def test_replicas_of_a_multi_region_key_are_one_key(aws_environment):
    replica = ARN.replace("key/", "key/mrk-")
    assert key_at(replica).fingerprint() == key_at(replica.replace("eu-central-1", "us-east-1")).fingerprint()


def test_only_a_data_keys_context_is_taken(kms):
    with pytest.raises(ValueError, match="zip"):
        key_at(kms.make()).wrap(SECRET, b"elsewhere")


def test_each_process_has_connections_of_its_own(aws_environment):
    aws_environment("http://127.0.0.1:1")
    assert aws._client("eu-central-1", 1) is aws._client("eu-central-1", 1)
    assert aws._client("eu-central-1", 1) is not aws._client("eu-central-1", 2)
