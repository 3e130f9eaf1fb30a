"""Acts on many objects: asked about, done once each, in the request or by the worker, stopped, taken up again."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from credservice.adminkit import bulk_runs, bulk_work
from credservice.adminkit.bulk import action_of, admin_of
from credservice.adminkit.models import BulkItem, BulkRun
from credservice.adminkit.tasks import bulk
from credservice.credentials.models import Credential
from credservice.credentials.services import revoke, rotate, start_issue
from exchange.models import EndUser, Grant, Integration
from tests.conftest import Trail
from tests.support.console import World
from tests.support.pages import ask_bulk, run_bulk, send, url


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few objects are many already: they are left to the worker."""
    monkeypatch.setattr(bulk_runs, "AT_ONCE", 1)


def end_users(world: World, number: int) -> list[EndUser]:
    made = [EndUser(platform=world.platform, end_user_id=f"many_{n}", name=f"Many {n}") for n in range(number)]
    return EndUser.objects.bulk_create(made)


def test_the_page_that_asks_says_how_many_which_and_what(console: Client, world: World) -> None:
    page = console.get(ask_bulk(console, EndUser, "suspend", end_users(world, 30))).content.decode()
    assert "Suspend 30 end users" in page
    assert "and 10 more" in page
    assert "exchanges for this end user are refused" in page


def test_revoking_says_what_partners_will_notice(console: Client, world: World) -> None:
    page = console.get(ask_bulk(console, Credential, "revoke", [world.credential])).content.decode()
    assert "handed to 1 installation." in page


def test_of_more_than_it_looks_at_the_page_tells_of_the_first(console: Client, world: World, large: None) -> None:
    revoke(credential=world.credential, actor="test", reason="a test")
    page = console.get(ask_bulk(console, Credential, "rotate", [world.credential, world.make_key()])).content.decode()
    assert "Of the first 1 alone: 1 is left out: Only an active credential can be rotated" in page


def test_one_row_is_one(console: Client, world: World) -> None:
    waiting = world.make_installation("inst_2", "pending")
    page = console.get(ask_bulk(console, type(waiting), "approve", [waiting])).content.decode()
    assert "Approve 1 installation\n" in page


def test_what_will_be_left_is_not_counted(console: Client, world: World) -> None:
    """A revoked one and its successor have one line; an installation is answered with the successor alone."""
    world.make_installation("inst_2", "pending")
    first = start_issue(policy=world.key_policy, context={}, subject=world.end_user.subject, actor="test")
    Grant.objects.update(line=first.line)
    Integration.objects.update(policy=world.key_policy, response_shape={"apiKey": "$credential.API_KEY"})
    second = rotate(credential=first, actor="test", overlap=timedelta(0))
    revoke(credential=Credential.objects.get(pk=first.pk), actor="test", reason="a test")
    other = world.make_key()
    for action, word in (("rotate", "Rotate"), ("revoke", "Revoke")):
        asked = ask_bulk(console, Credential, action, [first, second, other])
        page = console.get(asked).content.decode()
        assert f"{word} 2 credentials" in page
        assert f"{word}: 2" in page
        assert "Together they are handed to 1 installation." in page
        assert "1 is left out: " in page
        assert re.search(rf"{first.hint}.*?revoked.*?left out", page, re.DOTALL)
    send(console, asked, why="a test")
    outcomes = dict(BulkRun.objects.latest("created_at").items.values_list("object_id", "outcome"))
    assert outcomes == {str(first.pk): "refused", str(second.pk): "done", str(other.pk): "done"}


def test_where_nothing_would_be_done_the_page_says_why(console: Client, world: World) -> None:
    revoke(credential=world.credential, actor="test", reason="a test")
    page = console.get(ask_bulk(console, Credential, "rotate", [world.credential])).content.decode()
    assert "Nothing would be done. 1 is left out: Only an active credential can be rotated" in page
    assert 'name="form_id"' not in page


def test_everything_that_a_search_and_a_filter_match_is_taken(console: Client, world: World) -> None:
    many = end_users(world, 60)
    EndUser.objects.filter(pk=many[0].pk).update(is_active=False)
    query = "?q=many&is_active=yes"
    asked = ask_bulk(console, EndUser, "suspend", [world.end_user], query, select_across="1")
    send(console, asked, why="a test of many")
    assert EndUser.objects.get(pk=world.end_user.pk).is_active
    assert not EndUser.objects.filter(name__startswith="Many", is_active=True).exists()
    assert BulkRun.objects.get().total == 59


def test_what_was_confirmed_is_what_is_done(console: Client, world: World) -> None:
    asked = ask_bulk(console, EndUser, "suspend", [world.end_user], select_across="1")
    (late,) = end_users(world, 1)
    send(console, asked, why="a test")
    assert EndUser.objects.get(pk=late.pk).is_active


def test_what_is_refused_is_listed_by_object(console: Client, world: World) -> None:
    other = end_users(world, 1)[0]
    EndUser.objects.filter(pk=other.pk).update(is_active=False)
    answer = run_bulk(console, EndUser, "suspend", [world.end_user, other], why="a test")
    page = console.get(answer["Location"]).content.decode()
    assert "1 done, 1 refused, 0 left" in page
    assert url(other) in page
    assert "cannot be suspended in its present state" in page


def test_a_large_run_is_the_workers(large: None, console: Client, world: World, trail: Trail) -> None:
    many = end_users(world, 3)
    answer = run_bulk(console, EndUser, "suspend", many, why="a test")
    run = BulkRun.objects.get()
    assert 'http-equiv="refresh"' in console.get(answer["Location"]).content.decode()
    assert EndUser.objects.filter(is_active=False).count() == 0
    bulk(str(run.pk))
    assert EndUser.objects.filter(is_active=False).count() == 3
    assert {line.actor for line in trail.all(action="end_user.suspended")} == {"user:root"}
    assert trail.one(action="bulk_run.done").detail["done"] == 3
    assert 'http-equiv="refresh"' not in console.get(answer["Location"]).content.decode()


def test_a_run_that_broke_off_is_taken_up_where_it_was(
    large: None, console: Client, world: World, trail: Trail
) -> None:
    run_bulk(console, EndUser, "suspend", end_users(world, 3), why="a test")
    run = BulkRun.objects.get()
    action = action_of(run)
    assert action is not None
    bulk_work._do(run, action, run.items.order_by("pk")[0])
    bulk(str(run.pk))
    bulk(str(run.pk))
    assert len(trail.all(action="end_user.suspended")) == 3


def test_a_stopped_run_leaves_the_rest(large: None, console: Client, world: World, trail: Trail) -> None:
    run_bulk(console, EndUser, "suspend", end_users(world, 3), why="a test")
    run = BulkRun.objects.get()
    send(console, url(run, "stop"), why="the wrong ones")
    bulk(str(run.pk))
    assert not EndUser.objects.filter(is_active=False).exists()
    assert trail.one(action="bulk_run.stopped").detail["why"] == "the wrong ones"


def test_a_run_ends_with_its_accounts_permission(large: None, console: Client, world: World, admin: User) -> None:
    run_bulk(console, EndUser, "suspend", end_users(world, 3), why="a test")
    User.objects.filter(pk=admin.pk).update(is_superuser=False)
    bulk(str(BulkRun.objects.get().pk))
    assert BulkRun.objects.get().state == "stopped"
    assert not EndUser.objects.filter(is_active=False).exists()


def test_nobody_starts_what_another_was_asked(console: Client, world: World) -> None:
    asked = ask_bulk(console, EndUser, "suspend", [world.end_user])
    other = Client()
    other.force_login(User.objects.create_superuser("another"))
    assert other.get(asked).status_code == 403
    assert other.post(asked, {"why": "a test"}).status_code == 403


def test_a_permission_taken_away_before_the_confirmation_counts(world: World) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    names = ["view_enduser", "suspend_enduser", "view_bulkrun"]
    clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(clerk)
    asked = ask_bulk(client, EndUser, "suspend", [world.end_user])
    clerk.user_permissions.remove(Permission.objects.get(codename="suspend_enduser"))
    assert client.post(asked, {"why": "a test"}).status_code == 403
    assert EndUser.objects.get(pk=world.end_user.pk).is_active


def test_an_unforeseen_error_of_one_object_stops_no_other(
    console: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = end_users(world, 3)

    def fail(self: Any, actor: str, obj: Any, values: Any) -> None:
        if obj.pk == many[1].pk:
            raise ZeroDivisionError
        EndUser.objects.filter(pk=obj.pk).update(is_active=False)

    action = next(a for a in admin_of(BulkRun(object_type="exchange.enduser")).bulk_actions)
    monkeypatch.setattr(action, "perform", fail.__get__(action))
    run_bulk(console, EndUser, "suspend", many, why="a test")
    assert EndUser.objects.filter(is_active=False).count() == 2
    assert "ZeroDivisionError" in BulkItem.objects.get(outcome="refused").error


def test_credentials_are_rotated_in_bulk(console: Client, world: World) -> None:
    key = world.make_key()
    run_bulk(console, Credential, "rotate", [key, world.credential], overlap="policy")
    assert Credential.objects.get(predecessor=key).state == "active"
    assert BulkItem.objects.get(object_id=str(world.credential.pk)).outcome == "refused"


def test_more_than_can_be_done_is_refused(console: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_runs, "MAX_OBJECTS", 2)
    data = {"action": "suspend", "_selected_action": [str(user.pk) for user in end_users(world, 3)]}
    page = console.post(url(EndUser, "changelist"), data, follow=True).content.decode()
    assert "more than 2 at a time" in page
    assert not BulkRun.objects.exists()
