"""The top of an object's page, the same for each kind: its name, state, facts, id, and what can be done."""

import re
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.credentials.models import Credential
from credservice.credentials.services import rotate
from exchange.models import EndUser, Grant
from exchange.services.end_users import refuse_installation, resume_end_user, suspend_end_user, suspend_installation
from tests.support.console import World
from tests.support.doors import role_client
from tests.support.pages import send, url


def test_a_grant_is_named_by_its_customer_and_integration(console: Client, world: World) -> None:
    header = console.get(url(world.grant)).context["header"]
    assert header.title == "acme for int_1"
    assert "active" in str(header.state)
    assert header.id == world.grant.pk


def test_a_credential_is_named_by_its_version_and_customer(console: Client, world: World) -> None:
    title = f"entered {str(world.credential.pk)[:8]} for acme"
    assert console.get(url(world.credential)).context["header"].title == title
    assert console.get(url(world.credential, "revoke")).context["subtitle"] == title


def test_versions_are_told_apart_by_their_names(console: Client, world: World) -> None:
    successor = rotate(credential=world.credential, actor="test", entered={"apiKey": "v" * 40})
    page = console.get(url(successor)).content.decode()
    assert f">entered {str(world.credential.pk)[:8]} (retiring)</a>" in page


def test_after_a_rotation_the_successor_is_linked_by_its_name(console: Client, world: World) -> None:
    form = console.get(url(world.credential, "replace")).context["form"]
    values = {name: "policy" if name == "overlap" else "v" * 40 for name in form.fields}
    send(console, url(world.credential, "replace"), **values)
    page = console.get(url(world.credential)).content.decode()
    successor = Credential.objects.get(predecessor=world.credential)
    assert f"entered {str(successor.pk)[:8]} for acme</a>." in page


def test_one_act_stands_first_and_dangerous_ones_apart(console: Client, world: World) -> None:
    header = console.get(url(world.credential)).context["header"]
    assert header.primary["title"] == "Replace values"
    assert [link["title"] for link in header.dangerous] == ["Revoke"]
    assert "Reveal" in [link["title"] for link in header.others]


def test_one_that_is_stuck_says_why_and_is_tried_again_first(console: Client, world: World) -> None:
    key, now = world.make_key(), timezone.now()
    Credential.objects.filter(pk=key.pk).update(
        state="retiring",
        retires_at=now,
        attempts=5,
        failure="connection refused",
        next_attempt_at=now + timedelta(minutes=9),
    )
    header = console.get(url(key)).context["header"]
    facts = {fact.name: str(fact.value) for fact in header.facts}
    assert facts["Failed"] == "5 attempts: connection refused"
    assert "in 9" in facts["Next attempt"]
    assert header.primary["title"] == "Try again now"
    assert [link["title"] for link in header.dangerous] == ["Report as leaked", "Force its end"]
    Credential.objects.filter(pk=key.pk).update(attempts=0)
    assert "Failed" not in [fact.name for fact in console.get(url(key)).context["header"].facts]


def test_what_is_suspended_is_resumed_first(console: Client, world: World) -> None:
    for obj in (world.end_user, world.integration, world.platform):
        type(obj).objects.filter(pk=obj.pk).update(is_active=False)
        assert console.get(url(obj)).context["header"].primary["title"] == "Resume"


def test_a_time_that_has_passed_is_no_age(console: Client, world: World) -> None:
    facts = {fact.name: str(fact.value) for fact in console.get(url(world.credential)).context["header"].facts}
    assert "ago" in facts["Created"] or "just now" in facts["Created"]
    cards = {card.title: card for card in console.get(url(world.end_user)).context["cards"]}
    assert "Created" in cards["Grants and their credentials"].heads


def test_a_role_sees_what_it_may_do_alone(world: World) -> None:
    header = role_client("Viewer").get(url(world.credential)).context["header"]
    assert (header.primary, header.dangerous) == (None, [])
    assert "New signing secret" not in role_client("Operator").get(url(world.platform)).content.decode()


def test_a_menu_of_dangerous_acts_alone_sets_nothing_apart(console: Client, world: World) -> None:
    assert "console-apart" in console.get(url(world.platform)).content.decode()
    menu = role_client("Operator").get(url(world.marketplace)).content.decode().partition('"console-more"')[2]
    assert "Suspend" in menu.partition("</details>")[0]
    assert "console-apart" not in menu


def test_times_are_told_as_people_say_them_with_the_exact_one(console: Client, world: World) -> None:
    page = console.get(url(EndUser, "changelist")).content.decode()
    moment = re.search(r'<time class="console-moment" datetime="[^"]+" title="([^"]+)">([^<]+)</time>', page)
    assert moment is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", moment[1])
    assert moment[2] == "just now"


def test_a_column_of_which_no_row_has_anything_is_left_out(console: Client, world: World) -> None:
    assert "Expires" not in console.get(url(Credential, "changelist")).content.decode()
    Credential.objects.filter(pk=world.credential.pk).update(expires_at=timezone.now())
    assert "Expires" in console.get(url(Credential, "changelist")).content.decode()


@pytest.mark.parametrize("model", [EndUser, Grant, Credential])
def test_pages_have_landmarks_and_a_way_past_the_menu(console: Client, world: World, model: type) -> None:
    page = console.get(url(model, "changelist")).content.decode()
    assert page.count("<main") == 1
    assert 'href="#content"' in page
    assert re.search(r'<html lang="en', page)


def suspension(client: Client, obj: Any) -> str:
    return " ".join(strip_tags(client.get(url(obj)).context["suspension"]).split())


def newest(action: str) -> tuple[AuditEvent, str]:
    line = AuditEvent.objects.filter(action=action).latest("id")
    return line, f"{line.at:%Y-%m-%d %H:%M} UTC"


def test_what_is_suspended_says_since_when_by_whom_and_why(console: Client, world: World) -> None:
    assert suspension(console, world.installation) == ""
    suspend_installation(installation=world.installation, actor="user:ann", why="Ticket 4711")
    line, at = newest("installation.suspended")
    assert suspension(console, world.installation) == f"Suspended since {at} by ann: Ticket 4711"
    page = console.get(url(world.installation)).content.decode()
    assert f'href="{url(line)}"' in page.partition('class="console-object-name"')[2].partition("</div>")[0]
    for obj in (world.platform, world.resource):
        send(console, url(obj, "suspend"), why="an outage")
        assert suspension(console, obj).endswith("UTC by root: an outage")


def test_what_was_refused_says_when_by_whom_and_why(console: Client, world: World) -> None:
    waiting = world.make_installation("inst_2", "pending")
    assert "was refused" not in console.get(url(waiting, "approve")).content.decode()
    refuse_installation(installation=waiting, actor="user:ann", why="Ticket 4711")
    _, at = newest("installation.refused")
    assert suspension(console, waiting) == f"Refused {at} by ann: Ticket 4711"
    before, consequence = console.get(url(waiting, "approve")).context["consequences"]
    assert strip_tags(before) == f"It was refused {at} by ann: Ticket 4711."
    assert "From now on" in consequence
    send(console, url(waiting, "approve"), why="")
    assert suspension(console, waiting) == ""


def test_a_form_that_was_open_while_a_colleague_refused_says_so(console: Client, world: World) -> None:
    waiting = world.make_installation("inst_2", "pending")
    form_id = console.get(url(waiting, "approve")).context["form_id"]
    refuse_installation(installation=waiting, actor="user:ann", why="Ticket 4711")
    page = console.post(url(waiting, "approve"), {"form_id": form_id, "why": ""})
    assert "It has changed since you opened this page: it is refused now." in page.content.decode()
    assert "by ann: Ticket 4711" in page.content.decode()
    waiting.refresh_from_db()
    assert waiting.state == "refused"


def test_an_operator_reads_who_may_do_what_she_may_not(world: World) -> None:
    operator, manager = role_client("Operator"), role_client("Secrets manager")
    assert "A secrets manager can edit it." in operator.get(url(world.integration)).content.decode()
    assert "A secrets manager can edit it." not in manager.get(url(world.integration)).content.decode()
    added = operator.get(url(EndUser, "add")).content.decode()
    assert "Without one, answers that hold it are not given" in added
    assert "A secrets manager can give it by a re-bind; the vendor API and the set-up file can as well." in added
    assert "A secrets manager can set it." in added  # the attributes
    suspended = EndUser.objects.create(platform=world.platform, end_user_id="eu_2")
    assert "A secrets manager can" not in manager.get(url(suspended)).content.decode()


def test_who_may_not_take_the_file_of_who_saw_reads_who_may(world: World) -> None:
    record(
        Line(
            "credential.revealed",
            "user:ann",
            object_type="credential",
            object_id=str(world.credential.pk),
            subject=world.end_user.subject,
        )
    )
    told = "An auditor can download it as CSV."
    assert told in role_client("Operator").get(url(world.end_user, "who-saw")).content.decode()
    assert told not in role_client("Auditor").get(url(world.end_user, "who-saw")).content.decode()


def test_a_credential_says_it_of_its_customer(console: Client, world: World) -> None:
    suspend_end_user(end_user=world.end_user, actor="token:backend")
    _, at = newest("end_user.suspended")
    assert suspension(console, world.end_user) == f"Suspended since {at} by the token backend"
    assert suspension(console, world.credential) == f"Suspended with acme since {at} by the token backend"
    resume_end_user(end_user=world.end_user, actor="user:ann")
    assert (suspension(console, world.end_user), suspension(console, world.credential)) == ("", "")


def test_of_a_suspension_that_the_trail_does_not_have_nothing_is_said(console: Client, world: World) -> None:
    """Neither of one that was ended since, nor of an account: it is deactivated."""
    suspend_end_user(end_user=world.end_user, actor="user:ann", why="Ticket 4711")
    resume_end_user(end_user=world.end_user, actor="user:ann")
    EndUser.objects.update(is_active=False)
    assert suspension(console, world.end_user) == ""
    User.objects.filter(pk=world.host.pk).update(is_active=False)
    assert suspension(console, world.host) == ""


def test_one_that_a_set_up_file_suspended_says_so(
    console: Client, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    users = "platforms: {mindcloud: {end_users: {eu_1: {active: false, attributes: {site: x}}}}}"
    for text in (users, users.replace("site: x", "site: y")):
        (tmp_path / "set-up.yaml").write_text(text)
        call_command("apply", "set-up.yaml", stdout=StringIO())
    first = AuditEvent.objects.filter(action="end_user.changed").earliest("id")
    assert f"Suspended since {first.at:%Y-%m-%d %H:%M} UTC by the command apply" in suspension(console, world.end_user)
    assert url(first) in console.get(url(world.end_user)).context["suspension"]


def test_who_may_not_look_at_the_trail_or_the_customer_is_not_told(world: World) -> None:
    suspend_end_user(end_user=world.end_user, actor="user:ann", why="Ticket 4711")
    for hidden in ("view_auditevent", "view_enduser"):
        user = User.objects.create_user(hidden, is_staff=True)
        may = {"view_auditevent", "view_enduser", "view_credential"} - {hidden}
        user.user_permissions.set(Permission.objects.filter(codename__in=may))
        client = Client()
        client.force_login(user)
        page = client.get(url(world.credential))
        assert page.context["suspension"] == ""
        assert "suspended" in page.context["header"].state
