"""The rotation of a signing secret: its pages tell how far it is, and ask before one ends too early."""

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from credservice.keys.models import SigningSecret
from credservice.keys.rotation_progress import last_uses
from exchange.signatures.verify import Profile
from tests.conftest import Trail
from tests.console.test_signature_debugger import call, headers_of
from tests.support.console import World
from tests.support.doors import role_client
from tests.support.pages import run_bulk, send, url


def used(secret: SigningSecret) -> None:
    SigningSecret.objects.filter(pk=secret.pk).update(last_used_at=timezone.now())


def test_the_platforms_page_shows_how_far_a_rotation_is(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    page = console.get(url(world.platform)).content.decode()
    assert "The partner does not use the new secret yet (a call shows within a minute)." in page
    used(SigningSecret.objects.get(state="current"))
    page = console.get(url(world.platform)).content.decode()
    assert "The partner uses the new secret, and perhaps the one before as well" in page
    SigningSecret.objects.update(created_at=timezone.now() - timedelta(hours=2))
    page = console.get(url(world.platform)).content.decode()
    assert "The partner uses the new secret, and the one before has verified no call for an hour or more." in page
    assert f'href="{url(world.secret, "retire")}">End the old secret</a>' in page


def test_a_new_secret_leads_back_to_its_platform(console: Client, world: World) -> None:
    shown = send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    assert shown.context["home"] == url(world.platform)


def test_the_page_of_a_platforms_secrets_leads_to_the_platform_and_to_the_old_ones_end(
    console: Client, world: World
) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    page = console.get(url(world.platform.secrets))
    assert page.context["header"].title == "Signing secrets of platform mindcloud"
    assert url(world.platform) in str(page.context["header"].facts[0].value)
    text = page.content.decode()
    assert text.count("End the old secret") == 1
    assert url(world.secret, "retire") in text


def test_who_may_end_no_secret_is_not_offered_to(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    auditor = role_client("Auditor")
    for obj in (world.platform, world.platform.secrets):
        assert "End the old secret" not in auditor.get(url(obj)).content.decode()


def test_the_platforms_page_does_not_say_never_right_after_the_first_call(
    console: Client, world: World, client: Client
) -> None:
    assert call(client, headers_of(Profile())).status_code == 200
    page = console.get(url(world.platform)).content.decode()
    assert page.count("never (a use shows within a minute)") == 2  # on top, and beside the secret
    last_uses.flush()
    page = console.get(url(world.platform)).content.decode()
    assert ("never (as of" in page, page.count(">just now</time>") >= 2) == (False, True)


def test_retiring_a_secret_says_when_it_last_verified_a_call(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    assert "It had verified no call a minute ago." in console.get(url(world.secret, "retire")).content.decode()
    used(world.secret)
    assert "It last verified a call just now" in console.get(url(world.secret, "retire")).content.decode()


def test_ending_a_secret_before_the_partner_uses_the_new_one_needs_a_tick(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    used(world.secret)
    page = console.get(url(world.secret, "retire")).content.decode()
    assert "The partner does not use the new secret yet" in page
    assert "All of its calls would be refused." in page
    assert "Nothing is ended yet." in send(console, url(world.secret, "retire")).content.decode()
    world.secret.refresh_from_db()
    assert world.secret.state == "previous"
    send(console, url(world.secret, "retire"), refuse="on")
    world.secret.refresh_from_db()
    assert world.secret.state == "retired"


def test_while_the_partner_uses_both_it_needs_the_tick_and_afterwards_none(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    current = SigningSecret.objects.get(state="current")
    now, hour = timezone.now(), timedelta(hours=1)
    SigningSecret.objects.update(last_used_at=now, created_at=now - 2 * hour)
    assert "Calls that are signed with it would be" in send(console, url(world.secret, "retire")).content.decode()
    SigningSecret.objects.exclude(pk=current.pk).update(last_used_at=now - hour)
    page = console.get(url(world.secret, "retire")).content.decode()
    assert "the one before has verified no call for an hour or more. Only a process" in page
    assert "End it all the same" not in page
    send(console, url(world.secret, "retire"))
    world.secret.refresh_from_db()
    assert world.secret.state == "retired"


def test_ending_several_names_the_partners_that_have_not_changed_over(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    data = {"action": "retire", "_selected_action": [str(world.secret.pk)]}
    page = console.post(url(SigningSecret, "changelist"), data, follow=True).content.decode()
    assert f"so that calls are refused: {world.platform.secrets}." in page


def test_ending_several_asks_for_the_tick_of_one(console: Client, world: World, trail: Trail) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    refused = run_bulk(console, SigningSecret, "retire", [world.secret])
    assert "Nothing is done yet. Leave out those of which it is told, or tick." in refused.content.decode()
    world.secret.refresh_from_db()
    assert world.secret.state == "previous"
    run_bulk(console, SigningSecret, "retire", [world.secret], all_the_same="on")
    world.secret.refresh_from_db()
    assert world.secret.state == "retired"
    assert "all_the_same" not in trail.one(action="bulk_run.started").detail["values"]


def test_ending_those_that_nobody_uses_asks_for_none(console: Client, world: World) -> None:
    send(console, url(world.platform.secrets, "new-secret"), source="generate", overlap="86400")
    now, hour = timezone.now(), timedelta(hours=1)
    SigningSecret.objects.update(last_used_at=now - 2 * hour, created_at=now - 3 * hour)
    run_bulk(console, SigningSecret, "retire", [world.secret])
    world.secret.refresh_from_db()
    assert world.secret.state == "retired"
