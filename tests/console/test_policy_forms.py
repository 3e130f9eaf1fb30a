"""The forms of a policy's options and probe, made of what issuers declare, and the same as JSON."""

import json
from typing import Any

import pytest
from django.test import Client

from credservice.credentials.admin.option_forms import OptionsForm
from credservice.credentials.models import CredentialPolicy
from credservice.issuers import api_key, jwt, static
from credservice.issuers.oauth2.options import EXCHANGE
from credservice.issuers.oauth2.options import declare as declare_oauth2
from credservice.issuers.postgresql.options import declare as declare_postgresql
from credservice.issuers.webhook.issuer import OPTIONS as WEBHOOK
from tests.issuers.cases import CASES
from tests.support.pages import url

DECLARED = {
    "static": static.OPTIONS,
    "api_key": api_key.OPTIONS,
    "jwt": jwt.OPTIONS,
    "webhook": WEBHOOK,
    "postgresql": declare_postgresql(["app", "reports"], ["app_group"]),
    "oauth2": declare_oauth2(EXCHANGE),
}
REST = {"multiple": "on", "overlap": "24h", "stale_for": "1h"}
TOKENS = REST | {"name": "tokens", "issuer": "jwt", "lifetime": "1h", "overlap": "5m"}


def as_sent(form: OptionsForm) -> dict[str, Any]:
    """Return what a browser would send of a form that nobody touched."""
    return {field.html_name: field.value() for field in form if field.value() is not None}


@pytest.mark.parametrize(
    ("alias", "options"), [(alias, options) for alias in DECLARED for options in CASES[alias].sound]
)
def test_a_form_that_is_saved_untouched_changes_no_option(alias: str, options: dict[str, Any]) -> None:
    sent = as_sent(OptionsForm(DECLARED[alias], options, None, "options"))
    form = OptionsForm(DECLARED[alias], options, sent, "options")
    assert form.is_valid(), form.errors
    assert form.value() == options


def test_what_the_fields_say_is_kept_and_empty_ones_are_left_out(console: Client, db: None) -> None:
    sent = {
        "options-jwt-audience": "a\r\n b ",
        "options-jwt-refresh_share": "0.3",
        "options-jwt-claims": '{"sub": "$end_user"}',
    }
    assert console.post(url(CredentialPolicy, "add"), TOKENS | sent).status_code == 302
    made = CredentialPolicy.objects.get()
    assert made.options == {"audience": ["a", "b"], "refresh_share": 0.3, "claims": {"sub": "$end_user"}}
    assert made.issuer == "jwt"


def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(console: Client, db: None) -> None:
    sent = {"options-jwt-audience": "vendor", "options-jwt-refresh_share": "7", "options-jwt-claims": '{"exp": 1}'}
    page = console.post(url(CredentialPolicy, "add"), TOKENS | sent)
    form = page.context["adminform"].form.fields["options"].widget.sent.form
    assert form.errors == {
        "refresh_share": ["Must be a number from 0.1 to 0.9."],
        "claims": ["Must leave exp out: the issuer sets it."],
    }
    text = page.content.decode()
    assert all(typed in text for typed in ("vendor", 'value="7"', "{&quot;exp&quot;: 1}"))
    assert not CredentialPolicy.objects.exists()


def test_what_the_whole_shows_to_be_wrong_stands_at_its_field_too(console: Client, world: Any) -> None:
    sent = {
        "options-names": "apiKey",
        "probe-type": "http",
        "probe-http-url": "https://a.example/",
        "probe-http-header": "A: {no}",
    }
    page = console.post(url(world.policy), REST | sent)
    form = page.context["adminform"].form.fields["probe"].widget.sent.form
    assert form.errors == {"header": ["Must name, in braces, some of apiKey."]}


def test_the_expert_edits_the_same_as_json(console: Client, world: Any) -> None:
    sent = {
        "options-names": "apiKey",
        "probe-type": "http",
        "probe-http-url": "https://a.example/",
        "probe-http-header": "A: {apiKey}",
    }
    assert console.post(url(world.policy), REST | sent).status_code == 302
    shown = console.get(url(world.policy) + "?view=json").context["adminform"].form
    probe = {"type": "http", "url": "https://a.example/", "header": "A: {apiKey}"}
    assert (json.loads(shown["options"].value()), json.loads(shown["probe"].value())) == ({"names": ["apiKey"]}, probe)
    edited = REST | {"options": '{"names": ["apiKey", "more"]}', "probe": "{}"}
    assert console.post(url(world.policy) + "?view=json", edited).status_code == 302
    world.policy.refresh_from_db()
    assert (world.policy.options, world.policy.probe) == ({"names": ["apiKey", "more"]}, {})


def test_an_issuer_that_declares_nothing_is_asked_for_by_json(console: Client, db: None, settings: Any) -> None:
    remote = {"BACKEND": "tests.support.issuers.RemoteIssuer"}
    settings.CREDENTIAL_ISSUERS = settings.CREDENTIAL_ISSUERS | {"remote": remote}
    sent = REST | {"name": "remote", "issuer": "remote", "options-remote-options": '{"any": 1}'}
    assert console.post(url(CredentialPolicy, "add"), sent).status_code == 302
    assert CredentialPolicy.objects.get().options == {"any": 1}


def test_an_issuer_that_settings_have_lost_says_so(console: Client, world: Any) -> None:
    CredentialPolicy.objects.filter(pk=world.policy.pk).update(issuer="gone")
    page = console.post(url(world.policy), REST | {"options": "{}"})
    assert "names no issuer" in page.content.decode()
