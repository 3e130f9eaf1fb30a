"""From an empty service to a platform's first call."""

import json
import re
import shlex

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from credservice.adminkit.models import FourEyes
from credservice.audit.models import AuditEvent
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import revoke
from credservice.manifest.apply import apply
from exchange.models import EndUser, Grant, Integration, Platform
from exchange.services.dry_run import MASK
from provisioning.models import Marketplace
from tests.support.console import PASSWORD
from tests.support.pages import send, url

START = "admin:exchange_platform_first-steps-start"


@pytest.fixture
def platform(console):
    page = send(console, reverse(START), name="staging", approve_installations="on")
    assert page.status_code == 200
    return Platform.objects.get()


def do(console, platform, **values):
    return send(console, url(platform, "first-steps"), **values)


@pytest.fixture
def granted(console, platform):
    add_integration(console, platform)
    do(console, platform, end_user_id="eu_1", external_id="acme", value_0="the-customers-key")
    return platform


def add_integration(console, platform, *rows, kind="entered", integration_id="int_1", step=2, **more):
    """Fill the form, the answer's fields as rows of name, kind and text; one secret by default."""
    columns = zip(*(rows or [("apiKey", "credential", "")]), strict=True)
    shape = {f"shape-{name}": list(cells) for name, cells in zip(("field", "kind", "text"), columns, strict=True)}
    address = f"{url(platform, 'first-steps')}?step={step}"
    return send(console, address, integration_id=integration_id, kind=kind, **shape, **more)


def test_it_makes_a_platform_and_shows_its_secret_once(console):
    page = send(console, reverse(START), name="staging", approve_installations="on").content.decode()
    secret = Platform.objects.get().secrets.live().get().open().decode()
    assert secret in page
    assert secret not in console.get(url(Platform.objects.get(), "first-steps")).content.decode()


@pytest.mark.parametrize("kind", ["exchange_platform_first-steps", "provisioning_marketplace_first-steps-osb"])
def test_the_beginning_asks_for_a_recent_proof_whatever_the_form_says(console, settings, kind):
    settings.PROOF_SECONDS = 0
    page = console.post(reverse(f"admin:{kind}-start"), {"name": "staging", "preview": "1"})
    assert "Nothing is saved yet" in page.content.decode()
    assert not Platform.objects.exists()
    assert not Marketplace.objects.exists()


def test_a_reload_makes_no_second_one(console):
    page = console.get(reverse(START)).content.decode()
    form = {"name": "staging", "form_id": re.search(r'name="form_id" value="([^"]+)"', page)[1]}
    console.post(reverse(START), form)
    console.post(reverse(START), form | {"name": "other"})
    assert Platform.objects.count() == 1


def test_a_reload_of_the_answer_leads_on(console):
    page = console.get(reverse(START)).content.decode()
    form = {"name": "staging", "form_id": re.search(r'name="form_id" value="([^"]+)"', page)[1]}
    console.post(reverse(START), form)
    again = console.post(reverse(START), form, follow=True)
    assert again.redirect_chain == [(url(Platform.objects.get(), "first-steps"), 302)]
    told = "staging was made already: continue with it. A new signing secret is made on its page."
    assert told in again.content.decode()


@pytest.mark.parametrize("name", ["staging", "Staging"])
def test_a_taken_name_is_told_and_leads_to_whose_it_is(console, platform, name):
    form = send(console, reverse(START), name=name).context["form"]
    assert "There is a platform staging already" in form.errors["name"][0]
    assert f'href="{url(platform, "first-steps")}">continue with that one</a>' in form.errors["name"][0]


def test_what_is_done_leads_to_the_page_with_the_secret(console, platform):
    page = console.get(url(platform, "first-steps")).content.decode()
    assert f'can be replaced from <a class="text-link" href="{url(platform)}">its page</a>, and shown again' in page


def test_a_name_that_fits_no_address_is_told_plainly(console):
    page = send(console, reverse(START), name="My Platform").content.decode()
    assert "Write letters, digits, hyphens and underscores only, such as mindcloud-staging." in page
    assert not Platform.objects.exists()


def test_a_new_one_comes_before_those_that_are_begun(console, platform):
    page = console.get(reverse(START)).content.decode()
    assert (
        page.index('name="approve_installations"')
        < page.index("Or continue with")
        < page.index(url(platform, "first-steps"))
    )


def test_what_a_set_up_file_made_is_nobodys_to_go_on_with(console, platform):
    apply("platforms: {filed: {source_networks: [10.0.0.0/8], require_signature: false}}", "a.yaml")
    page = console.get("/admin/first-steps/").content.decode()
    assert ("Continue with staging" in page, "filed" in page) == (True, False)
    assert url(Platform.objects.get(name="filed"), "first-steps") not in console.get(reverse(START)).content.decode()


def test_the_secrets_page_says_which_step_it_is(console):
    assert "1 of 4: Connect it" in send(console, reverse(START), name="staging").content.decode()


def call(console, client, platform):
    """Make the signed call that the last step shows."""
    page = do(console, platform, password=PASSWORD).content.decode()
    command = re.search(r"(curl -X POST .*?)</pre>", page, re.DOTALL)[1]
    words = shlex.split(command.replace("&#x27;", "'").replace("&quot;", '"').replace("\\\n", " "))
    headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
    body, content_type = words[words.index("-d") + 1], headers.pop("Content-Type")
    return client.post("/credential-exchange/staging", body, content_type=content_type, headers=headers)


def test_its_steps_lead_to_a_call_that_is_answered(console, client, granted):
    waiting = f"{url(granted, 'first-steps')}?waiting=1"
    assert console.get(waiting).json() == {"done": False, "refused": None}
    answer = call(console, client, granted)
    assert answer.json() == {"apiKey": "the-customers-key"}
    assert console.get(waiting).json()["done"] is True
    assert "It works." in console.get(url(granted, "first-steps")).content.decode()


def test_a_refused_call_is_told(console, client, granted):
    body = json.dumps({"integrationId": "int_1", "installationId": "i", "endUserId": "eu_1"})
    client.post("/credential-exchange/staging", body, content_type="application/json")
    page = console.get(url(granted, "first-steps")).content.decode()
    told = console.get(f"{url(granted, 'first-steps')}?waiting=1").json()["refused"]
    assert "missing signature" in told["sentence"]
    assert told["link"] == url(granted, "debugger")
    assert told["sentence"] in page
    assert f'href="{told["link"]}">Signature debugger</a>' in page


def test_keys_are_made_where_the_vendor_has_none(console, platform):
    add_integration(console, platform, kind="made")
    do(console, platform, end_user_id="eu_1")
    assert Integration.objects.get().policy.issuer == "api_key"
    assert Grant.objects.count() == 1


def test_what_is_typed_is_not_kept_in_the_trail(console, granted):
    lines = "".join(str(event.detail) for event in AuditEvent.objects.filter(actor="user:root"))
    assert "acme" in lines
    assert "the-customers-key" not in lines


@pytest.mark.parametrize("wrong", [{"integration_id": ""}, {"kind": "x"}])
def test_a_wrong_entry_is_told_and_nothing_made(console, platform, wrong):
    add_integration(console, platform, **wrong)
    assert not Integration.objects.exists()


@pytest.mark.parametrize(
    ("rows", "kind", "problem"),
    [
        ([("accessKey, tenant", "credential", "")], "entered", "Give each field a row of its own."),
        ([("a\nb", "credential", "")], "entered", "holds a line break, an invisible character"),
        ([("", "text", "eu")], "entered", "Write the name of each field."),
        ([("apiKey", "credential", ""), ("apiKey", "text", "x")], "entered", "two fields of this name"),
        ([("region", "text", "eu")], "entered", "must hold a secret"),
        ([("apiKey", "credential", ""), ("region", "text", "")], "entered", "write its text"),
        ([("apiKey", "installation", "region")], "entered", "choose what it holds"),
        ([("apiKey", "credential", "sk_live_51Hx9aaaabbbbccccdddd")], "entered", "this looks like a secret itself"),
        ([("a", "credential", ""), ("b", "credential", "")], "made", "The API key is one secret."),
        ([(f"f{n}", "credential", "") for n in range(33)], "entered", "at most 32 fields"),
    ],
)
def test_fields_that_cannot_be_answered_are_told_while_they_are_typed(console, platform, rows, kind, problem):
    assert problem in add_integration(console, platform, *rows, kind=kind, preview="1").json()["problem"]
    assert problem in add_integration(console, platform, *rows, kind=kind).content.decode()
    assert not Integration.objects.exists()
    assert not CredentialPolicy.objects.exists()


def test_an_attribute_that_is_not_named_is_called_as_its_field_is(console, platform):
    add_integration(console, platform, ("apiKey", "credential", ""), ("region", "end_user", ""))
    assert Integration.objects.get().response_shape == {"apiKey": "$credential.apiKey", "region": "$end_user.region"}


FIELDS = [
    ("accessKey", "credential", ""),
    ("secret", "credential", "secretKey"),
    ("tenant", "end_user", "external_id"),
    ("tier", "end_user", "tier"),
    ("price", "text", "$9"),
]


def test_the_cell_at_fault_alone_is_marked(console, platform):
    rows = [("apiKey", "credential", ""), ("accountId", "end_user", "my tenant"), ("region", "text", "eu")]
    page = add_integration(console, platform, *rows).content.decode()
    wrong = re.findall(r"<(?:input|select)[^>]* aria-invalid[^>]*>", page)
    assert len(wrong) == 1
    assert 'name="shape-text"' in wrong[0]
    assert 'value="my tenant"' in wrong[0]
    assert "accountId: “my tenant” is not a name: begin with a letter or _, and use letters" in page


def test_an_answer_of_several_fields_is_shown_and_given(console, client, platform):
    shown = add_integration(console, platform, *FIELDS, preview="1").json()["answer"]
    assert json.loads(shown) == {"accessKey": MASK, "secret": MASK, "tenant": "…", "tier": "…", "price": "$9"}
    assert not Integration.objects.exists()
    add_integration(console, platform, *FIELDS)
    do(console, platform, end_user_id="eu_1", external_id="acme", value_0="a-key", value_1="a-secret")
    assert not Grant.objects.exists()  # the tier is missing
    do(console, platform, end_user_id="eu_1", external_id="acme", value_0="a-key", value_1="a-secret", attribute_0="2")
    answer = {"accessKey": "a-key", "secret": "a-secret", "tenant": "acme", "tier": "2", "price": "$9"}
    assert call(console, client, platform).json() == answer


def test_a_step_is_opened_again_until_a_call_was_answered(console, client, granted):
    address = f"{url(granted, 'first-steps')}?step=2"
    assert address in console.get(url(granted, "first-steps")).content.decode()
    assert 'value="apiKey"' in console.get(address).content.decode()
    add_integration(console, granted, *FIELDS, integration_id="int_2")
    page = console.get(url(granted, "first-steps")).content.decode()
    assert ("int_2 answers with" in page, 'value="eu_1"' in page) == (True, True)
    do(console, granted, end_user_id="eu_1", external_id="acme", value_0="k", value_1="s", attribute_0="gold")
    assert call(console, client, granted).json()["tier"] == "gold"
    assert address not in console.get(url(granted, "first-steps")).content.decode()
    console.post(address, {"integration_id": "int_3"})
    assert Integration.objects.get().integration_id == "int_2"


def test_an_answer_that_only_reads_otherwise_keeps_the_credential(console, granted):
    line = Grant.objects.get().line
    add_integration(console, granted, ("token", "credential", "apiKey"), ("region", "text", "eu"))
    assert Integration.objects.get().response_shape == {"token": "$credential.apiKey", "region": "eu"}
    assert "eu_1 has a credential" in console.get(url(granted, "first-steps")).content.decode()
    assert Grant.objects.get().line == line


def test_a_customer_without_an_id_of_yours_gets_what_the_answer_needs(console, client, platform):
    add_integration(console, platform)
    do(console, platform, end_user_id="eu_1", value_0="a-key")
    add_integration(console, platform, ("apiKey", "credential", ""), ("tier", "end_user", "tier"))
    do(console, platform, end_user_id="eu_1", value_0="a-key", attribute_0="gold")
    assert call(console, client, platform).json() == {"apiKey": "a-key", "tier": "gold"}


def test_a_policy_that_makes_more_than_the_answer_holds_stays(console, granted):
    CredentialPolicy.objects.update(options={"names": ["apiKey", "other"]})
    add_integration(console, granted, ("token", "credential", "apiKey"))
    assert Integration.objects.get().policy == CredentialPolicy.objects.get()


def test_secrets_that_several_customers_have_stay(console, granted):
    do_again = f"{url(granted, 'first-steps')}?step=3"
    send(console, do_again, end_user_id="eu_2", external_id="globex", value_0="another-key")
    assert "Several customers have credentials" in add_integration(console, granted, *FIELDS).content.decode()
    page = send(console, do_again, end_user_id="eu_3", external_id="globex", value_0="another-key").content.decode()
    assert "The end_user_id of this end user is eu_2, and never changes." in page


def test_who_may_not_change_policies_opens_no_step_again(console, admin, granted):
    admin.is_superuser = False
    admin.save()
    admin.user_permissions.set(Permission.objects.exclude(codename="change_credentialpolicy"))
    for step in (2, 3):
        address = f"{url(granted, 'first-steps')}?step={step}"
        assert console.post(address, {"preview": "1"}).status_code == 403


def test_who_may_not_reveal_gets_no_signed_call(console, admin, granted):
    admin.is_superuser = False
    admin.save()
    admin.user_permissions.set(Permission.objects.exclude(codename="reveal_credential"))
    page = console.get(url(granted, "first-steps")).content.decode()
    assert "Your role may not do this" in page
    assert console.post(url(granted, "first-steps"), {}).status_code == 403


@pytest.mark.parametrize("proof", [{}, {"password": "not the password"}])
def test_a_signed_call_is_shown_to_nobody_but_the_operator(console, granted, proof):
    page = do(console, granted, **proof).content.decode()
    assert "curl -X POST" not in page
    assert not AuditEvent.objects.filter(action="signing_secret.used", detail__platform=granted.name).exists()


def test_a_signed_call_is_not_shown_where_reveals_need_two(console, granted):
    FourEyes.objects.update_or_create(pk=1, defaults={"reveal": True})
    page = do(console, granted, password=PASSWORD).content.decode()
    assert "curl -X POST" not in page
    assert "need a second person" in page


def test_blanks_at_the_ends_are_dropped_and_invisible_characters_refused(console, platform):
    add_integration(console, platform, integration_id=" int_1 ")
    assert Integration.objects.get().integration_id == "int_1"
    page = do(console, platform, end_user_id="eu\u200b_1", external_id="acme", value_0="the-customers-key")
    assert "This holds a line break, an invisible character" in page.content.decode()
    assert not Grant.objects.exists()


def test_a_secret_that_a_fault_elsewhere_emptied_is_asked_for_again(console, platform):
    add_integration(console, platform, ("key", "credential", ""), ("secret", "credential", ""))
    form = do(console, platform, end_user_id="", value_0="the-customers-key").context["form"]
    told = [form[name].errors for name in ("end_user_id", "value_0", "value_1")]
    assert told == [["This field is required."], ["Enter it again: it was not kept."], ["This field is required."]]


def test_a_second_customer_with_the_value_of_the_first_asks_for_a_tick(console, granted):
    page, values = f"{url(granted, 'first-steps')}?step=3", {"end_user_id": "eu_2", "external_id": "globex"}
    asked = send(console, page, **values, value_0="the-customers-key").context["form"]
    assert "Another customer has this value" in asked.fields["confirmed"].help_text
    assert asked["end_user_id"].value() == "eu_2"
    assert not EndUser.objects.filter(end_user_id="eu_2").exists()
    tick = asked.fields["confirmed"].widget.attrs["value"]
    send(console, page, **values, value_0="the-customers-key", confirmed=tick)
    assert EndUser.objects.filter(end_user_id="eu_2").exists()


def test_a_first_customer_is_given_no_value_that_has_leaked(console, granted):
    revoke(credential=Credential.objects.get(), actor="test", reason="in a public repository", leaked=True)
    values = {"end_user_id": "eu_1", "external_id": "acme"}
    refused = do(console, granted, **values, value_0="the-customers-key").context["form"]
    assert refused.errors["value_0"][0].startswith("apiKey: this value was reported as leaked on 20")
    do(console, granted, **values, value_0="a-new-key-of-acme")
    assert Credential.objects.filter(state="active").count() == 1


def test_another_integrations_id_is_told_at_its_field(console, platform):
    add_integration(console, platform)
    first = Integration.objects.get()
    Integration.objects.create(
        platform=platform, integration_id="int_9", policy=first.policy, response_shape=first.response_shape
    )
    page = add_integration(console, platform, integration_id="int_9")
    assert "The integration int_9 of this platform has this already: write another." in page.content.decode()
    assert Integration.objects.filter(integration_id="int_9").count() == 1
