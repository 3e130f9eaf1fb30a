"""Builds the sidebar, and the lists of what waits, from the admin pages that are registered."""

import re
from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from credservice.adminkit.links import list_url
from credservice.adminkit.menu import Menu, Need, menu_of, title_of
from credservice.console.first_steps_page import may_begin
from credservice.console.roles import ADMINISTRATOR, ROLES, permissions_of

DAILY = ("Credentials", "Exchange", "Provisioning", "Audit")  # groups that stand open


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Build Unfold's ``SIDEBAR["navigation"]``: the lists that this user may see, grouped."""
    groups: list[dict[str, Any]] = [{"items": _first(request)}]
    for menu, entry in _entries(request):
        if groups[-1].get("title") != menu.group:
            groups.append({"title": menu.group, "collapsible": menu.group not in DAILY, "items": []})
        groups[-1]["items"].append({"title": entry["title"], "icon": menu.icon, "link": entry["link"]})
    return groups


def _first(request: HttpRequest) -> list[dict[str, Any]]:
    overview = {"title": "Overview", "icon": "space_dashboard", "link": reverse("admin:index")}
    first_steps = {"title": "First steps", "icon": "rocket_launch", "link": reverse("admin:first_steps")}
    return [overview, first_steps] if may_begin(request) else [overview]


def groups(request: HttpRequest) -> dict[str, list[dict[str, Any]]]:
    """List the same with a sentence each, and what can be added."""
    found: dict[str, list[dict[str, Any]]] = {}
    for menu, entry in _entries(request):
        found.setdefault(menu.group, []).append(entry | {"icon": menu.icon})
    return found


def needed(request: HttpRequest) -> list[dict[str, Any]]:
    """List what waits for an operator who may see it: what is broken first."""
    lines = _lines(request, lambda site_admin: site_admin.needs_of(request))
    return sorted(lines, key=lambda line: not line["urgent"])


def all_needed() -> dict[str, dict[str, Any]]:
    """List the same for nobody in particular, by the kind of each, which stays while its numbers change."""
    found = {}
    for site_admin in filter(menu_of, admin.site._registry.values()):
        for need in _needs(cast(Any, site_admin).needs_operator()):
            line = _line(site_admin, need)
            what = "" if need.link or need.filters else re.sub(r"\d+", "", need.sentence)
            found[need.kind or f"{line['link']} {what}".strip()] = line
    return found


def under_way(request: HttpRequest) -> list[dict[str, Any]]:
    """List what the service has to do, and will do by itself."""
    return list(_lines(request, lambda site_admin: site_admin.under_way()))


def environment(_: HttpRequest) -> list[str] | None:
    """Build Unfold's ``ENVIRONMENT``: a label that keeps a trial from being taken for production."""
    return None if settings.PRODUCTION else ["Development", "warning"]


def _lines(request: HttpRequest, needs: Callable[[Any], list[Need]]) -> Iterator[dict[str, Any]]:
    for _, entry in _entries(request):
        for need in _needs(needs(entry["site_admin"])):
            if need.needs and not request.user.has_perm(need.needs):
                need = need._replace(sentence=f"{need.sentence}. {_who_may(need.needs)}")
            yield _line(entry["site_admin"], need)


def _who_may(permission: str) -> str:
    """Say who can mend it, to who cannot: the roles below the administrator's, as the table has them."""
    name = tuple(permission.split(".", 1))
    able = [role.name for role in ROLES if role.name != ADMINISTRATOR and name in permissions_of(role)]
    told = [f"{'an' if role[0] in 'AEIOU' else 'a'} {role.lower()}" for role in able or [ADMINISTRATOR]]
    return f"{' or '.join(told)} can change it".capitalize()


def _needs(lines: list[Need]) -> list[Need]:
    return [Need(*line) for line in lines]


def _line(site_admin: Any, need: Need) -> dict[str, Any]:
    link = need.link or f"{list_url(site_admin.model)}?{urlencode(need.filters)}"
    return {"sentence": need.sentence, "link": link, "urgent": need.urgent}


def _entries(request: HttpRequest) -> Iterator[tuple[Menu, dict[str, Any]]]:
    found = [(menu, site_admin) for site_admin in admin.site._registry.values() if (menu := menu_of(site_admin))]
    for menu, site_admin in sorted(found, key=lambda pair: pair[0].rank):
        if site_admin.has_view_or_change_permission(request):
            yield menu, _entry(request, site_admin)


def _entry(request: HttpRequest, site_admin: Any) -> dict[str, Any]:
    opts = site_admin.opts
    add = reverse(f"admin:{opts.app_label}_{opts.model_name}_add")
    return {
        "title": title_of(site_admin),
        "link": list_url(site_admin.model),
        "about": site_admin.about,
        "add": add if site_admin.has_add_permission(request) else None,
        "singular": str(opts.verbose_name),
        "site_admin": site_admin,
    }
