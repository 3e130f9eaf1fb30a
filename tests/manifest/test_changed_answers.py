"""A set-up file that changes what customers are answered today is applied only where that is accepted."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from credservice.audit.models import AuditEvent
from credservice.keys.models import SigningSecret
from exchange.audit import ACTION
from exchange.models import EndUser, Installation, Integration, Platform
from provisioning.models import LiveKey, TrustedKey

ACCEPT = "--accept-changed-answers"
INT = "platforms.mindcloud.integrations.int_abc123"
SHAPE = """\
platforms:
  mindcloud:
    integrations:
      int_abc123: {response: {apiKey: $credential.apiKey, plan: $end_user.plan}}
"""
UNANSWERED = f"{INT}: 1 installation would get no answer: install_xyz789 (the customer has no attribute plan)."


def shape():
    return Integration.objects.get(integration_id="int_abc123").response_shape


def test_it_is_refused_with_whose_answers_and_how_to_go_on(demo, trail):
    before = len(trail.all())
    assert demo.refused(SHAPE).splitlines() == [
        "set-up.yaml changes answers that customers get today; nothing was changed.",
        f"set-up.yaml:4: {UNANSWERED}",
        f"To change them all the same, apply it with {ACCEPT}.",
    ]
    assert shape() == {"apiKey": "$credential.apiKey"}
    assert len(trail.all()) == before


def test_an_id_of_the_partner_does_not_steer_the_terminal(demo):
    Installation.objects.filter(installation_id="install_xyz789").update(installation_id="evil\x1b[2J\nset-up")
    assert ": evil?[2J?set-up (the customer has no attribute plan)." in demo.refused(SHAPE)


def test_it_is_applied_where_it_is_accepted(demo, trail):
    assert demo.apply(SHAPE, ACCEPT).splitlines()[1] == f"Changed answers: {UNANSWERED}"
    assert "plan" in shape()
    accepted = trail.one(action="integration.changed").detail["accepted_changed_answers"]
    assert accepted == {"different": 0, "unanswered": 1, "not_all_looked_at": 0}
    assert demo.apply(SHAPE).endswith("Nothing to change.\n")


def test_a_dry_run_shows_it_and_ends_as_the_real_one(demo):
    out = StringIO()
    (demo.folder / "set-up.yaml").write_text(SHAPE)
    with pytest.raises(CommandError, match=ACCEPT):
        call_command("apply", "set-up.yaml", "--dry-run", stdout=out)
    assert f"Changed answers: {UNANSWERED}\n" in out.getvalue()
    assert out.getvalue().endswith("Dry run, nothing was changed. It would be: 0 created, 1 changed.\n")
    assert demo.apply(SHAPE, "--dry-run", ACCEPT) == out.getvalue()
    assert shape() == {"apiKey": "$credential.apiKey"}


def test_what_the_same_file_gives_the_customers_counts(demo):
    both = f"{SHAPE}    end_users:\n      enduser_456def: {{attributes: {{plan: small}}}}\n"
    refusal = demo.refused(both).splitlines()[1]
    assert refusal.endswith("1 installation would be answered differently: install_xyz789. `plan` is new.")
    demo.apply(both, ACCEPT)
    assert EndUser.objects.get().attributes == {"plan": "small"}


def test_a_repair_is_not_asked_about(demo):
    demo.apply(SHAPE, ACCEPT)
    assert "Applied" in demo.apply(SHAPE.replace("$end_user.plan", "small"))


def test_new_installations_and_integrations_are_not_asked_about(demo):
    text = """\
platforms:
  mindcloud:
    integrations:
      int_new: {policy: demo-api-key, response: {apiKey: $credential.apiKey}}
    end_users:
      enduser_new: {installations: {install_new: int_new}}
"""
    assert "Applied: 3 created" in demo.apply(text)


def test_a_policy_whose_issuer_changes_names_what_uses_it(demo):
    entered = """\
policies:
  acme-generated-key: {issuer: static, options: {names: [apiKey]}}
"""
    first, line = demo.refused(entered).splitlines()[1:-1]
    assert first.startswith(
        "set-up.yaml:2: policies.acme-generated-key: From now on, apiKey has to be entered for each"
    )
    assert line == (
        "set-up.yaml:2: policies.acme-generated-key: integration int_generated of mindcloud uses it: "
        "1 installation would get no answer: install_generated (its values would have to be entered)."
    )


def test_another_policy_of_an_integration_is_judged_as_a_changed_one(demo, trail):
    text = """\
policies:
  short: {issuer: static, options: {names: [apiKey]}, lifetime: 1h}
platforms:
  mindcloud:
    integrations:
      int_abc123: {policy: short}
"""
    (line,) = demo.refused(text).splitlines()[1:-1]
    told = (
        f"{INT}: The next credentials of 1 installation end 1 hour after they are entered. Entered values have no "
        "successor until somebody enters one. Their customers get no answer until then. The present ones keep their "
        "end."
    )
    assert line == f"set-up.yaml:6: {told}"
    assert f"Changed answers: {told}" in demo.apply(text, ACCEPT)
    accepted = trail.all(action="integration.changed")[-1].detail["accepted_changed_answers"]
    assert accepted == {"different": 0, "unanswered": 0, "not_all_looked_at": 0, "end_unrenewed": 1}


def test_values_that_the_same_file_gives_by_their_new_name_are_answered(demo):
    text = """\
policies:
  demo-api-key: {options: {names: [token]}}
platforms:
  mindcloud:
    integrations:
      int_abc123: {response: {apiKey: $credential.token}}
    end_users:
      enduser_456def:
        grants:
          int_abc123: {token: file:demo/manifold-client-secret}
"""
    first, line = demo.refused(text).splitlines()[1:-1]
    assert first.startswith(
        "set-up.yaml:2: policies.demo-api-key: From now on, token has to be entered for each customer"
    )
    assert line.endswith("answered differently: install_xyz789. `apiKey` now comes from the value token.")


TENANT = """\
platforms:
  mindcloud:
    integrations:
      int_abc123: {response: {apiKey: $credential.apiKey, tenant: $end_user.tenant, site: $installation.site}}
    end_users:
      enduser_456def:
        attributes: {tenant: t-1}
        installations: {install_xyz789: {integration: int_abc123, attributes: {site: s-1}}}
"""
USER = "platforms.mindcloud.end_users.enduser_456def"


def users(attributes, inner=""):
    return f"platforms:\n  mindcloud:\n    end_users:\n      enduser_456def:\n        attributes: {attributes}\n{inner}"


def test_an_attribute_that_an_answer_needs_is_not_dropped_by_the_way(demo, trail):
    demo.apply(TENANT, ACCEPT)
    text = users("{plan: gold}")
    told = f"{USER}: 1 installation would get no answer: install_xyz789 (the customer has no attribute tenant)."
    assert demo.refused(text).splitlines()[1] == f"set-up.yaml:4: {told}"
    assert EndUser.objects.get(end_user_id="enduser_456def").attributes == {"tenant": "t-1"}
    assert f"Changed answers: {told}" in demo.apply(text, ACCEPT)
    accepted = trail.all(action="end_user.changed")[-1].detail["accepted_changed_answers"]
    assert accepted == {"different": 0, "unanswered": 1, "not_all_looked_at": 0}


def test_an_attribute_of_an_installation_counts_as_well(demo):
    demo.apply(TENANT, ACCEPT)
    inner = "        installations: {install_xyz789: {integration: int_abc123, attributes: {}}}\n"
    (line,) = demo.refused(users("{tenant: t-1}", inner)).splitlines()[1:-1]
    assert line.endswith(
        "install_xyz789: 1 installation would get no answer: install_xyz789 (the installation has no attribute site)."
    )


def test_another_value_and_an_attribute_that_nothing_needs_are_not_asked_about(demo):
    demo.apply(TENANT.replace("{tenant: t-1}", "{tenant: t-1, plan: gold}"), ACCEPT)
    assert "Applied" in demo.apply(users("{tenant: t-2}"))


def test_a_shape_that_no_longer_asks_for_it_is_told_of_once(demo):
    demo.apply(TENANT, ACCEPT)
    text = TENANT.replace(", tenant: $end_user.tenant", "").replace("{tenant: t-1}", "{}")
    (line,) = demo.refused(text).splitlines()[1:-1]
    assert line.endswith("`tenant` is no longer sent.")


def test_a_signature_profile_that_may_refuse_what_holds_is_changed_where_it_is_accepted(demo, trail):
    profile = "platforms:\n  mindcloud: {lower_case_method: true}\n"
    SigningSecret.objects.filter(secret_set__platform__name="mindcloud").update(last_used_at=timezone.now())
    refusal = demo.refused(profile)
    assert "platforms.mindcloud: Its calls hold with the present settings: the last one just now, by the" in refusal
    assert not Platform.objects.get(name="mindcloud").lower_case_method
    demo.apply(profile, ACCEPT)
    accepted = trail.one(action="platform.changed").detail["accepted_changed_answers"]
    assert accepted == {"settings_that_calls_hold_with": 1}


def test_the_profile_of_a_platform_without_held_calls_is_not_asked_about(demo):
    assert "1 changed" in demo.apply("platforms:\n  mindcloud: {lower_case_method: true}\n")


@pytest.mark.parametrize(
    ("other", "told"), [("", "are refused with 401 from then on."), ("  other: {default: true}\n", "come to other")]
)
def test_the_default_of_a_platform_that_calls_goes_where_it_is_accepted(demo, other, told):
    text = f"platforms:\n  mindcloud: {{default: false}}\n{other}"
    AuditEvent.objects.create(action=ACTION, actor="platform:mindcloud", outcome="granted", at=timezone.now())
    (line,) = demo.refused(text).splitlines()[1:-1]
    assert line.startswith("set-up.yaml:2: platforms.mindcloud: Its last call came just now. Calls to /credential-")
    assert f"/credential-exchange, without its name, {told}" in line
    assert Platform.objects.get(name="mindcloud").is_default
    demo.apply(text, ACCEPT)
    assert not Platform.objects.get(name="mindcloud").is_default


@pytest.mark.parametrize("change", ["enabled: false", f"key: {'A' * 43}", "ends_at: SOON"])
def test_a_trusted_key_in_use_is_ended_where_it_is_accepted(demo, change):
    key = TrustedKey.objects.get(label="demo")
    soon = (timezone.now() + timedelta(minutes=5)).isoformat()
    text = f"marketplaces: {{manifold: {{trusted_keys: {{demo: {{{change.replace('SOON', soon)}}}}}}}}}\n"
    assert "1 changed" in demo.apply("marketplaces: {manifold: {trusted_keys: {demo: {test: false}}}}\n")
    LiveKey.objects.create(trusted_key=key, public_key="A" * 43, endorsement="e")
    assert "trusted_keys.demo: A request was last accepted by it just now, at " in demo.refused(text)
    assert LiveKey.objects.exists()
    assert "1 changed" in demo.apply(text, ACCEPT)
