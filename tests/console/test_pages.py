"""Every page opens, shows no secret, and changes nothing by being opened."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from credservice import __version__
from tests.conftest import Trail
from tests.support.console import CANARY, World
from tests.support.pages import all_models, every_url, url


def test_every_model_is_registered() -> None:
    from django.apps import apps

    ours = {"exchange", "provisioning", "audit", "keys", "credentials", "crypto", "vendor_api", "events"}
    models = {model for model in apps.get_models() if model._meta.app_label in ours and not model._meta.auto_created}
    missing = {model._meta.label for model in models - set(admin.site._registry)}
    assert missing == {
        "credentials.Lease",  # seconds of a caller's
        "events.DeliveryAttempt",  # on its delivery's page
        "events.Event",  # with its deliveries
        "exchange.RefusedCall",  # in the signature debugger
        "provisioning.HandOver",  # a digest that lives for a minute
        "vendor_api.IdempotentCall",  # a digest and a sealed answer, for a day
    }


@pytest.mark.parametrize("model", all_models(), ids=lambda model: model._meta.label)
def test_it_lists_and_shows(console: Client, world: World, model: type[Model]) -> None:
    assert console.get(url(model, "changelist"), follow=True).status_code == 200
    for obj in model._default_manager.all()[:1]:
        assert console.get(url(obj)).status_code == 200


@pytest.mark.parametrize("model", all_models(), ids=lambda model: model._meta.label)
def test_it_offers_to_add_what_may_be_added(console: Client, world: World, model: type[Model], rf: Any) -> None:
    request = rf.get("/")
    request.user = world_admin(console)
    allowed = admin.site._registry[model].has_add_permission(request)
    assert console.get(url(model, "add")).status_code == (200 if allowed else 403)


def test_the_menu_ends_with_the_release(console: Client) -> None:
    assert f"credservice {__version__}</footer>" in console.get(reverse("admin:index")).content.decode()


def test_no_page_shows_a_secret(console: Client, world: World, admin: Any) -> None:
    for address in every_url(admin):
        content = console.get(address, follow=True).content.decode()
        assert CANARY not in content, address
        assert "gAAAA" not in content


def test_opening_a_page_changes_nothing(console: Client, world: World, admin: Any, trail: Trail) -> None:
    before = _everything()
    for address in every_url(admin):
        console.get(address)
    assert _everything() == before
    # That a page was denied (nobody adds a live key, say) is a line.
    assert {line.action for line in trail.all()} <= {"console.page"}


def test_an_unknown_page_is_a_page(console: Client) -> None:
    response = console.get("/admin/nothing/here/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_the_overview_names_every_list(console: Client, world: World) -> None:
    content = console.get(reverse("admin:index")).content.decode()
    for title in ("Platforms", "Trusted keys", "Credentials", "Audit events", "Users", "Signing secrets"):
        assert title in content


def world_admin(console: Client) -> Any:
    from django.contrib.auth.models import User

    return User.objects.get(pk=console.session["_auth_user_id"])


def _everything() -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for table in sorted(set(tables) - {"django_session", "audit_auditevent"}):
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{table}\" t")
            found[table] = cursor.fetchall()
    return found


@pytest.mark.parametrize("signed_in", [True, False])
def test_an_error_page_needs_no_collected_file(console: Client, settings: Any, tmp_path: Any, signed_in: bool) -> None:
    manifest = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": manifest}
    settings.STATIC_ROOT = str(tmp_path)
    client = console if signed_in else Client(enforce_csrf_checks=True)
    response = client.get("/admin/nowhere/") if signed_in else client.post("/admin/login/")
    assert response.status_code == (404 if signed_in else 403)
    assert '<a href="/admin/">Overview</a>' in response.content.decode()
