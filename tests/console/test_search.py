"""One box for any id, on every page."""

from base64 import b64encode
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from credservice.adminkit.model_admin import by_first_digits
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.console import refused_ids, search
from credservice.console.keys_in_reasons import holds_key
from credservice.credentials.key_lookup import MAX_KEY
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import revoke, start_issue
from credservice.credentials.transitions import parts_of
from credservice.keys.services import enter_secret
from credservice.vendor_api.models import Scope
from credservice.vendor_api.tokens import create_token, revoke_token
from exchange.models import EndUser
from exchange.services.grants import new_secret_set
from provisioning.models import Marketplace
from provisioning.osb.passwords import make_password
from tests.support.console import CANARY, World
from tests.support.doors import role_client
from tests.support.pages import all_models, url


def find(client: Client, term: str) -> Any:
    return client.post(reverse("admin:search"), {"term": term})


def lands_on(client: Client, term: str) -> str:
    response = find(client, term)
    assert response.status_code == 302, response.content.decode()[-3000:]
    return str(response["Location"])


KINDS = [
    ("platform", "mindcloud"),
    ("integration", "int_1"),
    ("installation", "inst_1"),
    ("end_user", "eu_1"),
    ("end_user", "acme"),
    ("end_user", "end_user:{pk}"),
    ("resource", "2686c96868emyj61cgt2ma7vdntg4"),
    ("resource_credential", "27q0x2n0rkhhyd0z0mv4n1y8q1k3e"),
    ("product", "bear"),
    ("marketplace", "manifold"),
    ("policy", "entered"),
    ("secret", "{hint}"),
    *((kind, "{pk}") for kind in ("end_user", "installation", "credential", "grant", "resource", "policy", "platform")),
]


@pytest.mark.parametrize(("kind", "term"), KINDS)
def test_an_id_leads_to_its_page(console: Client, world: World, kind: str, term: str) -> None:
    obj = getattr(world, kind)
    text = term.format(pk=obj.pk, hint=getattr(obj, "hint", ""))
    assert lands_on(console, text) == url(obj)
    assert lands_on(console, f" {text}\n") == url(obj)


@pytest.mark.parametrize("form", ["{}", "credential {}", "entered {}", "Entered-Key  {}"])
@pytest.mark.parametrize("digits", [8, 13, 23])
def test_the_first_digits_of_an_id_are_enough(console: Client, world: World, form: str, digits: int) -> None:
    term = form.format(str(world.credential.pk)[:digits])
    assert lands_on(console, term) == url(world.credential)
    [row] = console.get(reverse("admin:credentials_credential_changelist"), {"q": term}).context["cl"].result_list
    assert row == world.credential


def test_the_first_digits_of_a_platforms_id_are_enough(console: Client, world: World) -> None:
    assert lands_on(console, f"platform {str(world.platform.pk)[:8]}") == url(world.platform)


def test_fewer_digits_or_other_text_are_no_id(world: World) -> None:
    pk = str(world.credential.pk)
    for term in (pk[:7], f"{pk[:8]} x", f"x{pk[:8]}", "--------", f"{pk[:8]}g", "-" + pk[:8]):
        assert by_first_digits(type(world.credential), term) == []


@pytest.mark.parametrize("form", ["{}", '"{}"', "Bearer {}"])
def test_of_a_key_that_is_not_ours_it_says_so(console: Client, world: World, form: str) -> None:
    key = "other_live_LY35V9j5bhUNoJs5XCfiDXGyabcdef123456"
    page = find(console, form.format(key))
    assert page.context["sentence"] == search.NOT_OURS
    assert key not in page.content.decode()
    assert find(console, str(uuid4())).context["sentence"] == search.FOUND_NOTHING


def test_the_beginning_of_a_name_is_enough(console: Client, world: World) -> None:
    EndUser.objects.filter(pk=world.end_user.pk).update(name="Acme Corporation")
    assert lands_on(console, "acme corp") == url(world.end_user)


def test_the_prefix_of_keys_lists_them(console: Client, world: World) -> None:
    second = world.make_key()
    prefix = second.hint.split("…")[0]
    page = find(console, prefix)
    assert page.status_code == 200
    assert url(second) in page.content.decode()


def test_several_are_listed_by_kind(console: Client, world: World) -> None:
    EndUser.objects.create(platform=world.platform, end_user_id="inst_1")
    page = find(console, "inst_1")
    assert [group.title for group in page.context["groups"]] == ["End users", "Installations"]


def test_a_pasted_credential_leads_to_its_page(console: Client, world: World, trail: Any) -> None:
    assert lands_on(console, f"\t{CANARY} \n") == url(world.credential)
    line = trail.one(action="credential.recognised")
    assert (line.actor, line.object_id) == ("user:root", str(world.credential.pk))


def test_a_pasted_header_of_basic_authentication_leads_to_its_page(console: Client, world: World) -> None:
    header = f"Authorization: Basic {b64encode(f'acme:{CANARY}'.encode()).decode()}"
    assert lands_on(console, header) == url(world.credential)


def test_a_pasted_api_key_leads_to_its_page(console: Client, world: World) -> None:
    key = world.make_key()
    (value,) = key.open().values()
    assert lands_on(console, value) == url(key)


@pytest.mark.parametrize("form", ["{}", "Authorization: Bearer {}", 'export TOKEN="{}" # found in a log'])
def test_a_pasted_service_token_leads_to_its_page(console: Client, trail: Any, form: str) -> None:
    token, text = create_token(name="crm", scopes=[Scope.READ_EVENTS], actor="test")
    assert lands_on(console, form.format(text)) == url(token)
    line = trail.one(action="service_token.recognised")
    assert (line.actor, line.object_id, text in str(line.detail)) == ("user:root", str(token.pk), False)
    assert "This is the service token that you pasted." in console.get(url(token)).content.decode()
    revoke_token(token=token, actor="test")
    assert lands_on(console, text) == url(token)
    assert lands_on(console, token.hint) == url(token)


def test_a_pasted_signing_secret_leads_to_its_page(console: Client, world: World, trail: Any) -> None:
    text, day = "a-signing-secret-0123456789abcdef", timedelta(days=1)
    first = enter_secret(secret_set=new_secret_set("first"), text=text, actor="test", overlap=day)
    assert lands_on(console, f"SECRET={text}") == url(first)
    assert trail.one(action="signing_secret.recognised").object_id == str(first.pk)
    second = enter_secret(secret_set=new_secret_set("second"), text=text, actor="test", overlap=day)
    page = find(console, text).content.decode()
    assert url(first) in page
    assert url(second) in page


def test_a_pasted_password_of_a_platform_leads_to_its_page(console: Client, world: World) -> None:
    marketplace = Marketplace.objects.create(name="cloud", protocol_name="osb")
    password, text = make_password(marketplace=marketplace, actor="test")
    assert lands_on(console, f"https://broker:{text}@broker.example.com/") == url(password)


def test_who_may_not_look_for_tokens_is_told_who_may(world: World, trail: Any) -> None:
    operator = role_client("Operator")
    _, text = create_token(name="crm", scopes=[Scope.READ_EVENTS], actor="test")
    page = find(operator, text).content.decode()
    assert "no part of one is. An administrator can search service tokens as well." in page
    assert not trail.all(action="service_token.recognised")


def test_what_is_pasted_is_nowhere_afterwards(console: Client, world: World, caplog: Any, capsys: Any) -> None:
    for text in (CANARY, "an-unknown-secret-0123456789"):
        page = find(console, text)
        shown = page.content.decode() + str(page.headers) + caplog.text + "".join(capsys.readouterr())
        assert text not in shown
        assert not [line for line in AuditEvent.objects.all() if text in str(line.detail) + line.object_id]


def test_a_value_in_the_address_is_not_read(console: Client, world: World) -> None:
    page = console.get(reverse("admin:search"), {"term": "eu_1", "s": "eu_1"})
    assert page.status_code == 200
    assert page.context["groups"] == []


def test_a_request_id_leads_to_its_lines(console: Client, world: World) -> None:
    page = console.get(reverse("admin:index"))
    response = console.post(url(world.end_user, "suspend"), {}, HTTP_X_REQUEST_ID="request-0001")
    assert response.status_code == 200, page
    record(Line(action="test.done", actor="test", object_id="gone-object"))
    assert lands_on(console, "gone-object") == f"{url(AuditEvent, 'changelist')}?q=gone-object"


def test_nothing_found_says_what_can_be(console: Client, world: World) -> None:
    page = find(console, "nobody")
    assert search.FOUND_NOTHING in page.content.decode()
    assert "nobody" not in page.content.decode()


def test_too_long_is_refused_kindly(console: Client, world: World) -> None:
    page = find(console, "x" * (MAX_KEY + 1))
    assert page.status_code == 200
    assert "longer than 4,096 characters" in page.content.decode()


def test_longer_than_any_form_is_refused_as_kindly(world: World, admin: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(admin)
    browser.get(reverse("admin:index"))
    form = "application/x-www-form-urlencoded"
    page = browser.post(reverse("admin:search"), f"term={'x' * 70_000}", content_type=form)
    assert page.status_code == 413
    assert "longer than 4,096 characters" in page.content.decode()
    page = browser.post(url(world.platform), f"name={'x' * 70_000}", content_type=form)
    assert (page.status_code, "more than a form here may hold" in page.content.decode()) == (413, True)


def test_a_typed_reason_leads_to_its_lines(console: Client, world: World) -> None:
    record(Line("installation.approved", "user:ann", detail={"why": "Ticket 4713, by phone"}))
    address = lands_on(console, "Ticket 4713")
    assert [row.detail["why"] for row in console.get(address).context["cl"].result_list] == ["Ticket 4713, by phone"]


def refused(reason: str = "unknown_end_user", **ids: str) -> None:
    detail = {"end_user": "eu_1", "installation": "inst_1", "integration": "int_1"} | ids
    record(Line("exchange.credential", "platform:mindcloud", "refused", reason, detail=detail))


@pytest.mark.parametrize("kind", ["end_user", "installation", "integration", "platform"])
@pytest.mark.parametrize("form", ["{}", "Customer {} gets 404", '"{}",'])
def test_an_id_that_was_refused_as_unknown_leads_to_its_lines(
    console: Client, world: World, kind: str, form: str
) -> None:
    refused(**{kind: "other_zzz"})
    refused(**{kind: "other_zz"})
    address = lands_on(console, form.format("other_zzz"))
    (line,) = console.get(address).context["cl"].result_list
    assert line.detail[kind] == "other_zzz"


def test_an_id_that_was_refused_leads_to_no_customer_whose_id_is_longer(console: Client, world: World) -> None:
    EndUser.objects.create(platform=world.platform, end_user_id="enduser_12")
    refused(end_user="enduser_1")
    groups = {
        group.title: [row["name"] for row in group.rows] for group in find(console, "enduser_1").context["groups"]
    }
    assert groups == {"End users": ["enduser_12"], "Sent with refused exchanges": ["enduser_1"]}


def test_a_line_with_a_known_and_a_refused_id_leads_to_both(console: Client, world: World) -> None:
    refused(end_user="enduser_zzz")
    groups = find(console, "int_1: customer enduser_zzz gets 404").context["groups"]
    assert {group.title: [row["name"] for row in group.rows] for group in groups} == {
        "Integrations": ["int_1"],
        "Sent with refused exchanges": ["enduser_zzz"],
    }
    assert lands_on(console, "int_1: the integration of customer eu-9") == url(world.integration)


def test_an_id_is_looked_for_in_the_newest_refused_lines(console: Client, world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(refused_ids, "NEWEST", 2)
    refused(end_user="enduser_zzz")
    for _ in range(3):  # lines of other outcomes do not count
        record(Line("exchange.credential", "platform:mindcloud", "granted", detail={"end_user": "eu_1"}))
    refused()
    assert "q=enduser_zzz" in lands_on(console, "enduser_zzz")
    refused()
    assert search.FOUND_NOTHING in find(console, "enduser_zzz").content.decode()


def test_the_header_of_a_request_id_leads_to_its_lines(console: Client, world: World) -> None:
    console.post(url(world.end_user, "suspend"), {}, HTTP_X_REQUEST_ID="5754aa00-0001")
    sent = console.post(reverse("admin:search"), {"term": CANARY}, HTTP_X_REQUEST_ID="5754aa00-0001")
    assert sent.status_code == 302
    assert lands_on(console, "X-Request-ID: 5754aa00-0001").endswith("?request_id=5754aa00-0001")


@pytest.mark.parametrize(
    "term",
    ["", "   ", "\N{GRINNING FACE}", "%", "_", "\\", "a:b", ":", "end_user:", "🦄" * 300, "x" + "\u00a0" * 200 + "x"],
)
def test_odd_input_finds_nothing_and_breaks_nothing(console: Client, world: World, term: str) -> None:
    page = find(console, term)
    assert page.status_code == 200
    assert page.context["groups"] == []


def test_a_nul_finds_nothing(console: Client, world: World) -> None:
    assert search.FOUND_NOTHING in find(console, "a\x00b").content.decode()


def test_only_what_one_may_see_is_found(world: World) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_plan"))
    client = Client()
    client.force_login(clerk)
    with CaptureQueriesContext(connection) as captured:
        for term in ("eu_1", CANARY, str(world.credential.pk), f"end_user:{world.end_user.pk}"):
            assert find(client, term).context["groups"] == []
    tables = ("exchange_enduser", "credentials_credential", "audit_auditevent")
    assert not [q for q in captured.captured_queries if any(f'FROM "{table}"' in q["sql"] for table in tables)]


def test_a_visitor_is_sent_to_sign_in(client: Client, world: World) -> None:
    response = find(client, "eu_1")
    assert response.status_code == 302
    assert "/login/" in response["Location"]


def test_values_cannot_be_guessed_quickly(console: Client, world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(search, "PER_MINUTE", 1)
    find(console, "a")
    assert "More than 1 requests" in find(console, CANARY).content.decode()


def test_a_search_has_a_bounded_number_of_queries(console: Client, world: World) -> None:
    find(console, "warm")
    with CaptureQueriesContext(connection) as captured:
        find(console, "nobody-at-all-0123456789")
    assert len(captured) <= 71


def test_the_box_is_on_every_list(console: Client, world: World) -> None:
    for model in all_models():
        assert 'id="console-search"' in console.get(url(model, "changelist"), follow=True).content.decode(), model


WRAPPED = [
    '"{}"',
    "'{}',",
    "`{}`",
    "Bearer {}",
    "Authorization: Bearer {}",
    "API_KEY={}",
    'export ACME_KEY="{}"',
    '{{"apiKey": "{}"}}',
    "2026-11-30T10:00:00Z ERROR 401 from https://api.example.com/v1?key={}&page=2",
]


@pytest.mark.parametrize("around", WRAPPED)
def test_a_credential_is_found_in_what_people_paste(console: Client, world: World, around: str) -> None:
    assert lands_on(console, around.format(CANARY)) == url(world.credential)


ADDRESS = "postgresql://cs_acme:s3Kr-t.9~x=@/vendor?host=%2Fvar%2Frun%2Fpg&port=5432&options=-c%20a%3Db"


@pytest.mark.parametrize(
    "around",
    [
        *("{}", '"{}"', "DATABASE_URL={}", "export DATABASE_URL={}", "10:00 ERROR url={} status=ok", "see {}."),
        *('{{"url":"{}"}}', "a=b&url={}", "-e DATABASE_URL={} -e A=b"),
    ],
)
@pytest.mark.parametrize("written", [ADDRESS, ADDRESS.replace("/", r"\/"), ADDRESS.replace("&", r"\u0026")])
def test_a_long_address_is_found_in_what_people_paste(console: Client, world: World, around: str, written: str) -> None:
    held = start_issue(
        policy=world.policy, context={}, subject=world.end_user.subject, actor="test", entered={"apiKey": ADDRESS}
    )
    assert lands_on(console, around.format(written)) == url(held)


LOGIN = "postgresql://cs_acme:S3cr%2Ft-word.of.acme@/vendor?host=%2Fvar&port=5432"


@pytest.mark.parametrize(
    "pasted",
    [
        *("S3cr%2Ft-word.of.acme", "S3cr/t-word.of.acme", "PGPASSWORD=S3cr/t-word.of.acme psql -U cs_acme"),
        *(
            "DATABASE_URL=postgresql://cs_acme:S3cr%2Ft-word.of.acme@/vendor",
            "cs_acme:S3cr%2Ft-word.of.acme@other.host",
        ),
    ],
)
def test_the_password_of_an_address_is_found_by_itself(console: Client, world: World, pasted: str) -> None:
    held = start_issue(
        policy=world.policy, context={}, subject=world.end_user.subject, actor="test", entered={"apiKey": LOGIN}
    )
    page = console.post(reverse("admin:search"), {"term": pasted}, follow=True)
    assert page.redirect_chain[-1][0] == url(held)
    assert "This is the credential that you pasted: its value apiKey." in page.content.decode()
    assert holds_key(f"leaked: {pasted}")
    for harmless in ("cs_acme", "of.acme", "/vendor", "port=5432", "https://cs_acme@example.com/vendor"):
        assert not holds_key(harmless)


@pytest.mark.parametrize("pasted", [LOGIN, "S3cr/t-word.of.acme", "postgresql://cs_acme:S3cr%2Ft-word.of.acme@/other"])
def test_a_password_is_a_key_also_where_the_name_of_its_address_is_none(world: World, pasted: str) -> None:
    """Names that end with url say where something is, mostly: several customers may share those."""
    names = {"names": ["database_url", "apiKey"]}
    policy = CredentialPolicy.objects.create(name="both", issuer="static", options=names)
    values = {"database_url": LOGIN, "apiKey": "abcdefghijklmnop123"}
    start_issue(policy=policy, context={}, subject="", actor="test", entered=values)
    assert holds_key(f"seen: {pasted}")
    assert not holds_key("seen: postgresql://cs_acme@/vendor?host=%2Fvar&port=5432")


PEM = "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ('{"endpoint":"https://api.example.com","client_email":"integration-bot@proj.iam"}', []),
        ("https://app:first-password@a https://app:other-password@b", ["first-password", "other-password"]),
        ("amqp://:pass%40word-1234@host", ["pass%40word-1234", "pass@word-1234"]),
        ("https://host:8443/a@b", []),
        ("-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n", [PEM]),
        (" abcdefghijkl ", ["abcdefghijkl"]),
        ("https://user:short@host/", []),
    ],
)
def test_passwords_are_those_of_addresses(value: str, parts: list[str]) -> None:
    assert parts_of(value) == [value, *parts]


def test_a_hint_is_found_in_a_line(console: Client, world: World) -> None:
    Credential.objects.filter(pk=world.credential.pk).update(hint="cs_0347af")
    for line in ("PGUSER=cs_0347af", 'password authentication failed for user "cs_0347af"', "user=cs_0347af host=h"):
        assert lands_on(console, line) == url(world.credential)


@pytest.mark.parametrize("around", ['"{}"', "'{}',", "id={}", '{{"endUserId": "{}"}}', "10:00 refused {} with 403"])
def test_an_id_is_found_in_what_people_paste(console: Client, world: World, around: str) -> None:
    assert lands_on(console, around.format("inst_1")) == url(world.installation)


def test_the_page_says_which_value_was_pasted(console: Client, world: World) -> None:
    page = console.post(reverse("admin:search"), {"term": CANARY}, follow=True)
    assert "This is the credential that you pasted: its value apiKey." in page.content.decode()
    assert CANARY not in page.content.decode()


def test_a_hit_is_named_as_on_its_page_with_its_true_state(console: Client, world: World) -> None:
    key = world.make_key()
    revoke(credential=world.credential, actor="test", reason="test")
    (group,) = find(console, f"handed out: {world.credential.pk} {key.pk}").context["groups"]
    shown = {row["name"]: row["detail"] for row in group.rows}
    name = f"entered {str(world.credential.pk)[:8]} for acme"
    assert shown == {name: "may still work", f"{key.hint} for acme": "keys · active"}


def test_several_that_hold_it_are_listed_with_its_name(console: Client, world: World) -> None:
    second = world.make_credential()
    page = find(console, CANARY)
    (group,) = page.context["groups"]
    assert group.title == "These hold what you pasted"
    names = {f"entered {str(held.pk)[:8]} for acme" for held in (world.credential, second)}
    assert {row["name"] for row in group.rows} == names
    assert [row["detail"] for row in group.rows] == ["its value apiKey · active"] * 2


@pytest.mark.parametrize("part", ["corp", "ME CO", "cme", "eu-4711", "711"])
def test_a_customer_is_found_by_any_part(console: Client, world: World, part: str) -> None:
    customer = EndUser.objects.create(platform=world.platform, end_user_id="eu-4711", name="Acme Corporation")
    EndUser.objects.filter(pk=world.end_user.pk).update(external_id="other")
    assert lands_on(console, part) == url(customer)


MANY = """
INSERT INTO exchange_enduser (id, platform_id, end_user_id, external_id, name, attributes, is_active, created_at)
SELECT gen_random_uuid(), %s, 'many-' || n, '', 'Customer ' || n, '{}', true, now() FROM generate_series(1, 20000) AS n
"""


def test_a_search_that_takes_too_long_is_given_up(console: Client, world: World, monkeypatch: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MANY, [world.platform.pk])
    monkeypatch.setattr(search, "PART_MS", 1)
    assert search.TOO_MANY in find(console, "nowhere").content.decode()


def test_two_of_one_name_are_told_apart(console: Client, world: World) -> None:
    for number in (1, 2):
        EndUser.objects.create(platform=world.platform, end_user_id=f"twin_{number}", name="Acme Corporation")
    page = find(console, "Acme Corp")
    (group,) = page.context["groups"]
    assert sorted(row["detail"] for row in group.rows) == ["twin_1 · mindcloud", "twin_2 · mindcloud"]
