"""Finds the console's pages, and fills their forms."""

import re
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse


def url(obj: Model | type[Model], page: str = "change") -> str:
    """The page of an object, or of a model: ``changelist``, ``add``, ``change``, or one of our own."""
    name = f"admin:{obj._meta.app_label}_{obj._meta.model_name}_{page}"
    return reverse(name, args=[] if isinstance(obj, type) else [obj.pk])


def all_models() -> list[type[Model]]:
    return list(admin.site._registry)


def every_url(user: Any) -> list[str]:
    """Every list, form and page of every object that there is."""
    found = [reverse("admin:index"), reverse("admin:password_change")]
    for model, site_admin in admin.site._registry.items():
        found.append(url(model, "changelist"))
        found.append(url(model, "add"))
        for obj in model._default_manager.order_by("pk")[:2]:
            own = [page.slug for page in getattr(site_admin, "object_pages", ())]
            found += [url(obj, page) for page in ("change", "history", "delete", *own)]
    return found


def send(client: Client, address: str, **values: Any) -> Any:
    """Open a page's form, fill it and send it, as a browser does."""
    page = client.get(address)
    assert page.status_code == 200, page
    form_id = re.search(r'name="form_id" value="([^"]+)"', page.content.decode())
    return client.post(address, values | ({"form_id": form_id.group(1)} if form_id else {}))


def run_bulk(client: Client, model: type[Model], action: str, rows: Sequence[Model], **values: Any) -> Any:
    """Tick rows of a list, choose an action, and confirm it."""
    return send(client, ask_bulk(client, model, action, rows), **values)


def ask_bulk(
    client: Client, model: type[Model], action: str, rows: Sequence[Model], query: str = "", **more: str
) -> str:
    """Tick rows, choose an action: the address of the page that asks before anything is done."""
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]} | more
    answer = client.post(url(model, "changelist") + query, data)
    assert answer.status_code == 302, answer
    return str(answer["Location"])


def attributes(**values: str) -> dict[str, list[str]]:
    """Write texts as the table of attributes sends them."""
    rows = {"name": list(values) or [""], "kind": ["text"] * (len(values) or 1), "value": list(values.values()) or [""]}
    return {f"attributes-{cell}": texts for cell, texts in rows.items()}


def tick_of(page: str) -> str:
    """Find the value of the tick that a form asks for."""
    (found,) = re.findall(r'name="confirmed"[^>]*value="(\w+)"|value="(\w+)"[^>]*name="confirmed"', page)
    return "".join(found)
