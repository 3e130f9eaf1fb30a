"""Does what operators do daily with platforms, end users, installations and grants, by the real forms."""

import re
from html import escape, unescape
from typing import Any

import pytest
from django.test import Client

from credservice.credentials.models import Credential
from credservice.credentials.services import rotate, start_issue
from exchange.models import EndUser, Grant, Installation, Integration, Platform
from tests.conftest import Trail
from tests.support.console import CANARY, World
from tests.support.overview import overview
from tests.support.pages import ask_bulk, run_bulk, send, url

PROFILE = {
    "source_networks": "",
    "construction": "hmac-sha256",
    "timestamp_header": "X-Timestamp",
    "tolerance_seconds": "300",
    "signed_path": "path",
    "public_prefix": "",
    "requests_per_minute": "",
}


def test_a_new_platform_leads_to_its_signing_secret(console: Client, trail: Trail) -> None:
    response = console.post(url(Platform, "add"), PROFILE | {"name": "staging", "require_signature": "on"})
    platform = Platform.objects.get(name="staging")
    assert response["Location"] == url(platform.secrets, "new-secret")
    assert trail.one(action="platform.created").actor == "user:root"


def test_an_edit_says_from_what_to_what(console: Client, world: World, trail: Trail) -> None:
    changed = PROFILE | {"require_signature": "on", "tolerance_seconds": "60"}
    console.post(url(world.platform), changed)
    detail = trail.one(action="platform.changed").detail
    assert detail["changes"]["tolerance_seconds"] == {"from": 300, "to": 60}


def test_an_edit_writes_only_what_was_changed(console: Client, world: World) -> None:
    """A form that was open meanwhile does not resume what somebody has suspended."""
    page = console.get(url(world.platform))
    assert page.status_code == 200
    send(console, url(world.platform, "suspend"), why="an outage over there")
    console.post(url(world.platform), PROFILE | {"require_signature": "on", "tolerance_seconds": "60"})
    world.platform.refresh_from_db()
    assert (world.platform.is_active, world.platform.tolerance_seconds) == (False, 60)


def test_an_edit_that_changes_nothing_leaves_no_line(console: Client, world: World, trail: Trail) -> None:
    console.post(url(world.platform), PROFILE | {"require_signature": "on"})
    assert [line.detail for line in trail.all(action="platform.changed")] == []


def test_an_unsigned_platform_needs_networks(console: Client, db: None) -> None:
    response = console.post(url(Platform, "add"), PROFILE | {"name": "open"})
    assert "needs a list of source networks" in response.content.decode()
    assert not Platform.objects.filter(name="open").exists()


@pytest.mark.parametrize("typed", ["10.0.0.0/8\r\n203.0.113.7", "10.0.0.0/8, 203.0.113.7", " 10.0.0.0/8 203.0.113.7\n"])
def test_networks_are_typed_one_a_line(console: Client, world: World, typed: str) -> None:
    console.post(url(world.platform), PROFILE | {"source_networks": typed})
    world.platform.refresh_from_db()
    assert (world.platform.source_networks, world.platform.require_signature) == (["10.0.0.0/8", "203.0.113.7"], False)
    page = console.get(url(world.platform)).content.decode()
    assert "10.0.0.0/8\n203.0.113.7</textarea>" in page


def test_what_is_no_network_is_named(console: Client, world: World) -> None:
    response = console.post(url(world.platform), PROFILE | {"source_networks": "10.0.0.0/8\nexample.com\n10.0.0.0/99"})
    page = response.content.decode()
    assert "&#x27;example.com&#x27;, &#x27;10.0.0.0/99&#x27; are no networks; write an address, or a network" in page
    assert "10.0.0.0/8\nexample.com\n10.0.0.0/99</textarea>" in page


def test_only_one_platform_is_the_default(console: Client, world: World) -> None:
    Platform.objects.filter(pk=world.platform.pk).update(is_default=True)
    values = PROFILE | {"name": "second", "require_signature": "on", "is_default": "on"}
    response = console.post(url(Platform, "add"), values)
    assert "mindcloud is the default platform" in response.content.decode()


@pytest.mark.parametrize("kind", ["platform", "integration", "end_user"])
def test_it_suspends_and_resumes(console: Client, world: World, trail: Trail, kind: str) -> None:
    obj: Any = getattr(world, kind)
    send(console, url(obj, "suspend"), why="asked by the customer")
    obj.refresh_from_db()
    assert not obj.is_active
    send(console, url(obj, "resume"))
    obj.refresh_from_db()
    assert obj.is_active
    assert trail.one(action=f"{kind}.suspended").detail["why"] == "asked by the customer"
    assert trail.one(action=f"{kind}.resumed").object_id == str(obj.pk)


@pytest.mark.parametrize("kind", ["platform", "integration"])
def test_suspending_says_how_many_get_no_answer(console: Client, world: World, kind: str) -> None:
    Installation.objects.update(state="active")
    obj = getattr(world, kind)
    told = "1 installation is active, and gets no answer then."
    assert told in console.get(url(obj, "suspend")).content.decode()
    assert told in console.get(ask_bulk(console, type(obj), "suspend", [obj])).content.decode()
    EndUser.objects.update(is_active=False)
    assert "gets no answer then" not in console.get(url(obj, "suspend")).content.decode()


def test_suspending_asks_why(console: Client, world: World) -> None:
    response = send(console, url(world.platform, "suspend"), why=" ")
    world.platform.refresh_from_db()
    assert world.platform.is_active
    assert "This field is required" in response.content.decode()


def test_a_suspended_end_users_keys_check_as_not_good(console: Client, world: World) -> None:
    send(console, url(world.end_user, "suspend"), why="unpaid bills")
    world.credential.refresh_from_db()
    assert world.credential.suspended


def test_a_refused_installation_is_let_in_by_an_approval_alone(console: Client, world: World, trail: Trail) -> None:
    Installation.objects.update(state="pending")
    page = console.get(url(world.installation)).content.decode()
    assert url(world.installation, "refuse") in page
    assert url(world.installation, "suspend") not in page
    send(console, url(world.installation, "refuse"), why="not their copy")
    assert trail.one(action="installation.refused").detail["why"] == "not their copy"
    run_bulk(console, Installation, "resume", [world.installation])
    run_bulk(console, Installation, "suspend", [world.installation], why="an incident")
    world.installation.refresh_from_db()
    assert world.installation.state == "refused"
    send(console, url(world.installation, "approve"), why="")
    world.installation.refresh_from_db()
    assert world.installation.state == "active"


def test_an_approval_says_what_is_missing_yet(console: Client, world: World) -> None:
    Installation.objects.update(state="pending")
    answered = "From now on, this installation is handed the credential of its end user, where there is one."
    assert answered in console.get(url(world.installation, "approve")).content.decode()
    Integration.objects.update(response_shape={"apiKey": "$credential.apiKey", "region": "$end_user.region"})
    missing = "gets no answer yet: the customer has no attribute region."
    assert f"It is let in, but {missing}" in console.get(url(world.installation, "approve")).content.decode()
    send(console, url(world.installation, "approve"), why="")
    assert f"is approved. It {missing}" in console.get(url(world.installation)).content.decode()
    Installation.objects.update(state="pending")
    EndUser.objects.update(is_active=False)
    page = console.get(url(world.installation, "approve")).content.decode()
    assert "It is let in, but gets no answer yet: its end user is suspended." in page


def test_an_approval_in_bulk_says_which_get_no_answer_yet(console: Client, world: World) -> None:
    other = EndUser.objects.create(platform=world.platform, end_user_id="eu_2", attributes={"region": "eu"})
    waiting = [world.make_installation(f"inst_{n}", "pending") for n in (2, 3, 4)]
    Installation.objects.filter(pk=waiting[2].pk).update(end_user=other)
    Integration.objects.update(
        response_shape={"apiKey": "$credential.API_KEY", "region": "$end_user.region"}, policy=world.key_policy
    )
    Grant.objects.all().delete()
    page = console.get(ask_bulk(console, Installation, "approve", waiting)).content.decode()
    why = "(the customer has no attribute region)"
    told = re.search(r"2 of these get no answer yet: ([^.]*)\.", page)
    assert told is not None
    assert sorted(told[1].split(", ")) == [f"inst_2 {why}", f"inst_3 {why}"]
    assert "refused before" not in page
    Installation.objects.filter(pk=waiting[0].pk).update(state="refused")
    page = console.get(ask_bulk(console, Installation, "approve", waiting)).content.decode()
    assert "1 of these was refused before: inst_2." in page
    EndUser.objects.update(attributes={"region": "eu"})
    assert "no answer yet" not in console.get(ask_bulk(console, Installation, "approve", waiting)).content.decode()


def test_an_approved_one_that_gets_no_answer_leads_to_what_mends_it(console: Client, world: World) -> None:
    assert console.get(url(world.installation)).context["next_steps"] == []
    Grant.objects.all().delete()
    Installation.objects.update(state="pending")
    send(console, url(world.installation, "approve"), why="")
    (step,) = console.get(url(world.installation)).context["next_steps"]
    assert step.sentence == "It gets no answer: its values would have to be entered. Grant a credential"
    assert step.link.endswith(f"?end_user={world.end_user.pk}&integration={world.integration.pk}")
    assert console.get(step.link).status_code == 200


def test_installations_are_approved_in_bulk(console: Client, world: World, trail: Trail) -> None:
    waiting = [world.make_installation(f"inst_{n}", "pending") for n in (2, 3)]
    run_bulk(console, Installation, "approve", [*waiting, world.installation])
    assert not Installation.objects.filter(state="pending").exists()
    assert {line.object_id for line in trail.all(action="installation.approved")} == {str(i.pk) for i in waiting}


def test_a_bulk_action_asks_before_it_acts(console: Client, world: World) -> None:
    page = console.get(ask_bulk(console, EndUser, "suspend", [world.end_user])).content.decode()
    world.end_user.refresh_from_db()
    assert world.end_user.is_active
    assert "exchanges for this end user are refused" in page


def test_a_bulk_action_touches_only_ticked_rows(console: Client, world: World) -> None:
    other = EndUser.objects.create(platform=world.platform, end_user_id="eu_2")
    run_bulk(console, EndUser, "suspend", [other], why="a test")
    world.end_user.refresh_from_db()
    assert world.end_user.is_active


def test_a_nonsense_selection_changes_nothing(console: Client, world: World) -> None:
    data = {"action": "suspend", "_selected_action": ["nonsense"], "confirmed": "yes", "why": "a test"}
    assert console.post(url(EndUser, "changelist"), data).status_code == 302
    assert EndUser.objects.get().is_active


def test_an_installation_takes_its_platform_from_the_integration(console: Client, world: World) -> None:
    values = {"integration": world.integration.pk, "end_user": world.end_user.pk}
    console.post(url(Installation, "add"), values | {"installation_id": "inst_9"})
    assert Installation.objects.get(installation_id="inst_9").platform == world.platform
    again = console.post(url(Installation, "add"), values | {"installation_id": "inst_9"})
    assert "of this platform has this already: write another." in again.content.decode()


def test_an_integration_asks_only_for_what_its_policy_makes(console: Client, world: World) -> None:
    values = {"platform": world.platform.pk, "integration_id": "int_2", "policy": world.policy.pk}
    response = console.post(url(Integration, "add"), values | {"response_shape": '{"k": "$credential.token"}'})
    assert "makes no value named token" in response.content.decode()


def test_a_response_shape_is_not_kept_in_the_trail(console: Client, world: World, trail: Trail) -> None:
    values = {"platform": world.platform.pk, "integration_id": "int_2", "policy": world.policy.pk}
    console.post(url(Integration, "add"), values | {"response_shape": '{"k": "literal-text"}'})
    detail = trail.one(action="integration.created").detail
    assert detail["values"]["response_shape"] == {}
    assert "literal-text" not in str(detail)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([("a", "text", "1"), ("a", "text", "2")], "a: there are two attributes of this name."),
        ([("", "text", "1")], "Write the name of each attribute."),
        ([("a", "text", "")], "a: write its value, or remove the row."),
        ([("a", "text", "x\0")], "a: This text holds a NUL character."),
        ([("a\0", "text", "x")], "This text holds a NUL character."),
        ([("a", "json", "NaN")], "a: write a number, true, false or null; or choose Text."),
        ([("a", "json", '"\\ud800"')], "a: write a number, true, false or null; or choose Text."),
        ([("a", "json", "eu")], "a: write a number, true, false or null; or choose Text."),
        ([("a", "json", '1, "x": 2')], "a: write a number, true, false or null; or choose Text."),
        ([("a", "json", "[1]")], "a: write a number, true, false or null; or choose Text."),
        ([("a", "xml", "1")], "a: choose its kind."),
    ],
)
def test_a_faulty_row_of_attributes_is_refused_and_kept(
    console: Client, world: World, rows: list[tuple[str, str, str]], why: str
) -> None:
    cells = dict(zip(("attributes-name", "attributes-kind", "attributes-value"), zip(*rows, strict=True), strict=True))
    values = {"platform": world.platform.pk, "end_user_id": "eu_2", **cells}
    answer = console.post(url(EndUser, "add"), values)
    page = unescape(answer.content.decode())
    assert why in page
    assert page.count('aria-invalid="true"') == len(rows)
    assert all(f'value="{escape(value)}"' in answer.content.decode() for _, _, value in rows if value)
    assert EndUser.objects.count() == 1


def test_an_untouched_table_of_attributes_changes_nothing(console: Client, world: World) -> None:
    kept = {"region": "eu", "seats": 5, "trial": True, "note": "two\nlines ", "empty": "", "none": None, "pi": 3.5}
    EndUser.objects.filter(pk=world.end_user.pk).update(attributes=kept)
    page = console.get(url(world.end_user))
    rows = page.context["adminform"].form["attributes"].value()
    cells = dict(zip(("attributes-name", "attributes-kind", "attributes-value"), zip(*rows, strict=True), strict=True))
    assert console.post(url(world.end_user), {"name": "Acme", **cells}).status_code == 302
    world.end_user.refresh_from_db()
    assert (world.end_user.name, world.end_user.attributes) == ("Acme", kept)
    assert type(world.end_user.attributes["trial"]) is bool


def _grant_address(world: World, integration: Integration, end_user: EndUser, installation: str = "") -> str:
    query = f"integration={integration.pk}&end_user={end_user.pk}&installation={installation}"
    return f"{url(Grant, 'add')}?{query}"


def test_a_grant_with_entered_values(console: Client, world: World, trail: Trail) -> None:
    other = EndUser.objects.create(platform=world.platform, end_user_id="eu_2")
    address = _grant_address(world, world.integration, other)
    assert send(console, address, value_0=" the-key \n").status_code == 302
    grant = Grant.objects.get(end_user=other)
    assert Credential.objects.get(line=grant.line).open() == {"apiKey": "the-key"}
    assert trail.one(action="grant.created").subject == other.subject
    assert "the-key" not in str([line.detail for line in trail.all()])


def test_a_grant_of_a_generating_policy(console: Client, world: World) -> None:
    integration = world.make_integration("int_keys", world.key_policy)
    assert send(console, _grant_address(world, integration, world.end_user)).status_code == 302
    grant = Grant.objects.get(integration=integration)
    assert Credential.objects.get(line=grant.line).state == "active"


def test_a_narrower_grant_beside_the_wide_one(console: Client, world: World) -> None:
    address = _grant_address(world, world.integration, world.end_user, str(world.installation.pk))
    assert send(console, address, value_0="narrow-key").status_code == 302
    assert Grant.objects.filter(installation=world.installation).count() == 1


def test_a_second_grant_is_refused_and_makes_nothing(console: Client, world: World) -> None:
    """Made by somebody else since the form was opened: where there is one, Grant leads to it."""
    address, before = _grant_address(world, world.integration, world.end_user), Credential.objects.count()
    world.grant.delete()
    form_id = console.get(address).context["form_id"]
    Grant.objects.create(integration=world.integration, end_user=world.end_user, line=world.credential.line)
    response = console.post(address, {"form_id": form_id, "value_0": "x-y-z"})
    assert "There is such a grant already" in response.content.decode()
    assert "x-y-z" not in response.content.decode()
    assert Credential.objects.count() == before


def test_parties_of_two_platforms_are_refused(console: Client, world: World) -> None:
    from exchange.services.grants import new_secret_set

    elsewhere = Platform.objects.create(name="other", secrets=new_secret_set("other"))
    stranger = EndUser.objects.create(platform=elsewhere, end_user_id="eu_1")
    page = console.get(_grant_address(world, world.integration, stranger)).content.decode()
    assert "must belong to the same platform" in page


def test_a_withdrawal_says_who_is_handed_its_credential(console: Client, world: World) -> None:
    world.make_installation("inst_2", "active")
    world.make_installation("inst_3", "pending")
    told = console.get(url(world.grant, "withdraw")).context["consequences"]
    assert told[0] == "Its credential is handed to 2 installations."
    Installation.objects.update(state="suspended")
    told = console.get(url(world.grant, "withdraw")).context["consequences"]
    assert told[0] == "No installation or marketplace credential is handed it now."


def test_a_withdrawn_grant_takes_its_credential_along(console: Client, world: World, trail: Trail) -> None:
    send(console, url(world.grant, "withdraw"), why="the contract ended")
    world.credential.refresh_from_db()
    assert world.credential.state == "revoked"
    assert not Grant.objects.exists()
    assert trail.one(action="grant.withdrawn").detail["why"] == "the contract ended"


def test_a_credential_that_another_grant_hands_out_stays(console: Client, world: World) -> None:
    Grant.objects.create(
        integration=world.integration,
        end_user=world.end_user,
        installation=world.installation,
        line=world.grant.line,
    )
    send(console, url(world.grant, "withdraw"), why="the narrower one is enough")
    world.credential.refresh_from_db()
    assert world.credential.state == "active"


def test_bindings_are_not_edited(console: Client, world: World) -> None:
    other = start_issue(
        policy=world.policy, context={}, subject="", actor="test", entered={"apiKey": f"{CANARY}-other"}
    )
    assert console.post(url(world.grant), {"line": str(other.line)}).status_code == 403
    console.post(url(world.installation), {"installation_id": "changed"})
    world.installation.refresh_from_db()
    assert world.installation.installation_id == "inst_1"


def _rotated(world: World) -> Credential:
    return rotate(credential=world.credential, actor="test", entered={"apiKey": "the-successor"})


def _handed_out(console: Client, world: World) -> str:
    page = console.get(url(world.grant)).content.decode()
    return page.split("Handed out", 1)[1].split("Credentials", 1)[0]


def test_revoking_ends_the_predecessors_of_the_line_too(console: Client, world: World) -> None:
    successor = _rotated(world)
    page = console.get(url(successor, "revoke")).content.decode()
    assert f"Its predecessor {world.credential.version_name()} is good until" in page
    assert re.search(r'name="predecessors"[^>]* checked', page)
    send(console, url(successor, "revoke"), why="it has leaked", predecessors="on")
    assert set(Credential.objects.filter(line=successor.line).values_list("state", flat=True)) == {"revoked"}
    assert "nothing" in _handed_out(console, world)


def test_a_predecessor_that_is_kept_is_what_the_grant_hands_out(console: Client, world: World) -> None:
    successor = _rotated(world)
    assert url(successor) in _handed_out(console, world)
    send(console, url(successor, "revoke"), why="entered wrongly")
    assert url(world.credential) in _handed_out(console, world)


def test_a_customer_who_is_back_on_a_predecessor_is_given_new_values(
    console: Client, world: World, worker: None
) -> None:
    send(console, url(_rotated(world), "revoke"), why="entered wrongly")
    world.credential.refresh_from_db()
    (coming,) = [row for row in overview(console).context["coming"] if row["verb"] == "ends"]
    assert coming["link"] == url(world.credential)
    (need,) = console.get(url(world.credential)).context["next_steps"]
    assert need.sentence.endswith("Replace them before their end")
    page = console.get(need.link).content.decode()
    assert f"It ends as planned: {world.credential.retires_at:%Y-%m-%d %H:%M} UTC" in page
    send(console, need.link, value_0="the-third", overlap="policy")
    assert Credential.objects.get(line=world.credential.line, state="active").open() == {"apiKey": "the-third"}
    assert not [row for row in overview(console).context["coming"] if row["verb"] == "ends"]


def test_a_revocation_without_predecessors_asks_nothing_about_them(console: Client, world: World) -> None:
    assert 'name="predecessors"' not in console.get(url(world.credential, "revoke")).content.decode()


def test_a_grant_whose_credential_was_revoked_is_granted_anew(console: Client, world: World, trail: Trail) -> None:
    send(console, url(world.credential, "revoke"), why="it has leaked")
    address = _grant_address(world, world.integration, world.end_user)
    assert send(console, address, value_0="the-new-key").status_code == 302
    grant = Grant.objects.get()
    assert (grant.pk, grant.line != world.grant.line) == (world.grant.pk, True)
    assert Credential.objects.get(line=grant.line).open() == {"apiKey": "the-new-key"}
    assert trail.one(action="grant.renewed").detail["line_before"] == str(world.grant.line)


def test_one_that_has_leaked_is_erased_with_its_revocation(console: Client, world: World) -> None:
    send(console, url(world.credential, "revoke"), why="found in a log", leaked="on")
    assert Credential.objects.get(pk=world.credential.pk).sealed_values is None
    page = console.get(url(world.credential, "reveal")).content.decode()
    assert "The values of this credential were erased after its end." in page


def test_one_that_is_revoked_keeps_its_values_for_a_while(console: Client, world: World) -> None:
    send(console, url(world.credential, "revoke"), why="no longer needed")
    assert Credential.objects.get(pk=world.credential.pk).sealed_values is not None
