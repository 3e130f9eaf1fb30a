"""Find who still lacks a value that a policy has by now: in the list, on the pages, before the policy is saved."""

import re
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import revoke, rotate, start_issue
from exchange.models import Installation, Integration
from tests.support.console import World
from tests.support.pages import ask_bulk, send, tick_of, url

ALL = {"multiple": "on", "lifetime": "", "rotation_period": "", "overlap": "24h", "stale_for": "1h"}


def name_values(policy: CredentialPolicy, *names: str) -> None:
    policy.options = {"names": [*names]}
    policy.save(update_fields=["options"])


def enter(world: World, **values: str) -> Credential:
    policy = CredentialPolicy.objects.get(pk=world.policy.pk)
    return start_issue(policy=policy, context={}, subject=world.end_user.subject, actor="test", entered=values)


def lacking() -> set[Credential]:
    return set(Credential.objects.lacking_values())


def test_who_lacks_a_value_is_found_without_unsealing(world: World) -> None:
    assert lacking() == set()
    name_values(world.policy, "apiKey", "tenant")
    complete = enter(world, apiKey="another-key-of-acme", tenant="acme")
    with CaptureQueriesContext(connection) as asked:
        assert lacking() == {world.credential}
    assert len(asked) == 2
    assert (Credential.objects.get(pk=world.credential.pk).lacked_names(), complete.lacked_names()) == (["tenant"], [])


def test_who_is_given_the_value_lacks_it_no_more(world: World) -> None:
    name_values(world.policy, "apiKey", "tenant")
    found = Credential.objects.get(pk=world.credential.pk)
    rotate(credential=found, actor="test", entered={"apiKey": "another-key-of-acme", "tenant": "acme"})
    assert lacking() == set()


def test_a_retiring_one_lacks_it_where_it_is_what_is_handed_out(console: Client, world: World) -> None:
    first = world.credential
    second = rotate(credential=first, actor="test", entered={"apiKey": "another-key-of-acme"})
    third = rotate(credential=second, actor="test", entered={"apiKey": "a-third-key-of-acme"})
    name_values(world.policy, "apiKey", "tenant")
    assert lacking() == {third}
    revoke(credential=third, actor="test", reason="a customer asked for it")
    assert lacking() == {second}
    [listed] = console.get(url(Credential, "changelist"), {"values": "lacking"}).context["cl"].result_list
    assert listed == second
    page = console.get(url(second)).content.decode()
    assert "It has no tenant, which its policy got after it was made. Replace its values" in page
    [banner] = console.get(url(world.policy)).context["next_steps"]
    assert "1 live credential lacks tenant" in banner.sentence
    Credential.objects.filter(pk=second.pk).update(retires_at=timezone.now())
    assert lacking() == {first}
    revoke(credential=first, actor="test", reason="a customer asked for it")
    assert lacking() == set()
    assert "tenant" not in str(console.get(url(first)).context["next_steps"])


def test_a_retiring_one_is_not_handed_out_beside_one_that_has_the_value(world: World) -> None:
    name_values(world.policy, "apiKey", "tenant")
    found = Credential.objects.get(pk=world.credential.pk)
    second = rotate(credential=found, actor="test", entered={"apiKey": "another-key-of-acme", "tenant": "acme"})
    third = rotate(credential=second, actor="test", entered={"apiKey": "a-third-key-of-acme", "tenant": "acme"})
    revoke(credential=third, actor="test", reason="a customer asked for it")
    assert lacking() == set()
    revoke(credential=second, actor="test", reason="a customer asked for it")
    assert lacking() == {world.credential}


def test_a_name_that_goes_and_comes_back_is_lacked_by_those_made_meanwhile(world: World) -> None:
    name_values(world.policy, "apiKey", "tenant")
    enter(world, apiKey="another-key-of-acme", tenant="acme")
    name_values(world.policy, "apiKey")
    meanwhile = enter(world, apiKey="a-third-key-of-acme")
    assert lacking() == set()
    name_values(world.policy, "tenant", "apiKey")
    assert lacking() == {world.credential, meanwhile}
    assert [until for _, until, _ in world.policy.gains()] == sorted(until for _, until, _ in world.policy.gains())


def test_another_order_of_names_and_other_fields_are_no_change(world: World) -> None:
    name_values(world.policy, "apiKey", "tenant")
    noted = CredentialPolicy.objects.get(pk=world.policy.pk).earlier_names
    name_values(world.policy, "tenant", "apiKey")
    world.policy.multiple = False
    world.policy.save()
    assert CredentialPolicy.objects.get(pk=world.policy.pk).earlier_names == noted


def test_what_an_issuer_makes_is_found_as_well(world: World) -> None:
    key = world.make_key()
    world.key_policy.options = {"name": "TOKEN"}
    world.key_policy.save()
    assert key in lacking()


def test_adding_a_name_says_who_will_lack_it_and_then_who_does(console: Client, world: World) -> None:
    sent = ALL | {"name": "entered", "options-names": "apiKey\ntenant"}
    page = console.post(url(world.policy), sent).content.decode()
    assert "1 live credential lacks tenant, and so do answers that ask for it. Replace the values of each." in page
    active = f"{url(Credential, 'changelist')}?policy__id__exact={world.policy.pk}&amp;state__exact=active"
    assert f'href="{active}" target="_blank"' in page
    assert "lacks tenant" not in console.get(url(world.policy)).content.decode()
    assert console.post(url(world.policy), sent | {"confirmed": tick_of(page)}).status_code == 302
    page = console.get(url(world.policy)).content.decode()
    assert "1 live credential lacks tenant: it was made before. Replace the values of each." in page
    [listed] = re.findall(r'href="([^"]*values=lacking)"', page)
    found = console.get(listed.replace("&amp;", "&"))
    assert list(found.context["cl"].result_list) == [world.credential]
    page = console.get(url(world.credential)).content.decode()
    assert "It has no tenant, which its policy got after it was made. Replace its values" in page
    assert url(world.credential, "replace") in page


def test_taking_a_name_away_leaves_nobody_without(console: Client, world: World) -> None:
    name_values(world.policy, "apiKey", "tenant")
    name_values(world.policy, "apiKey")
    page = console.get(url(world.policy)).content.decode()
    assert "live credential lacks" not in page
    assert lacking() == set()


def test_the_list_offers_the_filter(console: Client, world: World) -> None:
    answer = console.get(url(Credential, "changelist"), {"values": "lacking"})
    assert "Lacks a value of its policy" in answer.content.decode()
    assert list(answer.context["cl"].result_list) == []


def successor_with_tenant(world: World) -> Credential:
    """The successor has a value that the answer asks for, and its predecessor does not."""
    name_values(world.policy, "apiKey", "tenant")
    values = {"apiKey": "another-key-of-acme", "tenant": "acme"}
    successor = rotate(credential=Credential.objects.get(pk=world.credential.pk), actor="test", entered=values)
    Integration.objects.filter(pk=world.integration.pk).update(
        response_shape={"apiKey": "$credential.apiKey", "tenant": "$credential.tenant"}
    )
    return successor


def told_predecessors(console: Client, successor: Credential) -> list[str]:
    told = console.get(url(successor, "revoke")).context["consequences"]
    return [line for line in map(str, told) if line.startswith("Its predecessor")]


def test_a_revocation_says_who_gets_no_answer_by_the_predecessor(console: Client, world: World) -> None:
    successor = successor_with_tenant(world)
    (told,) = told_predecessors(console, successor)
    assert told.endswith(
        "handed out again from now until then. It has no value tenant: 1 installation would get no answer."
    )
    page = console.get(ask_bulk(console, Credential, "revoke", [successor])).content.decode()
    assert "Unless they end too, predecessors are handed out that have no value tenant: 1 installation would" in page
    Installation.objects.update(state="suspended")
    (told,) = told_predecessors(console, successor)
    assert told.endswith("handed out again from now until then.")


def test_a_revocation_says_who_gets_no_answer_without_a_predecessor(console: Client, world: World) -> None:
    told = console.get(url(world.credential, "revoke")).context["consequences"]
    assert [getattr(line, "choice", "") for line in told if line == "1 installation gets no answer then."] == [""]
    successor = rotate(credential=world.credential, actor="test", entered={"apiKey": "another-key-of-acme"})
    told = console.get(url(successor, "revoke")).context["consequences"]
    (line,) = [line for line in told if line == "1 installation gets no answer then."]
    assert line.choice == "console-if-ended-too"
    page = console.get(ask_bulk(console, Credential, "revoke", [successor])).content.decode()
    assert "Where nothing else of its line is handed out: 1 installation gets no answer then." in page
    values = {"why": "entered wrong"}
    kept = send(console, url(successor, "revoke"), **values).client.get(url(successor)).content.decode()
    assert "no answer now" not in kept
    values["predecessors"] = "on"
    world.credential.refresh_from_db()
    ended = send(console, url(world.credential, "revoke"), **values).client.get(url(successor)).content.decode()
    assert "1 installation gets no answer now." in ended


def test_a_predecessor_that_fills_the_answer_is_no_warning(console: Client, world: World) -> None:
    successor = rotate(credential=world.credential, actor="test", entered={"apiKey": "another-key-of-acme"})
    (told,) = told_predecessors(console, successor)
    assert told.endswith("handed out again from now until then.")
    assert (
        "would get no answer" not in console.get(ask_bulk(console, Credential, "revoke", [successor])).content.decode()
    )


def test_of_two_predecessors_each_is_said_to_follow_the_other(console: Client, world: World) -> None:
    middle = rotate(credential=world.credential, actor="test", entered={"apiKey": "another-key-of-acme"})
    last = rotate(credential=middle, actor="test", entered={"apiKey": "a-third-key-of-acme"})
    newer, older = told_predecessors(console, last)
    assert f"{middle.version_name()} is good until" in newer
    assert "handed out again from now" in newer
    assert older.endswith("UTC, unless it is ended too.")
    Credential.objects.filter(pk=world.credential.pk).update(retires_at=timezone.now() + timedelta(days=30))
    middle.refresh_from_db()
    _, older = told_predecessors(console, last)
    assert f"handed out again from {middle.retires_at:%Y-%m-%d %H:%M} UTC until then." in older
    (told,) = told_predecessors(console, middle)
    assert told.endswith("UTC, unless it is ended too.")
