from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import finish_issue, revoke, start_issue
from credservice.credentials.tasks import sweep
from credservice.issuers.base import IssueFailed, IssueRequest, IssuerUnavailable
from credservice.issuers.oauth2 import OAuth2Issuer
from tests.issuers.oauth2_server import CLIENT_ID, CLIENT_SECRET, EXCHANGE, authorization_server

pytestmark = pytest.mark.django_db
CONTEXT = {"end_user": "eu_1", "external_id": "acme", "integration": "int_1"}


@pytest.fixture
def server(tmp_path, settings, monkeypatch):
    monkeypatch.setenv("OAUTH_SECRET", CLIENT_SECRET)
    with authorization_server(tmp_path, settings) as vendor:
        yield vendor


def issuer(server, **options):
    given = {"token_url": f"{server.url}/token", "client_id": CLIENT_ID, "client_secret": "env:OAUTH_SECRET"}
    return OAuth2Issuer(**given | {"seconds": 2} | options)


def request(lifetime=None, **options):
    return IssueRequest(str(uuid4()), options, CONTEXT, lifetime=lifetime)


@pytest.mark.parametrize(
    ("authentication", "method"), [("basic", "client_secret_basic"), ("post", "client_secret_post")]
)
def test_it_gets_a_token_by_client_credentials(server, authentication, method):
    issued = issuer(server, authentication=authentication).issue(request(scope="read write", name="TOKEN"))
    token = server.issued[issued.values["TOKEN"]]
    assert token.form["grant_type"] == ["client_credentials"]
    assert token.form["scope"] == ["read write"]
    assert token.auth_method == method


def test_several_audiences_and_resources_are_sent_and_sources_filled(server):
    options = {"audience": ["crm", "$integration"], "resource": ["https://a.example/", "https://b.example/"]}
    issued = issuer(server).issue(request(**options))
    form = server.issued[issued.values["ACCESS_TOKEN"]].form
    assert (form["audience"], form["resource"]) == (["crm", "int_1"], options["resource"])


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_it_exchanges_a_token_that_we_sign_for_the_end_user(server, algorithm):
    options = {"subject": "$end_user", "subject_audience": server.audience, "subject_algorithm": algorithm}
    issued = issuer(server, grant="token_exchange").issue(request(**options))
    token = server.issued[issued.values["ACCESS_TOKEN"]]
    assert token.user == "eu_1"
    assert token.form["grant_type"] == [EXCHANGE]
    assert token.form["subject_token_type"] == ["urn:ietf:params:oauth:token-type:jwt"]


def test_it_exchanges_a_value_of_the_context(server):
    options = {"subject_token": "$external_id", "subject_token_type": "urn:vendor:user-id"}
    issued = issuer(server, grant="token_exchange").issue(request(**options))
    assert server.issued[issued.values["ACCESS_TOKEN"]].user == "acme"


def test_our_token_is_for_the_token_endpoint_unless_told_otherwise(server):
    server.audience = f"{server.url}/token"
    issuer(server, grant="token_exchange").issue(request(subject="$end_user"))


def test_the_authorization_server_may_refuse_our_token(server):
    server.audience = "https://somebody.else/"
    with pytest.raises(IssueFailed, match=r"The subject token is not good\. \(invalid_grant\)") as caught:
        issuer(server, grant="token_exchange").issue(request(subject="$end_user"))
    (sent,) = server.received
    assert b"subject_token=ey" in sent.body
    assert "ey" not in str(caught.value)


@time_machine.travel(datetime(2026, 11, 20, 12, tzinfo=UTC), tick=False)
@pytest.mark.parametrize(
    ("expires_in", "options", "refresh"),
    [(600, {}, 540), (600, {"margin": 200}, 400), (100, {}, 50), (60, {"margin": 3600}, 30)],
)
def test_it_is_kept_until_a_margin_before_its_end(server, expires_in, options, refresh):
    server.expires_in, now = expires_in, datetime.now(UTC)
    issued = issuer(server).issue(request(**options))
    assert issued.expires_at == now + timedelta(seconds=expires_in)
    assert issued.refresh_at == now + timedelta(seconds=refresh)


@time_machine.travel(datetime(2026, 11, 20, 12, tzinfo=UTC), tick=False)
def test_a_shorter_lifetime_of_the_policy_counts(server):
    issued = issuer(server).issue(request(lifetime=timedelta(seconds=300)))
    assert issued.refresh_at == datetime.now(UTC) + timedelta(seconds=240)


@pytest.fixture
def leaked(server, settings):
    """Make a token whose server cannot end it, by a policy of this lifetime, and revoke it as leaked."""
    options = {"token_url": f"{server.url}/token", "client_id": CLIENT_ID, "client_secret": "env:OAUTH_SECRET"}
    settings.CREDENTIAL_ISSUERS = settings.CREDENTIAL_ISSUERS | {
        "authority": {"BACKEND": "credservice.issuers.oauth2.OAuth2Issuer", "OPTIONS": options}
    }

    def make(lifetime, leaked=True):
        policy = CredentialPolicy.objects.create(name="tokens", issuer="authority", lifetime=lifetime, overlap=NONE)
        token = finish_issue(start_issue(policy=policy, context={}, subject="", actor="test"), actor="test")
        return revoke(credential=token, actor="test", reason="seen in a log", leaked=leaked)

    return make


NONE, MINUTE = timedelta(0), timedelta(minutes=1)


@pytest.mark.parametrize("lifetime", [None, 2 * MINUTE])
def test_a_leaked_token_may_work_until_its_server_lets_it_expire(server, leaked, lifetime):
    """Of ten minutes, whatever the policy's lifetime."""
    token = leaked(lifetime)
    assert 9 * MINUTE < token.works_until() - datetime.now(UTC) <= 10 * MINUTE
    for minutes, word in ((3, "leaked, may still work"), (11, "revoked")):
        with time_machine.travel(datetime.now(UTC) + minutes * MINUTE):
            sweep(0)
            assert Credential.objects.get().state_word() == word
    assert Credential.objects.get().outside == "confirmed"


def test_one_of_a_server_that_names_no_end_may_work_for_ever(server, leaked):
    server.expires_in = None
    token = leaked(2 * MINUTE)
    assert (token.expiry_outside(), token.works_until()) == (None, None)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=400)):
        sweep(0)
        assert Credential.objects.get().state_word() == "leaked, may still work"


def test_one_without_any_end_is_an_open_point_also_where_it_has_not_leaked(server, leaked):
    server.expires_in = None
    assert leaked(None, leaked=False).outside == "open"


def test_one_that_ends_by_some_policy_is_none_where_it_has_not_leaked(server, leaked):
    """Each token that is refreshed would be one."""
    server.expires_in = None
    assert leaked(2 * MINUTE, leaked=False).outside == ""


def test_a_token_is_revoked(server):
    revoking = issuer(server, revocation_url=f"{server.url}/revoke")
    wanted = request()
    issued = revoking.issue(wanted)
    for _ in range(2):
        revoking.revoke(wanted.credential_id, {}, issued.handle)
    assert server.issued[issued.values["ACCESS_TOKEN"]].revoked


def test_the_handle_holds_the_token_only_sealed_and_for_this_credential(server):
    revoking, wanted = issuer(server, revocation_url=f"{server.url}/revoke"), request()
    issued = revoking.issue(wanted)
    assert issued.values["ACCESS_TOKEN"] not in str(issued.handle)
    with pytest.raises(IssuerUnavailable, match="does not open"):
        revoking.revoke(str(uuid4()), {}, issued.handle)


def test_what_was_never_made_is_as_good_as_revoked(server):
    issuer(server, revocation_url=f"{server.url}/revoke").revoke(str(uuid4()), {}, {})
    assert server.received == []


def test_without_a_revocation_url_it_cannot_revoke(server):
    assert issuer(server).can_revoke is False
    assert issuer(server).issue(request()).handle == {}
    assert issuer(server, revocation_url=f"{server.url}/revoke").can_revoke is True


@pytest.mark.parametrize("authentication", ["basic", "post"])
def test_a_wrong_client_secret_is_put_right_by_an_operator(server, monkeypatch, authentication):
    monkeypatch.setenv("OAUTH_SECRET", "wr0ng-secret-of-the-client")
    with pytest.raises(IssuerUnavailable, match="invalid_client") as caught:
        issuer(server, authentication=authentication).issue(request())
    assert "wr0ng" not in str(caught.value)


def test_a_refused_scope_is_final(server):
    server.scopes_supported = ["read"]
    with pytest.raises(IssueFailed, match="invalid_scope"):
        issuer(server).issue(request(scope="forbidden"))


def test_a_source_that_the_context_lacks_is_final(server):
    with pytest.raises(IssueFailed, match=r"no \$plan"):
        issuer(server).issue(request(audience="$plan"))
    assert server.received == []
