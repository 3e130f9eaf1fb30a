"""Tells at the start what is wrong with the settings of a provider, and never a secret."""

from typing import Any

import pytest

from credservice.accounts.oidc.config import get_provider
from credservice.console.checks import check_oidc

SOUND = {"name": "Corp", "issuer": "https://a.example.com", "client_id": "x", "roles": {"ops": ["Operator"]}}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"issuer": "login.example.com"}, "issuer must begin with https://"),
        ({"roles": {"ops": "Operator"}}, 'roles must be {"group": ["role", ...]}'),
        ({"roles": {"ops": ["Operators"]}}, "there is no role 'Operators', only Viewer, Operator, Secrets manager"),
        ({"roles": {}}, "roles must be"),
        ({"second_factor": {"arm": ["mfa"]}}, "second_factor must be"),
        ({"scopes": ["profile"]}, "scopes must be a list of texts, with openid among them"),
        ({"client_secret": "hunter2"}, "it needs name, issuer, client_id, roles, and takes groups_claim"),
        ({"client_id": ""}, "client_id must be a text"),
    ],
)
def test_each_fault_has_its_sentence(settings: Any, changes: dict[str, Any], sentence: str) -> None:
    settings.OIDC_PROVIDERS, settings.OIDC_CLIENT_SECRETS = {"corp": SOUND | changes}, {"corp": "of-the-client"}
    (found,) = check_oidc()
    assert sentence in found.msg
    assert "hunter2" not in found.msg


def test_a_sound_one_passes_and_shows_no_secret(settings: Any) -> None:
    settings.OIDC_PROVIDERS, settings.OIDC_CLIENT_SECRETS = {"corp": SOUND}, {"corp": "of-the-client"}
    assert check_oidc() == []
    assert "of-the-client" not in repr(get_provider("corp"))


def test_the_only_way_in_needs_another_one_for_emergencies(settings: Any) -> None:
    settings.OIDC_PROVIDERS, settings.OIDC_CLIENT_SECRETS = {"corp": SOUND}, {"corp": "of-the-client"}
    settings.OIDC_ONLY = True
    (found,) = check_oidc()
    assert "EMERGENCY_ACCOUNT is not set" in found.msg
