"""The sidebar and what waits, from what is registered: a room adds its pages without this module's knowing of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

RARE = "Behind the scenes"  # the group of lists that are looked at seldom, or from another page
DAILY = ("Credentials", "Exchange", "Provisioning", "Audit")  # groups that stand open
MAX_COUNTED = 100  # of what waits: the overview counts no further


@dataclass(frozen=True)
class Menu:
    """Where a list stands: the group, a rank that orders groups and lists alike, an icon of Material Symbols.

    ``plural`` names the list where the model's own name would not do.
    """

    group: str
    rank: int
    icon: str
    plural: str = ""


class Need(NamedTuple):
    """One line of what waits: a sentence, and the filters of the list that shows it, or another address."""

    sentence: str
    filters: dict[str, str] = {}
    urgent: bool = False  # something is broken now, and not only due
    link: str = ""


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's ``SIDEBAR["navigation"]``: the lists that this user may see, grouped."""
    groups: list[dict[str, Any]] = [{"items": _first(request)}]
    for menu, entry in _entries(request):
        if groups[-1].get("title") != menu.group:
            groups.append({"title": menu.group, "collapsible": menu.group not in DAILY, "items": []})
        groups[-1]["items"].append({"title": entry["title"], "icon": menu.icon, "link": entry["link"]})
    return groups


def _first(request: HttpRequest) -> list[dict[str, Any]]:
    from credservice.console.beginning import may_begin

    overview = {"title": "Overview", "icon": "space_dashboard", "link": reverse("admin:index")}
    first_steps = {"title": "First steps", "icon": "rocket_launch", "link": reverse("admin:first_steps")}
    return [overview, first_steps] if may_begin(request) else [overview]


def groups(request: HttpRequest) -> dict[str, list[dict[str, Any]]]:
    """The same lists with a sentence each, and what can be added."""
    found: dict[str, list[dict[str, Any]]] = {}
    for menu, entry in _entries(request):
        found.setdefault(menu.group, []).append(entry | {"icon": menu.icon})
    return found


def needed(request: HttpRequest) -> list[dict[str, Any]]:
    """What waits for an operator who may see it: what is broken first."""
    return sorted(_lines(request, "needs_operator"), key=lambda line: not line["urgent"])


def under_way(request: HttpRequest) -> list[dict[str, Any]]:
    """What the service has to do, and will do by itself."""
    return list(_lines(request, "under_way"))


def counted(number: int, noun: str) -> str:
    """``1 installation``, ``2 installations``, ``100+ installations``: no more than was counted."""
    return f"{number}{'' if number < MAX_COUNTED else '+'} {noun}{'' if number == 1 else 's'}"


def environment(_: HttpRequest) -> list[str] | None:
    """Unfold's ``ENVIRONMENT``: a label that keeps a trial from being taken for production."""
    return None if settings.PRODUCTION else ["Development", "warning"]


def title_of(site_admin: Any) -> str:
    menu = _menu_of(site_admin)
    title = (menu.plural if menu else "") or str(site_admin.opts.verbose_name_plural)
    return title[:1].upper() + title[1:]


def _lines(request: HttpRequest, kind: str) -> Iterator[dict[str, Any]]:
    for _, entry in _entries(request):
        for need in (Need(*line) for line in getattr(entry["site_admin"], kind)()):
            link = need.link or f"{entry['link']}?{urlencode(need.filters)}"
            yield {"sentence": need.sentence, "link": link, "urgent": need.urgent}


def _entries(request: HttpRequest) -> Iterator[tuple[Menu, dict[str, Any]]]:
    found = [(menu, site_admin) for site_admin in admin.site._registry.values() if (menu := _menu_of(site_admin))]
    for menu, site_admin in sorted(found, key=lambda pair: pair[0].rank):
        if site_admin.has_view_or_change_permission(request):
            yield menu, _entry(request, site_admin)


def _menu_of(site_admin: Any) -> Menu | None:
    menu: Menu | None = getattr(site_admin, "menu", None)
    return menu


def _entry(request: HttpRequest, site_admin: Any) -> dict[str, Any]:
    opts = site_admin.opts
    name = f"admin:{opts.app_label}_{opts.model_name}"
    return {
        "title": title_of(site_admin),
        "link": reverse(f"{name}_changelist"),
        "about": site_admin.about,
        "add": reverse(f"{name}_add") if site_admin.has_add_permission(request) else None,
        "singular": str(opts.verbose_name),
        "site_admin": site_admin,
    }
