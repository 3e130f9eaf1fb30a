"""Grants: values by reference, for an end user or for one installation of theirs."""

from datetime import timedelta

import pytest

from credservice.audit.names import command_actor
from credservice.credentials.models import Credential
from credservice.credentials.services import revoke, rotate
from exchange.models import EndUser, Grant
from tests.manifest.conftest import SECRETS

PATH = "platforms.mindcloud.end_users.enduser_456def"
USER = """\
platforms:
  mindcloud:
    end_users:
      enduser_456def:
"""
NARROWER = f"""{USER}\
        installations:
          install_xyz789:
            grant: {{apiKey: file:demo/narrower}}
"""


def _values(state):
    return [credential.open()["apiKey"] for credential in Credential.objects.filter(state=state)]


@pytest.fixture
def credential(demo):
    return Credential.objects.get()


def test_a_granted_credential_knows_for_whom_it_is(demo, credential):
    assert credential.subject == EndUser.objects.get().subject
    assert credential.context == {
        "end_user": "enduser_456def",
        "external_id": "customer-1",
        "integration": "int_abc123",
    }


def test_a_changed_value_is_a_rotation(demo, credential):
    demo.secret("example-api-key", "another-key")
    assert demo.demo() == f"~ {PATH}.grants.int_abc123: changed\nApplied: 0 created, 1 changed.\n"
    assert _values("active") == ["another-key"]
    assert _values("retiring") == [SECRETS["example-api-key"]]
    assert Grant.objects.get().line == credential.line


def test_a_narrower_grant_is_beside_the_end_users(demo, credential):
    demo.secret("narrower", "narrower-key")
    assert f"+ {PATH}.installations.install_xyz789.grant\n" in demo.apply(NARROWER)
    grant = Grant.objects.get(installation__installation_id="install_xyz789")
    assert Credential.objects.get(line=grant.line).open() == {"apiKey": "narrower-key"}
    assert Credential.objects.get(line=grant.line).context["installation"] == "install_xyz789"
    assert demo.apply(NARROWER).endswith("Nothing to change.\n")


def test_a_changed_narrower_value_leaves_the_end_users(demo, credential):
    demo.secret("narrower", "narrower-key")
    demo.apply(NARROWER)
    demo.secret("narrower", "another-key")
    assert f"~ {PATH}.installations.install_xyz789.grant: changed\n" in demo.apply(NARROWER)
    assert sorted(_values("active")) == sorted(["another-key", SECRETS["example-api-key"]])


def test_a_revoked_value_is_not_brought_back(demo, credential):
    revoke(credential=credential, actor="user:operator", reason="leaked")
    printed = demo.demo()
    assert (
        f"Note: {PATH}.grants.int_abc123: this credential is revoked; the same values are not brought back" in printed
    )
    assert printed.endswith("Nothing to change.\n")
    assert not _values("active")


def test_another_value_follows_a_revoked_one(demo, credential):
    revoke(credential=credential, actor="user:operator", reason="leaked")
    demo.secret("example-api-key", "another-key")
    demo.demo()
    assert _values("active") == ["another-key"]
    assert Credential.objects.get(state="active").line == Grant.objects.get().line == credential.line


SHARED = """\
platforms:
  mindcloud:
    end_users:
      user-7: {external_id: a, grants: {int_abc123: {apiKey: file:demo/example-api-key}}}
      user_7: {external_id: b, grants: {int_abc123: {apiKey: file:demo/example-api-key}}}
  other:
    integrations:
      int_o: {policy: demo-api-key, response: {apiKey: $credential.apiKey}}
    end_users:
      user-7: {external_id: a, grants: {int_o: {apiKey: file:demo/example-api-key}}}
"""


def test_two_customers_with_the_same_values_are_told_of(demo):
    printed = demo.apply(SHARED)
    what = "platforms.mindcloud.end_users.user{}.grants.int_abc123"
    told = f"Note: {what.format('_7')}: these are the values of {what.format('-7')} too: is one of the two a slip?"
    assert told in printed
    assert printed.count("are the values of") == 1  # one customer on two platforms is one customer


def test_a_value_that_was_replaced_in_the_console_is_not_brought_back(demo, credential):
    rotate(credential=credential, actor="user:operator", entered={"apiKey": "from-the-console"})
    printed = demo.demo()
    assert "these values were replaced here since; they are not brought back" in printed
    assert _values("active") == ["from-the-console"]


OTHER_POLICY = f"""\
policies:
  other: {{issuer: static, overlap: 2h, options: {{names: [apiKey]}}}}
platforms:
  mindcloud:
    integrations:
      int_abc123: {{policy: other}}
{USER.split("mindcloud:", 1)[1].lstrip(chr(10))}        grants:
          int_abc123: {{apiKey: file:demo/example-api-key}}
"""


def test_another_policy_makes_the_successor(demo, credential):
    demo.secret("example-api-key", "another-key")
    assert f"~ {PATH}.grants.int_abc123: changed, for another policy\n" in demo.apply(OTHER_POLICY)
    active = Credential.objects.get(state="active")
    assert (active.policy.name, active.predecessor, active.open()) == ("other", credential, {"apiKey": "another-key"})
    credential.refresh_from_db()
    kept = credential.retires_at - active.activated_at
    assert (credential.state, round(kept.total_seconds())) == ("retiring", 7200)
    assert Grant.objects.get().line == active.line == credential.line


def test_a_pending_rotation_by_the_policy_before_is_in_the_way_and_nothing_ends(demo, credential):
    """As a PUT of the grant is refused: without an overlap, the customer's key would end at once."""
    Credential.objects.create(
        policy=credential.policy, line=credential.line, subject=credential.subject, predecessor=credential
    )
    demo.secret("example-api-key", "another-key")
    assert "A rotation has been pending since" in demo.refused(OTHER_POLICY)
    credential.refresh_from_db()
    assert (credential.state, Grant.objects.get().line) == ("active", credential.line)


def test_the_same_values_are_left_to_the_policy_before(demo, credential):
    demo.apply(OTHER_POLICY)
    assert Credential.objects.get() == credential
    assert demo.apply(OTHER_POLICY).endswith("Nothing to change.\n")


def test_another_policy_brings_no_revoked_value_back(demo, credential):
    revoke(credential=credential, actor="test", reason="test")
    assert "the same values are not brought back" in demo.apply(OTHER_POLICY)
    assert not _values("active")


def test_a_policy_that_makes_its_own_waits_for_the_first_exchange(demo):
    printed = demo.apply(f"{USER}        grants: {{int_generated: {{}}}}\n")
    assert printed.endswith("Nothing to change.\n")
    assert Grant.objects.count() == 1


def test_the_credential_of_a_suspended_end_user_is_suspended(demo):
    demo.apply(f"{USER}        active: false\n")
    assert Credential.objects.get().suspended
    demo.secret("example-api-key", "another-key")
    demo.demo()
    assert Credential.objects.get(state="active").suspended


def test_a_resumed_end_users_credential_is_resumed(demo):
    demo.apply(f"{USER}        active: false\n")
    assert f"~ {PATH}.active: false -> true\n" in demo.apply(f"{USER}        active: true\n")
    assert not Credential.objects.get().suspended


def test_each_grant_and_credential_has_its_line_in_the_trail(commands, trail):
    commands.demo()
    subject = EndUser.objects.get().subject
    for action in ("end_user.created", "credential.issued", "grant.created"):
        event = trail.one(action=action)
        assert (event.actor, event.subject) == (command_actor("apply"), subject)
    assert {event.subject for event in trail.all(action="installation.created")} == {subject}


def test_values_are_those_of_the_policy_as_the_file_leaves_it(demo, credential):
    demo.apply(
        f"""\
policies:
  demo-api-key: {{options: {{names: [apiKey, account]}}}}
{USER}        grants:
          int_abc123: {{apiKey: file:demo/example-api-key, account: file:demo/manifold-client-secret}}
""",
        "--accept-changed-answers",
    )
    assert set(Credential.objects.get(state="active").open()) == {"apiKey", "account"}


def test_a_value_that_leaked_and_was_erased_is_not_brought_back(demo, credential):
    rotate(credential=credential, actor="user:operator", entered={"apiKey": "next"}, overlap=timedelta(0))
    assert Credential.objects.get(pk=credential.pk).is_erased()
    assert "these values were replaced here since; they are not brought back" in demo.demo()
    assert _values("active") == ["next"]


def test_a_value_that_leaked_elsewhere_is_refused(demo, credential):
    revoke(credential=credential, actor="test", reason="in a public repository", leaked=True)
    demo.secret("narrower", SECRETS["example-api-key"])
    printed = demo.refused(NARROWER)
    assert "apiKey: this value was reported as leaked on 20" in printed
    assert SECRETS["example-api-key"] not in printed
    assert Credential.objects.count() == 1
