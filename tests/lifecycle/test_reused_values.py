"""A value that was reported as leaked is never taken again, for whomever it is entered."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.core.exceptions import Invalid
from credservice.credentials.key_lookup import recognise
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.reused_values import is_secret
from credservice.credentials.services import revoke, rotate, start_issue
from credservice.credentials.shared_values import holders_elsewhere
from credservice.credentials.transitions import values_digest
from credservice.credentials.vendor_values import put_credential

LEAKED, SHORT = "a-value-that-has-leaked", "hunter2"


def enter(subject="end_user:1", **values):
    names = sorted(values)
    policy, _ = CredentialPolicy.objects.get_or_create(
        name="-".join(names), defaults={"issuer": "static", "options": {"names": names}}
    )
    return start_issue(policy=policy, context={}, subject=subject, actor="test", entered=values)


def leak(credential):
    revoke(credential=credential, actor="test", reason="in a public repository", leaked=True)
    Credential.objects.filter(pk=credential.pk).update(leaked_at=timezone.now() - timedelta(days=3))


def told(refused):
    """The sentence, with its day as it stands there."""
    return f"{refused} on {timezone.now() - timedelta(days=3):%Y-%m-%d}. Enter"


PUBLIC = {
    "grantType": "client_credentials",
    "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "GRANT-TYPE": "client_credentials",
    "server": "db-7.internal.example.com:5432",
    "OAuthAudience": "https://api.example.com/?tenant=acme-7",
    "scopes": "read:orders write:orders",
    "s3_bucket2": "acme-production-4711",
    "organization": "acme-0815",
    "apiVersion": "2026-12-01-preview",
    "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "tokenEndpoint": "https://login.example.com/oauth2/v2.0/token",
    "caCertificate": "-----BEGIN CERTIFICATE-----MIIB",
    "bundle": 2 * "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "trusted": "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
    "publicKey": "letters",
    "publishable_key": "pk_live_4711",
    "timezone": "Europe/Berlin",
    "description": "of the shop in Berlin",
    "department": "sales-0815-emea",
    "baseUrl": "https://acme.openai.example.com/openai/deployments/gpt/completions?api-version=2026-02-15-preview",
    "formatUrl": "https://api.example.com/v1?format=json&version=2026-01-01",
    "stateUrl": "jdbc:postgresql://h:5432/customers_database_eu1?sslmode=require",
    "countryUrl": "https://api.example.com/v1/customer-data-platform-v2/?country_code=DE",
    "authorizeUrl": "https://login.example.com/authorize?client_id=0oa1b2c3d4e5f6g7h8i9&scope=read",
    "caBundle": "# Root of 2026\nBag Attributes\n    friendlyName: ca\n-----BEGIN CERTIFICATE-----\nM\n"
    "-----END CERTIFICATE-----",
    "datedUrl": "https://api.example.com/models/gpt-4o-mini-2026-07-18/",
    "key_alias": "production-signing-2026",
    "model": "claude-3-5-sonnet-20241022",
    "site": "us5.datadoghq.com",
    "instance": "na139.salesforce.com",
    "user_agent": "acme-connector-0815",
    "orgUrl": "https://api.example.com/orgs/0c4f1b9e-8a52-4d0e-9f43-6a0c9d0d7c11/orders",
}
SECRET = {
    "secretId": "0c4f1b9e-8a52-4d0e-9f43-6a0c9d0d7c11",
    "session_id": "plain-words-of-letters",
    "sid": "plain-words-of-letters",
    "webhook_url": "https://hooks.example.com/services/T0ABCDE/B0CDEFG/XyZZyXyZ0123456789XyZZyX",
    "feed_url": "https://api.vendor.example/feed?token=letters",
    "discordUrl": "https://chat.example.com/api/webhooks/123456789012345678/AbC-dEfGh1jKlMn0pQ_rStUvWxYz0123",
    "teamsUrl": "https://chat.example.com/hook/IncomingWebhook/0123456789abcdef0123456789abcdef/7",
    "state": "plain-words-of-letters",
    "hookUrl": "https://api.example.com/hook?t=8f7d6a5b4c3d2e1f0a9b8c7d",
    "jwtUrl": "https://api.example.com/hook?jwt=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc123",
    "shareUrl": "https://api.example.com/#/s/8f7d6a5b4c3d2e1f0a9b8c7d",
    "inviteUrl": "https://api.example.com/invite/k7Qp-x92L_mm3Rz.t8Yw",
    "codeUrl": "https://api.example.com/?access_code=letters",
    "smtpUrl": "smtp.example.com;smtp_pass=hunter2",
    "chain": "password: letters\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "authUrl": "https://db.example.com/acme.json?auth=letters",
    "publicClientSecret": "letters",
    "nonPublicToken": "letters",
    "public_key_passphrase": "letters",
    "tls": '{"ca": "-----BEGIN CERTIFICATE-----MIIB-----END CERTIFICATE-----", "client": "letters"}',
    "sasUrl": "https://store.example.com/box?sv=2026&sig=letters",
    "jdbcUrl": "jdbc:postgresql://db.example.com/acme?user=acme&password=letters",
    "endpoint": "Endpoint=sb://bus.example.com;SharedAccessKey=letters",
    "service_account": '{"type": "service_account", "key": "-----BEGIN PRIVATE KEY-----MIIB"}',
    "smtp_pw": "plain-words-of-letters",
    "passwort": "plain-words-of-letters",
    "contrasena": "plain-words-of-letters",
    "psk": "plain-words-of-letters",
    "recovery_code": "ABCD-EFGH-IJKL-MNOP",
    "app": "abcd efgh ijkl mnop",
    "security_answer": "the name of a dog",
    "flow": "client_credentials",
    "target": "https://api.vendor.example/v1/orders",
    "accessKey": "plain-words-of-letters",
    "API_KEYS": "one two three four",
    "passphrase": "correct horse battery staple",
    "seedPhrase": "correct horse battery staple",
    "privateKeyPem": "letters",
    "x-signature": "letters",
    "tokenV2": "letters",
    "server": "postgres://acme:hunter22@db.example.com",
    "data": "qWhdJskLaQpwOeiRutyz",
    "auth": "Basic dXNlcjpwYXNz",
    "hook": "https://hooks.example.com/services/T0AB/B0CD/XyZZyXyZ",
    "dsn": "jdbc:postgresql://db.example.com/acme?user=acme&password=letters",
}


@pytest.mark.parametrize(("secret", "values"), [(False, PUBLIC), (True, SECRET)])
def test_all_is_a_secret_but_what_names_or_places_something(secret, values):
    told = {name: is_secret(name, value, values) for name, value in values.items()}
    assert told == dict.fromkeys(values, secret)


def test_a_value_that_stands_alone_is_a_secret():
    assert is_secret("grantType", "client_credentials", ["grantType"])


@pytest.mark.django_db
@pytest.mark.parametrize("value", [LEAKED, SHORT])
@pytest.mark.parametrize("subject", ["end_user:1", "end_user:2", ""])
def test_it_is_refused_for_whomever_it_is(value, subject):
    leak(enter(apiKey=value))
    with pytest.raises(Invalid) as refusal:
        enter(subject, apiKey=value)
    assert refusal.value.message == told("apiKey: this value was reported as leaked") + " a new one."
    assert refusal.value.pointer == "/values/apiKey"
    assert Credential.objects.count() == 1


@pytest.mark.django_db
def test_it_is_refused_as_the_successor_of_another():
    leak(enter(apiKey=LEAKED))
    other = enter("end_user:2", apiKey="another-value-entirely")
    with pytest.raises(Invalid, match="reported as leaked"):
        rotate(credential=other, actor="test", entered={"apiKey": LEAKED})
    with pytest.raises(Invalid, match="reported as leaked"):
        put_credential(credential=other, policy=other.policy, values={"apiKey": LEAKED}, actor="test")
    other.refresh_from_db()
    assert other.state == "active"


@pytest.mark.django_db
def test_what_a_rotation_replaced_as_leaked_does_not_follow_its_successor():
    first = enter(apiKey=LEAKED)
    second = rotate(credential=first, actor="test", entered={"apiKey": "the-second-value"}, overlap=timedelta(0))
    with pytest.raises(Invalid, match="reported as leaked"):
        rotate(credential=second, actor="test", entered={"apiKey": LEAKED})


@pytest.mark.django_db
def test_what_ended_without_a_leak_may_come_back():
    revoke(credential=enter(apiKey=LEAKED), actor="test", reason="the customer has left")
    assert enter("end_user:2", apiKey=LEAKED).state == "active"


@pytest.mark.django_db
def test_beside_a_new_secret_the_name_of_its_holder_stays():
    leak(enter(baseUrl="https://acme.example.com/api", clientSecret=LEAKED, userName="acme-production"))
    same = {"baseUrl": "https://acme.example.com/api", "userName": "acme-production"}
    assert enter(**same, clientSecret="a-new-secret-for-acme").state == "active"
    with pytest.raises(Invalid, match=r"^clientSecret: this value"):
        enter(clientSecret=LEAKED, baseUrl="https://other.example.com/api", userName="other-production")


@pytest.mark.django_db
def test_short_values_are_refused_together():
    leak(enter(userName="acme-production", password=SHORT))
    with pytest.raises(Invalid) as refusal:
        enter("end_user:2", userName="acme-production", password=SHORT)
    assert refusal.value.message.startswith("userName, password: these values were reported as leaked on")
    assert enter(userName="acme-production", password="hunter3").state == "active"


@pytest.mark.django_db
def test_what_leaks_with_a_rotation_was_not_reported_before():
    """An older version has the secret, and another that is entered now: both are first reported with this rotation."""
    older = enter(clientSecret=LEAKED, apiSecret="another-secret-of-acme")
    newer = rotate(
        credential=older, actor="test", entered={"clientSecret": LEAKED, "apiSecret": "a-newer-secret-of-it"}
    )
    for lost in ({"clientSecret": LEAKED}, {"apiSecret": "another-secret-of-acme"}):
        entered = {"clientSecret": "a-third-secret-of-acme", "apiSecret": "a-fourth-secret-of-acme"} | lost
        with pytest.raises(Invalid, match=r": this value is reported as leaked with this rotation\. Enter a new one"):
            rotate(credential=newer, actor="test", entered=entered, overlap=timedelta(0))


@pytest.mark.django_db
def test_a_rotation_for_a_leak_takes_no_secret_that_leaks_with_it():
    first = enter(userName="acme-production", password=LEAKED)
    with pytest.raises(Invalid, match=r"^password: this value is reported as leaked with this rotation"):
        rotate(
            credential=first,
            actor="test",
            entered={"userName": "acme-staging-2", "password": LEAKED},
            overlap=timedelta(0),
        )


@pytest.mark.django_db
@pytest.mark.parametrize("around", ["{}\n", "{}", " {}\r\n"])
def test_a_value_with_a_line_break_at_its_end_is_the_same_secret(around):
    """As a key's file has one: what is pasted or entered elsewhere has not, or has another."""
    policy = CredentialPolicy.objects.create(name="files", issuer="static", options={"names": ["key"]})
    for subject, value in (("a", f"{LEAKED}\n"), ("b", around.format(LEAKED))):
        start_issue(policy=policy, context={}, subject=subject, actor="test", entered={"key": value})
    first, other = Credential.objects.order_by("created_at")
    assert [row.pk for row in holders_elsewhere(first)] == [other.pk]
    assert first in [found.credential for found in recognise(around.format(LEAKED), actor="test")]
    revoke(credential=first, actor="test", reason="leaked", leaked=True)
    with pytest.raises(Invalid, match="reported as leaked"):
        start_issue(policy=policy, context={}, subject="c", actor="test", entered={"key": around.format(LEAKED)})


@pytest.mark.django_db
@pytest.mark.parametrize("short", [SHORT, "11-letters!"])
@pytest.mark.parametrize(("leaked", "entered"), [("{}\n", "{}"), ("{}", "{}\n"), ("{}\n", " {}\r\n"), ("{}\n", "{}\n")])
def test_so_is_a_short_one(short, leaked, entered):
    leak(enter(apiKey=leaked.format(short)))
    with pytest.raises(Invalid, match=r"^apiKey: this value was reported as leaked"):
        enter("end_user:2", apiKey=entered.format(short))


@pytest.mark.django_db
def test_a_short_one_that_leaks_now_is_not_entered_with_another_line_break():
    first = enter(apiKey=f"{SHORT}\n")
    with pytest.raises(Invalid, match="reported as leaked with this rotation"):
        rotate(credential=first, actor="test", entered={"apiKey": SHORT}, overlap=timedelta(0))
    assert rotate(credential=first, actor="test", entered={"apiKey": SHORT}).state == "active"


@pytest.mark.django_db
def test_a_short_one_that_an_older_release_erased_is_still_known():
    leak(first := enter(apiKey=f"{SHORT}\n"))
    Credential.objects.filter(pk=first.pk).update(value_digests=[values_digest({"apiKey": f"{SHORT}\n"})])
    with pytest.raises(Invalid, match="reported as leaked"):
        enter("end_user:2", apiKey=f"{SHORT}\n")
