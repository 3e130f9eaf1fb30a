"""One box for any id: ours, a partner's, a name, a hint, a request's id, or a credential itself.

Sent by POST, so that what is pasted stands in no address, no history and no server's log. It is not written back into
the page. A credential is looked up by its digest (credservice.credentials.checking.recognise).
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Model, Q
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from credservice.audit.models import AuditEvent
from credservice.console.actor import actor_of
from credservice.console.audited import object_type_of
from credservice.console.base import LargeListAdmin
from credservice.console.links import page_of
from credservice.console.menu import Menu, title_of
from credservice.credentials.checking import MAX_KEY, recognise
from credservice.credentials.models import Credential
from credservice.exceptions import ServiceError
from credservice.limits.counter import count_call

SHOWN = 8  # of each kind
PER_MINUTE = 60  # searches of one user: whoever may guess at values may not do so quickly
TOO_LONG = f"That is longer than {MAX_KEY:,} characters: no id or credential is. Paste one alone."
FOUND_NOTHING = "Nothing is known by this. Ids, hints and request ids are found whole; names by how they begin."


@dataclass(frozen=True)
class Group:
    """What was found of one kind; ``more`` is the list of all, where there is more."""

    title: str
    icon: str
    rows: list[dict[str, str]]
    more: str = ""


@method_decorator(sensitive_post_parameters(), name="__call__")
class Search:
    """The page, and what the box on every page is sent to."""

    def __init__(self, site: Any) -> None:
        self.site = site

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "POST"])
        term = request.POST.get("term", "").strip()
        if not term:
            return self._page(request, "", [])
        if len(term) > MAX_KEY:
            return self._page(request, TOO_LONG, [])
        if "\x00" in term:  # PostgreSQL holds none in a text
            return self._page(request, FOUND_NOTHING, [])
        try:
            count_call(f"search:{request.user.pk}", PER_MINUTE)
        except ServiceError as error:
            return self._page(request, error.message, [])
        return self._answer(request, term)

    def _answer(self, request: HttpRequest, term: str) -> HttpResponse:
        direct = _by_subject(request, term) or _by_value(request, term)
        if len(direct) == 1:
            return HttpResponseRedirect(page_of(direct[0]))
        groups = [_group(admin.site._registry[Credential], direct, "")] if direct else _groups(request, term)
        rows = [row for group in groups for row in group.rows]
        whole = [row for row in rows if row["whole"]]
        if len(rows) == 1 or len(whole) == 1:
            return HttpResponseRedirect((whole or rows)[0]["link"])
        if not rows and (trail := _trail(request, term)):
            return HttpResponseRedirect(trail)
        return self._page(request, "" if rows else FOUND_NOTHING, groups)

    def _page(self, request: HttpRequest, sentence: str, groups: list[Group]) -> HttpResponse:
        request.current_app = self.site.name
        count = sum(len(group.rows) for group in groups)
        found = {
            "title": "Search",
            "sentence": sentence,
            "groups": groups,
            "count": f"{count} found" if count else "",
            "kinds": [title_of(site_admin) for _, site_admin in _searched(request)],
        }
        response = TemplateResponse(request, "console/search.html", self.site.each_context(request) | found)
        patch_cache_control(response, no_store=True)
        return response


def _groups(request: HttpRequest, term: str) -> list[Group]:
    with transaction.atomic():
        _plan_for_these_values()
        return _found(request, term)


def _plan_for_these_values() -> None:
    """For this transaction. A plan that is prepared for any beginning of a name cannot use the index for one, and
    reads the whole table where nothing begins so."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")


def _found(request: HttpRequest, term: str) -> list[Group]:
    found = ((site_admin, _rows(request, site_admin, term)) for _, site_admin in _searched(request))
    return [_group(site_admin, rows, term) for site_admin, rows in found if rows]


def _searched(request: HttpRequest) -> list[tuple[Menu, Any]]:
    """The lists that the sidebar shows this user, but for those that speak of other lists' rows, such as the trail."""
    registered: list[Any] = list(admin.site._registry.values())
    found = [
        (site_admin.menu, site_admin)
        for site_admin in registered
        if getattr(site_admin, "menu", None) and site_admin.in_search and site_admin.search_fields
    ]
    visible = [pair for pair in found if pair[1].has_view_or_change_permission(request)]
    return sorted(visible, key=lambda pair: pair[0].rank)


def _rows(request: HttpRequest, site_admin: Any, term: str) -> list[Any]:
    """One query for each column that may hold it: an index each (see console.keyset)."""
    queryset = site_admin.get_queryset(request).order_by().select_related(*(site_admin.list_select_related or ()))
    found = {row.pk: row for q in _conditions(site_admin, term) for row in queryset.filter(q)[: SHOWN + 1]}
    return list(found.values())


def _conditions(site_admin: Any, term: str) -> list[Q]:
    """Short tables are searched by how any of their names begins, and by our id."""
    if isinstance(site_admin, LargeListAdmin):
        return [*site_admin.find(term), *site_admin.find_beginning(term)]
    names = [Q(**{f"{name.lstrip('^=')}__istartswith": term}) for name in site_admin.search_fields]
    try:
        return [*names, Q(pk=site_admin.opts.pk.to_python(term))]
    except ValidationError:
        return names


def _group(site_admin: Any, rows: list[Any], term: str) -> Group:
    more = f"{site_admin.list_url()}?{urlencode({'q': term})}" if len(rows) > SHOWN else ""
    return Group(title_of(site_admin), site_admin.menu.icon, [_row(row, term) for row in rows[:SHOWN]], more)


def _row(obj: Model, term: str) -> dict[str, str]:
    """``whole`` where the term is the row's own id, and not one that it speaks of."""
    own = {str(obj.pk), *(str(getattr(obj, name, "")) for name in ("partner_id", "end_user_id", "installation_id"))}
    return {"name": str(obj), "link": page_of(obj), "whole": "yes" if term in own else ""}


def _by_subject(request: HttpRequest, term: str) -> list[Any]:
    """``end_user:...`` as the trail writes it, or a kind and id of anything else."""
    kind, _, key = term.partition(":")
    for model, site_admin in admin.site._registry.items():
        if key and object_type_of(model) == kind and site_admin.has_view_or_change_permission(request):
            try:
                return list(site_admin.get_queryset(request).filter(pk=model._meta.pk.to_python(key)))
            except ValidationError:
                return []
    return []


def _by_value(request: HttpRequest, term: str) -> list[Credential]:
    """Whose value it is. That somebody pasted one is in the trail; the value is not."""
    if not admin.site._registry[Credential].has_view_or_change_permission(request):
        return []
    return recognise(term, actor=actor_of(request))


def _trail(request: HttpRequest, term: str) -> str:
    """The trail's lines of a request, or of an object that has no page."""
    site_admin: Any = admin.site._registry[AuditEvent]
    if not site_admin.has_view_or_change_permission(request) or not _rows(request, site_admin, term):
        return ""
    return f"{reverse('admin:audit_auditevent_changelist')}?{urlencode({'q': term})}"
