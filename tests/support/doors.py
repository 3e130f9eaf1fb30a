"""Every door of the console: its pages by the names of their addresses, the POSTs beside a form's GET, and actions."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse
from django.utils import timezone

from credservice.adminkit.models import Approval, BulkRun
from credservice.console.roles import ROLES

# Their own tests say who may do what there.
ELSEWHERE = {
    *("index", "login", "logout", "jsi18n", "password_change", "password_change_done", "app_list", "view_on_site"),
    "search",  # shows what the lists would
    "autocomplete",  # asks for the list's permission: Django's
    "console_bulkrun_start",  # of one's own alone: test_bulk
}
NOBODY = "00000000-0000-4000-8000-000000000000"
LETTERS = {"Viewer": "V", "Operator": "O", "Secrets manager": "S", "Auditor": "A", "Administrator": "D"}


def role_client(role: str) -> Client:
    user = User.objects.create_user(f"a {role}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def furnish() -> None:
    """Make rows for what is decided by the object and not by the page alone."""
    User.objects.create_user("somebody", is_staff=True)  # the first: an account that may do no more than anybody
    asker = User.objects.create_superuser("asker")
    BulkRun.objects.create(action="suspend", object_type="exchange.enduser", title="Suspend", user=asker, total=1)
    Approval.objects.create(
        act="reveal", title="A reveal", permission="credentials.reveal_credential", object_id="1", asked_by=asker,
        object_type="credentials.credential", expires_at=timezone.now() + Approval.LASTS,
    )  # fmt: skip


def doors() -> list[str]:
    found = sorted(set(_names()) - ELSEWHERE)
    pages = [name for name in found if not name.endswith(("_delete", "_history"))]
    posts = [f"{name} POST" for name in pages if name.endswith("_change")]
    return sorted([*pages, *posts, *_actions()])


def is_open(client: Client, door: str) -> bool:
    name, _, how = door.partition(" ")
    if how in ("", "POST"):
        address = address_of(name)
        answer = client.post(address) if how else client.get(address)
    else:
        data = {"action": how.removeprefix("action "), "_selected_action": [str(_pk(name))]}
        answer = client.post(reverse(f"admin:{name}_changelist"), data)
    return answer.status_code != 403


def address_of(name: str) -> str:
    if name.endswith(("_changelist", "_add")) or not _model(name):
        return reverse(f"admin:{name}")
    for arguments in ([_pk(name)], [], [NOBODY]):
        with suppress(NoReverseMatch):
            return reverse(f"admin:{name}", args=arguments)
    raise LookupError(name)


def letters(allowed: set[str]) -> str:
    return " ".join(LETTERS[role.name] for role in ROLES if role.name in allowed) or "-"


def _names() -> Iterator[str]:
    (site,) = [part for part in get_resolver().url_patterns if getattr(part, "namespace", None) == "admin"]
    waiting: list[Any] = [site]
    while waiting:
        part = waiting.pop()
        waiting += getattr(part, "url_patterns", [])
        if getattr(part, "name", None):
            yield part.name


def _actions() -> Iterator[str]:
    for model, site_admin in admin.site._registry.items():
        for action in getattr(site_admin, "bulk_actions", ()):
            yield f"{model._meta.app_label}_{model._meta.model_name} action {action.name}"


def _model(name: str) -> Any:
    models = {f"{m._meta.app_label}_{m._meta.model_name}": m for m in admin.site._registry}
    found = [model for key, model in models.items() if name == key or name.startswith(f"{key}_")]
    return max(found, key=lambda model: len(str(model._meta.model_name)), default=None)


def _pk(name: str) -> Any:
    """Of a row; of none that exists where there is none: who may not is told so first."""
    model = _model(name)
    row = model._default_manager.order_by("pk").first()
    if row is not None:
        return row.pk
    return NOBODY if "UUID" in type(model._meta.pk).__name__ else 4711
