from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from joserfc import jwt
from joserfc.errors import ExpiredTokenError
from joserfc.jwk import KeySet

from credservice.credentials.models import CredentialPolicy
from credservice.credentials.services import refresh, start_issue
from credservice.issuers.base import Issued, IssueFailed, IssueRequest
from credservice.issuers.jwt import JWTIssuer
from credservice.issuers.options import OptionsError
from credservice.keys.models import SigningKey
from credservice.keys.signing_keys import activate_signing_key, generate_signing_key

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
CONTEXT = {"end_user": "eu_1", "plan": "small", "features": {"age": 2, "ready": True}}
OPTIONS = {"audience": "vendor", "claims": {"sub": "$end_user"}}


def issue(context=CONTEXT, lifetime=timedelta(hours=1), **options):
    return JWTIssuer().issue(IssueRequest(str(uuid4()), OPTIONS | options, context, lifetime=lifetime))


def claims_of(client, issued, algorithm="EdDSA", name="TOKEN"):
    """As the vendor's product reads a token: by what is published."""
    keys = KeySet.import_key_set(client.get("/.well-known/jwks.json").json())
    token = jwt.decode(issued.values[name], keys, algorithms=[algorithm])
    registry = jwt.JWTClaimsRegistry(iss={"essential": True}, aud={"essential": True}, exp={"essential": True})
    registry.validate(token.claims)
    return token.header, token.claims


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_the_published_keys_verify_the_token(client, algorithm):
    header, claims = claims_of(client, issue(algorithm=algorithm), algorithm)
    assert header == {"alg": algorithm, "typ": "JWT", "kid": SigningKey.objects.get().kid}
    assert claims["sub"] == "eu_1"


@time_machine.travel(NOW, tick=False)
def test_the_claims_are_those_of_the_template_and_ours(client, settings):
    settings.PUBLIC_URL = "https://credentials.example.com"
    request = IssueRequest(
        str(uuid4()),
        OPTIONS | {"claims": {"sub": "$end_user", "plan": {"is": "$plan"}, "age": ["$features.age"], "cost": "$$5"}},
        CONTEXT,
        lifetime=timedelta(hours=1),
    )
    assert claims_of(client, JWTIssuer().issue(request))[1] == {
        "sub": "eu_1",
        "plan": {"is": "small"},
        "age": [2],
        "cost": "$5",
        "iss": "https://credentials.example.com",
        "aud": "vendor",
        "jti": request.credential_id,
        "iat": int(NOW.timestamp()),
        "nbf": int(NOW.timestamp()) - 30,
        "exp": int(NOW.timestamp()) + 3600,
    }


def test_issuer_audience_and_name_are_the_policys(client):
    issued = issue(issuer="https://auth.example.com", audience=["a", "$plan"], name="accessToken")
    claims = claims_of(client, issued, name="accessToken")[1]
    assert (claims["iss"], claims["aud"]) == ("https://auth.example.com", ["a", "small"])


@time_machine.travel(NOW, tick=False)
def test_it_is_made_anew_after_a_share_of_its_life():
    issued = issue(lifetime=timedelta(hours=10), refresh_share=0.2)
    assert issued.expires_at == NOW + timedelta(hours=10)
    assert issued.refresh_at == NOW + timedelta(hours=2)


@time_machine.travel(NOW, tick=False)
def test_the_option_lifetime_is_for_policies_without_one():
    option = OPTIONS | {"lifetime": 600}
    made = [
        JWTIssuer().issue(IssueRequest("c1", option, CONTEXT, lifetime=given)) for given in (None, timedelta(hours=1))
    ]
    assert [issued.expires_at for issued in made] == [NOW + timedelta(minutes=10), NOW + timedelta(hours=1)]


def test_it_expires_by_itself(client):
    issued = issue(lifetime=timedelta(minutes=5))
    claims_of(client, issued)
    with time_machine.travel(issued.expires_at + timedelta(seconds=1)), pytest.raises(ExpiredTokenError):
        claims_of(client, issued)


def test_a_token_of_the_key_before_still_verifies(client):
    issued = issue()
    new = generate_signing_key(algorithm="EdDSA", actor="user:1")
    activate_signing_key(key=new, actor="user:1")
    assert claims_of(client, issued)[0]["kid"] != claims_of(client, issue())[0]["kid"]


def test_neither_hint_nor_handle_lead_to_the_token():
    issued = issue()
    assert len(issued.hint) < 10
    assert issued.values["TOKEN"] not in str(issued.handle) + repr(issued)


@pytest.mark.parametrize("context", [{}, {"end_user": {"id": "eu_1"}}, {"end_user": 7}])
def test_what_the_context_lacks_is_final(context):
    with pytest.raises(IssueFailed, match=r"end_user|texts"):
        issue(context=context)


def test_an_audience_that_is_no_text_is_final():
    with pytest.raises(IssueFailed, match="must be texts"):
        issue(audience="$features")


def test_a_token_that_no_header_can_hold_is_final():
    with pytest.raises(IssueFailed, match="bytes"):
        issue(context={"end_user": "e" * 9000})


@pytest.mark.parametrize("lifetime", [timedelta(seconds=59), timedelta(hours=24, seconds=1), timedelta(days=999)])
def test_a_lifetime_out_of_bounds_is_refused(lifetime):
    with pytest.raises(OptionsError, match="lifetime"):
        JWTIssuer().check_lifetime(OPTIONS, lifetime)
    with pytest.raises(IssueFailed, match="lifetime"):
        issue(lifetime=lifetime)


def test_a_token_lives_for_an_hour_where_nothing_is_said():
    JWTIssuer().check_lifetime(OPTIONS, None)
    issued = issue(lifetime=None)
    assert timedelta(minutes=59) < issued.expires_at - datetime.now(UTC) <= timedelta(hours=1)


@pytest.mark.parametrize("lifetime", [59, 86_401, 0, -1, True, "3600", 3600.0, None, 10**30])
def test_a_lifetime_option_out_of_bounds_is_refused(lifetime):
    with pytest.raises(OptionsError, match="lifetime"):
        JWTIssuer().check_options(OPTIONS | {"lifetime": lifetime})


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"algorithm": "HS256"}, "algorithm must be one of"),
        ({"algorithm": "none"}, "algorithm must be one of"),
        ({"algorithm": []}, "algorithm must be one of"),
        ({"audience": None}, "audience must say"),
        ({"audience": ""}, "audience must say"),
        ({"audience": []}, "audience must say"),
        ({"audience": [7]}, "audience must say"),
        ({"audience": "$a b"}, "audience names no source"),
        ({"issuer": ""}, "issuer must be"),
        ({"issuer": 7}, "issuer must be"),
        ({"name": ""}, "name must be"),
        ({"refresh_share": 1}, "refresh_share must be"),
        ({"refresh_share": True}, "refresh_share must be"),
        ({"refresh_share": "0.5"}, "refresh_share must be"),
        ({"claims": []}, "claims must be"),
        ({"claims": {"": 1}}, "claims must be"),
        ({"claims": {"exp": 1}}, "must leave exp out"),
        ({"claims": {"jti": "x"}}, "must leave jti out"),
        ({"claims": {"sub": "${end_user}"}}, "claims names no source"),
        ({"scope": "x"}, "unknown option 'scope'"),
    ],
)
def test_options_that_cannot_work_are_refused(changes, phrase):
    with pytest.raises(OptionsError, match=phrase):
        JWTIssuer().check_options(OPTIONS | changes)


def test_a_policys_token_is_handed_out_until_it_is_due_and_then_made_anew(client):
    policy = CredentialPolicy(name="tokens", issuer="jwt", options=OPTIONS, overlap=timedelta(0))
    policy.lifetime = timedelta(hours=2)
    policy.full_clean()
    policy.save()
    first = start_issue(policy=policy, context=CONTEXT, subject="end_user:1", actor="test")
    assert refresh(first, actor="test") == (first, False)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1, minutes=1)):
        second, is_stale = refresh(first, actor="test")
        assert (second.state, is_stale) == ("active", False)
        assert second.open() != first.open()
        assert claims_of(client, Issued(values=second.open()))[1]["jti"] == str(second.pk)
