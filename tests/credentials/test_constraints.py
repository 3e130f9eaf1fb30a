"""Refusals of the database itself, and of a policy's form."""

import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.crypto import SealError

DAY = timedelta(days=1)


def refused(constraint, change):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        change()


def test_one_of_a_line_is_active(keys_policy, issue):
    first, second = issue(keys_policy), issue(keys_policy)
    refused("credentials_one_active_of_a_line", lambda: Credential.objects.filter(pk=second.pk).update(line=first.line))


def test_an_active_credential_has_values(keys_policy, issue):
    issue(keys_policy)
    refused("has_values", lambda: Credential.objects.update(sealed_values=None))


def test_a_retiring_credential_has_an_end(keys_policy, issue):
    issue(keys_policy)
    refused("credentials_retiring_has_end", lambda: Credential.objects.update(state="retiring"))


def test_a_lookup_finds_one_credential(keys_policy, issue):
    first, second = issue(keys_policy), issue(keys_policy)
    refused("lookup", lambda: Credential.objects.filter(pk=second.pk).update(lookup=first.lookup))


def test_values_copied_to_another_row_do_not_open(keys_policy, issue):
    first, second = issue(keys_policy), issue(keys_policy)
    Credential.objects.filter(pk=second.pk).update(sealed_values=first.sealed_values)
    with pytest.raises(SealError):
        Credential.objects.get(pk=second.pk).open()


def test_a_policy_with_credentials_cannot_be_deleted(keys_policy, issue):
    issue(keys_policy)
    with pytest.raises(IntegrityError):
        keys_policy.delete()


def test_a_lifetime_is_longer_than_the_overlap(keys_policy):
    refused(
        "credentials_policy_lifetime_over_overlap", lambda: CredentialPolicy.objects.update(lifetime=DAY, overlap=DAY)
    )


def test_a_sound_policy_is_accepted(db):
    CredentialPolicy(name="p", issuer="api_key", lifetime=2 * DAY, overlap=DAY).full_clean()


@pytest.mark.parametrize(
    ("fields", "where", "sentence"),
    [
        ({"issuer": "nobody"}, "issuer", "names no issuer 'nobody'"),
        ({"options": []}, "options", "Write a JSON object"),
        ({"options": "text"}, "options", "Write a JSON object"),
        ({"options": {"prefx": "a"}}, "options", "unknown option 'prefx'"),
        ({"options": {"prefix": "A"}}, "options", "prefix must be 1 to 16 lower-case letters"),
        ({"issuer": "static"}, "options", "names must be a list"),
        ({"lifetime": DAY, "overlap": DAY}, "overlap", "The overlap must be shorter than the lifetime"),
        ({"overlap": -DAY}, "overlap", "at least zero"),
        ({"rotation_period": timedelta(0)}, "rotation_period", "longer than zero"),
        ({"rotation_period": -DAY}, "rotation_period", "longer than zero"),
        ({"rotation_period": DAY, "overlap": DAY}, "rotation_period", "longer than the overlap, 1 day."),
        ({"name": "two words"}, "name", "Write letters"),
        ({"name": ""}, "name", "blank"),
    ],
)
def test_a_policy_that_could_not_work_is_refused(db, fields, where, sentence):
    policy = CredentialPolicy(**{"id": uuid.uuid4(), "name": "p", "issuer": "api_key"} | fields)
    with pytest.raises(ValidationError) as caught:
        policy.full_clean()
    assert sentence in " ".join(caught.value.message_dict[where])
