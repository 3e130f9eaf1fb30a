"""The forms of a policy's options and probe, made of what issuers declare, and the same as JSON."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.test import Client

from credservice.adminkit.widgets import DurationField, SecondsField
from credservice.credentials.admin.option_forms import OptionsForm
from credservice.credentials.models import CredentialPolicy
from credservice.issuers import api_key, jwt, static
from credservice.issuers.oauth2.options import EXCHANGE
from credservice.issuers.oauth2.options import declare as declare_oauth2
from credservice.issuers.postgresql.options import declare as declare_postgresql
from credservice.issuers.webhook.issuer import OPTIONS as WEBHOOK
from exchange.models import Installation, Integration, Platform
from exchange.services.grants import new_secret_set
from tests.issuers.cases import CASES
from tests.support.console import World
from tests.support.pages import tick_of, url

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


def test_integrations_of_one_name_are_told_apart_by_their_platforms(console: Client, world: World) -> None:
    crm = Platform.objects.create(name="crm", secrets=new_secret_set("crm"))
    shape = world.integration.response_shape
    Integration.objects.create(platform=crm, integration_id="int_1", policy=world.policy, response_shape=shape)
    sent = REST | {"name": world.policy.name, "options-names": "accessKey"}
    told = console.post(url(world.policy), sent).context["adminform"].form.errors["options"]
    named = ["integration int_1 of crm", f"integration int_1 of {world.platform}"]
    assert sorted(str(each).partition(":")[0] for each in list(told)[:2]) == named
    sent["options-names"] = "apiKey\nmore"
    Installation.objects.filter(pk=world.installation.pk).update(integration=Integration.objects.get(platform=crm))
    world.make_installation("inst_2")
    page = console.post(url(world.policy), sent).content.decode()
    assert all(each in page.partition("It is used by")[2] for each in named)


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
    page = console.post(url(world.policy) + "?view=json", edited).content.decode()
    assert "From now on, apiKey and more have to be entered for each customer" in page
    assert "It is used by integration int_1." in page
    edited |= {"confirmed": tick_of(page)}
    assert console.post(url(world.policy) + "?view=json", edited).status_code == 302
    world.policy.refresh_from_db()
    assert (world.policy.options, world.policy.probe) == ({"names": ["apiKey", "more"]}, {})


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("15 minutes", 900),
        ("1 Hour, 30 min", 5400),
        ("1h and 30m", 5400),
        ("1h, and 30 m", 5400),
        ("1h30m", 5400),
        ("90 m", 5400),
        ("3600s", 3600),
        ("0", 0),
        ("1:30:00", 5400),
    ],
)
def test_a_time_is_taken_as_a_person_types_it(typed: str, seconds: int) -> None:
    assert DurationField().clean(typed) == timedelta(seconds=seconds)


BARE = ["5", " 3600 ", "-5", "+5", "00", "1:30", "1 30", "9" * 400]
UNCLEAR = [*BARE, "1,5h", "0,5d", "1.5h", "5 and 3m", "1 5m", "1,h", "1,000", "3.600", "1 000", "-1 5", "1d and"]


@pytest.mark.parametrize("typed", ["soon", "5 weeks", "1h 2 hours", "minutes", "15 minutes!", "0x10", *UNCLEAR])
def test_what_is_no_time_is_told_with_an_example(typed: str) -> None:
    with pytest.raises(ValidationError, match="such as 15 minutes"):
        DurationField().clean(typed)


TOO_LONG = ["99999999 00:00:00", "99999999999999999999s", "P99999999999999D", "9" * 30 + "m"]


@pytest.mark.parametrize("typed", ["-1:30:00", "-1 day", "-99999999 00:00:00"])
def test_a_time_is_never_below_zero(typed: str) -> None:
    with pytest.raises(ValidationError, match="Write a time of zero or more"):
        DurationField().clean(typed)


@pytest.mark.parametrize("typed", ["999999 days", "99999999d", "9" * 60 + "d", "9999999h 5m", *TOO_LONG])
def test_a_time_has_a_bound(typed: str) -> None:
    with pytest.raises(ValidationError, match="100 years at most"):
        DurationField().clean(typed)


@pytest.mark.parametrize("typed", TOO_LONG)
def test_a_time_too_long_to_be_one_is_told_at_its_field(console: Client, world: Any, typed: str) -> None:
    kept = CredentialPolicy.objects.get(pk=world.key_policy.pk).lifetime
    page = console.post(url(world.key_policy), REST | {"lifetime": typed})
    assert page.context["adminform"].form.errors["lifetime"] == ["Write 100 years at most."]
    assert CredentialPolicy.objects.get(pk=world.key_policy.pk).lifetime == kept
    page = console.post(url(CredentialPolicy, "add"), TOKENS | {"options-jwt-lifetime": typed})
    form = page.context["adminform"].form.fields["options"].widget.sent.form
    assert form.errors["lifetime"] == ["Write a time from 1m to 1d."]


@pytest.mark.parametrize("name", ["lifetime", "rotation_period", "overlap", "stale_for", "options-jwt-lifetime"])
def test_a_number_without_its_unit_is_refused_at_its_field(console: Client, db: None, name: str) -> None:
    sent = TOKENS | {"options-jwt-audience": "vendor", name: "5"}
    page = console.post(url(CredentialPolicy, "add"), sent)
    assert "Write a number with its unit, such as 15 minutes, 24h, 90d or 1h30m." in page.content.decode()
    assert not CredentialPolicy.objects.exists()


def test_every_time_says_how_to_write_it(console: Client, db: None) -> None:
    form = console.get(url(CredentialPolicy, "add")).context["adminform"].form
    options = form["options"].field.widget.make(None, "options").choices["jwt"].form.fields
    asked = [form.fields[name] for name in ("lifetime", "rotation_period", "overlap", "stale_for")]
    for field in [*asked, options["lifetime"], *_oauth2_fields("margin")]:
        assert "15 minutes" in field.help_text
    assert "shorter than the lifetime" in form.fields["overlap"].help_text
    assert "Empty: 1h." in options["lifetime"].help_text


def _oauth2_fields(*names: str) -> list[Any]:
    return [OptionsForm(DECLARED["oauth2"], {}, None, "options").fields[name] for name in names]


def test_tokens_need_no_time_to_be_written(console: Client, db: None) -> None:
    page = console.get(url(CredentialPolicy, "add"))
    sent = {field.html_name: field.value() or "" for field in page.context["adminform"].form if field.name != "options"}
    del sent["probe"]
    sent |= {"name": "tokens", "issuer": "jwt", "options-jwt-audience": "vendor"}
    assert console.post(url(CredentialPolicy, "add"), sent).status_code == 302
    made = CredentialPolicy.objects.get()
    assert (made.lifetime, made.overlap) == (None, timedelta(hours=24))


@pytest.mark.parametrize(("lifetime", "overlap"), [("1 hour", 1800), ("90d", 86400), ("", 86400)])
def test_an_overlap_that_is_not_written_fits_the_lifetime(
    console: Client, db: None, lifetime: str, overlap: int
) -> None:
    sent = REST | {"name": "keys", "issuer": "api_key", "lifetime": lifetime, "overlap": ""}
    assert console.post(url(CredentialPolicy, "add"), sent).status_code == 302
    assert CredentialPolicy.objects.get().overlap == timedelta(seconds=overlap)


def test_an_overlap_as_long_as_the_lifetime_is_refused_at_its_field(console: Client, db: None) -> None:
    sent = REST | {"name": "keys", "issuer": "api_key", "lifetime": "1h", "overlap": "60 minutes"}
    page = console.post(url(CredentialPolicy, "add"), sent)
    assert page.context["adminform"].form.errors == {
        "overlap": ["The overlap must be shorter than the lifetime. Write one, such as half of it."]
    }


def test_whoever_may_only_look_reads_times_as_sentences_say_them(db: None, client: Client) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.groups.add(Group.objects.get(name="Viewer"))
    client.force_login(viewer)
    times = {"lifetime": timedelta(days=30), "overlap": timedelta(0), "stale_for": timedelta(minutes=90)}
    page = client.get(url(CredentialPolicy.objects.create(name="p", issuer="api_key", **times))).content.decode()
    assert all(re.search(rf">\s*{time}\s*<", page) for time in ("30 days", "0 seconds", "1 hour 30 minutes"))
    assert "0:00" not in page


def test_an_option_of_seconds_is_typed_and_shown_as_a_time(console: Client, db: None) -> None:
    sent = TOKENS | {"lifetime": "", "options-jwt-audience": "vendor"}
    refused = console.post(url(CredentialPolicy, "add"), sent | {"options-jwt-lifetime": "10 seconds"})
    form = refused.context["adminform"].form.fields["options"].widget.sent.form
    assert form.errors == {"lifetime": ["Write a time from 1m to 1d."]}
    assert form["lifetime"].value() == "10 seconds"
    assert console.post(url(CredentialPolicy, "add"), sent | {"options-jwt-lifetime": "15 minutes"}).status_code == 302
    made = CredentialPolicy.objects.get()
    assert made.options["lifetime"] == 900
    assert 'value="15m"' in console.get(url(made)).content.decode()


@pytest.mark.parametrize(
    ("issuer", "options", "lifetime", "shown"),
    [
        ("jwt", {"audience": "a"}, None, "1 hour"),
        ("jwt", {"audience": "a", "lifetime": 900}, None, "15 minutes"),
        ("jwt", {"audience": "a", "lifetime": "?"}, None, "cannot be told: look at its options"),
        ("jwt", {"audience": "a"}, timedelta(hours=12), "12 hours"),
        ("api_key", {}, None, "unlimited"),
        ("gone", {}, None, "cannot be told: look at its options"),
    ],
)
def test_the_list_shows_how_long_credentials_live(
    console: Client, db: None, issuer: str, options: Any, lifetime: Any, shown: str
) -> None:
    overlap = timedelta(minutes=1)
    CredentialPolicy.objects.create(name="p", issuer=issuer, options=options, lifetime=lifetime, overlap=overlap)
    page = console.get(url(CredentialPolicy, "changelist")).content.decode()
    assert re.search(rf">\s*{shown}\s*<", page)


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


@pytest.mark.parametrize("typed", ["99999999d", "2d", "9" * 30 + "s"])
def test_an_option_that_is_too_long_a_time_tells_its_own_limit(typed: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SecondsField(least=60, most=86400).clean(typed)
    assert caught.value.messages == ["Write a time from 1m to 1d."]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (f"apiKey\n{'x' * 300}", f'entry 2, "{"x" * 40}…", has 300 characters, and a name has at most 128.'),
        ("a\u202eb", 'entry 1, "a?b", holds a line break or a character that cannot be seen.'),
    ],
)
def test_a_bad_name_of_a_value_is_told_apart(console: Client, db: None, names: str, sentence: str) -> None:
    sent = REST | {"name": "entered", "issuer": "static", "options-static-names": names}
    page = console.post(url(CredentialPolicy, "add"), sent)
    issuers = page.context["adminform"].form["options"].data.choices
    assert issuers["static"].form.errors == {"names": [f"Must hold names of values: {sentence}"]}


def test_an_answer_in_the_way_of_a_new_name_of_a_value_is_told_with_the_way_out(console: Client, world: World) -> None:
    sent = REST | {"name": world.policy.name, "options-names": "accessKey"}
    form = console.post(url(world.policy), sent).context["adminform"].form
    field, way = form.errors["options"]
    assert field == (
        "integration int_1: The answer's field apiKey takes apiKey: the policy makes no value named apiKey; it makes "
        "accessKey."
    )
    assert way.startswith("To rename a value, make a policy that makes it under both names, and choose that;")
