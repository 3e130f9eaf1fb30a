"""Finds rows by one box for any id: ours, a partner's, a name, a hint, a request's id, or a credential itself.

As people paste it: in quotes, after ``Bearer``, in a line of a log, in JSON, in an assignment.

Sent by POST, so that what is pasted stands in no address, no history and no server's log. It is not written back into
the page. A credential is looked up by its digest (credservice.credentials.key_lookup.recognise).
"""

from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, transaction
from django.db.models import Model, Q
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from credservice.adminkit.links import list_url, page_of, short
from credservice.adminkit.menu import Menu, title_of
from credservice.adminkit.model_admin import LargeListAdmin, by_first_digits
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.audit.names import actor_of, object_type_of
from credservice.console.pasted import is_like_a_key, pieces, unwrapped
from credservice.console.refused_ids import lines_refused_with
from credservice.core.exceptions import ServiceError
from credservice.credentials.key_lookup import AT_ONCE, MAX_KEY, Recognised, candidates, recognise
from credservice.credentials.models import Credential
from credservice.credentials.transitions import MIN_DIGESTED
from credservice.limits.counter import count_call

SHOWN = 8  # of each kind
PER_MINUTE = 60  # searches of one user: whoever may guess at values may not do so quickly
PART_MS = 300  # for a search that no index may serve: customers by any part
MIN_PART = 3
TOO_LONG = f"That is longer than {MAX_KEY:,} characters. Paste the line that holds the id or the credential."
FOUND_NOTHING = (
    "No results. Customers are found by any part of their name or ids, other names by how they begin, and other ids, "
    "hints and request ids whole. Reasons that were typed are found by any part, in the newest lines of the trail, and "
    "ids that exchanges were refused with whole."
)
NOT_OURS = (
    "No credential, live or ended, has this value, and nothing has it for a name or an id. A value is found whole "
    "alone: no part of one is."
)
TOO_MANY = "There are too many customers to look for a part of a name in time. Type how it begins, or a whole id."


@dataclass(frozen=True)
class Group:
    """The rows found of one kind; ``more`` is the list of all, where there is more."""

    title: str
    icon: str
    rows: list[dict[str, Any]]
    more: str = ""


@method_decorator(sensitive_post_parameters(), name="__call__")
class Search:
    """The search's page, which the box on every page is sent to."""

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

    def _answer(self, request: HttpRequest, text: str) -> HttpResponse:
        if pasted := _by_value(request, text):
            return self._recognised(request, pasted)
        secrets = _by_text(request, text)
        if len(secrets) == 1:
            messages.info(request, f"This is the {secrets[0][1]._meta.verbose_name} that you pasted.")
            return HttpResponseRedirect(page_of(secrets[0][1]))
        if secrets:
            return self._page(request, "", [_group(site_admin, [row], "") for site_admin, row in secrets])
        term = unwrapped(text)
        if len(direct := _by_subject(request, term)) == 1:
            return HttpResponseRedirect(page_of(direct[0]))
        groups, in_time = _groups(request, term)
        words: list[str] = []
        if not groups:
            groups, words = _of_pieces(request, text)
        rows = [row for group in groups for row in group.rows]
        whole = [row for row in rows if row["whole"]]
        if not rows and (trail := _trail(request, term)):
            return HttpResponseRedirect(trail)
        if words or not whole:  # nobody is led to one whose id is only longer than one that was refused
            of_trail = _of_trail(request, [term] if rows and not words else [], words)
            groups, rows = [*groups, *of_trail], [*rows, *(row for group in of_trail for row in group.rows)]
            whole = [] if of_trail else whole
        if len(rows) == 1 or len(whole) == 1:
            return HttpResponseRedirect((whole or rows)[0]["link"])
        return self._page(request, "" if rows else _nothing(request, term) if in_time else TOO_MANY, groups)

    def _recognised(self, request: HttpRequest, pasted: list[Recognised]) -> HttpResponse:
        """Lead to the credential that was pasted, or list them, and say which of its values it was."""
        if len(pasted) == 1:
            messages.info(request, f"This is the credential that you pasted: {_which(pasted[0])}.")
            return HttpResponseRedirect(page_of(pasted[0].credential))
        site_admin: Any = admin.site._registry[Credential]
        group = _group(site_admin, [found.credential for found in pasted], "")
        for row, found in zip(group.rows, pasted, strict=False):
            row["detail"] = f"{_which(found)} · {row['detail']}"
        return self._page(request, "", [replace(group, title="These hold what you pasted", more="")])

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


def _of_pieces(request: HttpRequest, text: str) -> tuple[list[Group], list[str]]:
    """Find, of a line that was pasted, the rows that one of its words is an id of, and the words that are of none."""
    found: dict[str, dict[Any, Any]] = {}
    admins: dict[str, Any] = {}
    with transaction.atomic():
        _plan_for_these_values()
        words = pieces(text)
        unknown = dict.fromkeys(words)
        for piece in words:
            for _, site_admin in _searched(request):
                title = title_of(site_admin)
                admins[title] = site_admin
                rows = {row.pk: row for row in _rows(request, site_admin, piece) if _is_whole(row, piece)}
                found.setdefault(title, {}).update(rows)
                if rows:
                    unknown.pop(piece, None)
    return [_group(admins[title], list(rows.values()), "") for title, rows in found.items() if rows], list(unknown)


def _groups(request: HttpRequest, term: str) -> tuple[list[Group], bool]:
    """Find rows of each kind, and tell whether parts of names were looked for to the end."""
    with transaction.atomic():
        _plan_for_these_values()
        found = [(site_admin, _rows(request, site_admin, term)) for _, site_admin in _searched(request)]
    in_time = True
    if not any(_is_whole(row, term) for _, rows in found for row in rows):
        found, in_time = _with_parts(request, found, term)
    return [_group(site_admin, rows, term) for site_admin, rows in found if rows], in_time


def _with_parts(request: HttpRequest, found: list[tuple[Any, list[Any]]], term: str) -> tuple[Any, bool]:
    """Add what has the term anywhere in its name or ids: with an index, or for as long as somebody waits."""
    if len(term) < MIN_PART:
        return found, True
    try:
        with transaction.atomic():
            _plan_for_these_values(f"{PART_MS}ms")
            return [(site_admin, _and_parts(request, site_admin, rows, term)) for site_admin, rows in found], True
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "57014":  # query_canceled
            raise
        return found, False


def _and_parts(request: HttpRequest, site_admin: Any, rows: list[Any], term: str) -> list[Any]:
    part = site_admin.find_part(term) if isinstance(site_admin, LargeListAdmin) else None
    if part is None or len(rows) > SHOWN:
        return rows
    more = site_admin.get_queryset(request).order_by().select_related(*(site_admin.list_select_related or ()))
    known = {row.pk for row in rows}
    return [*rows, *(row for row in more.filter(part)[: SHOWN + 1] if row.pk not in known)]


def _plan_for_these_values(timeout: str = "") -> None:
    """Have PostgreSQL plan for these values, in this transaction, and give up after ``timeout``.

    A plan that is prepared for any beginning of a name cannot use the index for one, and reads the whole table where
    nothing begins so.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        if timeout:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [timeout])


def _searched(request: HttpRequest) -> list[tuple[Menu, Any]]:
    """List what the sidebar shows this user, but for lists that speak of others' rows, such as the audit log."""
    registered: list[Any] = list(admin.site._registry.values())
    found = [
        (site_admin.menu, site_admin)
        for site_admin in registered
        if getattr(site_admin, "menu", None) and site_admin.in_search and site_admin.search_fields
    ]
    visible = [pair for pair in found if pair[1].has_view_or_change_permission(request)]
    return sorted(visible, key=lambda pair: pair[0].rank)


def _rows(request: HttpRequest, site_admin: Any, term: str) -> list[Any]:
    """Find rows by one query for each column that may hold it: an index each (see adminkit.changelists)."""
    queryset = site_admin.get_queryset(request).order_by().select_related(*(site_admin.list_select_related or ()))
    found = {row.pk: row for q in _conditions(site_admin, term) for row in queryset.filter(q)[: SHOWN + 1]}
    return list(found.values())


def _conditions(site_admin: Any, term: str) -> list[Q]:
    """List what may match; short tables are searched by how any of their names begins, and by our id."""
    if isinstance(site_admin, LargeListAdmin):
        return [*site_admin.find(term), *site_admin.find_beginning(term), *by_first_digits(site_admin.model, term)]
    names = [Q(**{f"{name.lstrip('^=')}__istartswith": term}) for name in site_admin.search_fields]
    try:
        return [*names, Q(pk=site_admin.opts.pk.to_python(term))]
    except ValidationError:
        return [*names, *by_first_digits(site_admin.model, term)]


def _group(site_admin: Any, rows: list[Any], term: str) -> Group:
    more = list_url(site_admin.model, q=term) if len(rows) > SHOWN and term else ""
    names = site_admin.titles_of(rows[:SHOWN])
    shown = [_row(site_admin, row, name, term) for row, name in zip(rows, names, strict=False)]
    for row, obj in zip(shown, rows, strict=False):
        twins = [other for other in shown if (other["name"], other["detail"]) == (row["name"], row["detail"])]
        row["id"] = short(str(obj.pk)) if len(twins) > 1 else ""
    return Group(title_of(site_admin), site_admin.menu.icon, shown, more)


def _row(site_admin: Any, obj: Model, name: str, term: str) -> dict[str, Any]:
    return {
        "name": name,
        "detail": site_admin.tell_apart(obj),
        "link": page_of(obj),
        "whole": _is_whole(obj, term),
    }


def _is_whole(obj: Model, term: str) -> bool:
    """Tell if the term is the row's own id, and not one that it speaks of."""
    names = ("partner_id", "end_user_id", "installation_id", "integration_id", "external_id", "hint")
    return term in {str(obj.pk), *(str(getattr(obj, name, "")) for name in names)}


def _which(found: Recognised) -> str:
    """Name the values that were pasted."""
    if not found.names:
        return "one of its values, which were erased since"
    return f"its {'value' if len(found.names) == 1 else 'values'} {', '.join(found.names)}"


def _by_subject(request: HttpRequest, term: str) -> list[Any]:
    """Find ``end_user:...`` as the audit log writes it, or a kind and id of anything else."""
    kind, _, key = term.partition(":")
    for model, site_admin in admin.site._registry.items():
        if key and object_type_of(model) == kind and site_admin.has_view_or_change_permission(request):
            try:
                return list(site_admin.get_queryset(request).filter(pk=model._meta.pk.to_python(key)))
            except ValidationError:
                return []
    return []


def _by_value(request: HttpRequest, term: str) -> list[Recognised]:
    """Find the credential of a value. That somebody pasted one is in the audit log; the value is not."""
    if not admin.site._registry[Credential].has_view_or_change_permission(request):
        return []
    return recognise(term, actor=actor_of(request))


def _by_text(request: HttpRequest, text: str) -> list[tuple[Any, Model]]:
    """Find service tokens, signing secrets and passwords whose text was pasted. Each is recorded."""
    parts = list(islice(candidates(text, MIN_DIGESTED), AT_ONCE))
    found: list[tuple[Any, Model]] = []
    for _, site_admin in _searched(request):
        rows = site_admin.holding(site_admin.get_queryset(request), parts)[:SHOWN]
        found += [(site_admin, row) for row in rows]
    for _, row in found:
        with transaction.atomic():
            record(Line.about(row, f"{object_type_of(type(row))}.recognised", actor_of(request)))
    return found


def _nothing(request: HttpRequest, term: str) -> str:
    """Say that nothing was found; of what looks like a key, that it is none of ours, as far as this user may look."""
    if not is_like_a_key(term) or not admin.site._registry[Credential].has_view_or_change_permission(request):
        return FOUND_NOTHING
    seen = [site_admin for _, site_admin in _searched(request)]
    secrets: list[Any] = [other for other in admin.site._registry.values() if getattr(other, "by_text", None)]
    unseen = [str(other.opts.verbose_name_plural) for other in secrets if other not in seen]
    return f"{NOT_OURS} An administrator can search {' and '.join(unseen)} as well." if unseen else NOT_OURS


def _of_trail(request: HttpRequest, terms: list[str], words: list[str]) -> list[Group]:
    """Lead to the lines of exchanges that were refused with one of these, and of requests that one is the id of."""
    site_admin: Any = admin.site._registry[AuditEvent]
    if not site_admin.has_view_or_change_permission(request):
        return []
    requests = AuditEvent.objects.filter(request_id__in=words).order_by().values_list("request_id", flat=True)
    found = {
        "Sent with refused exchanges": [(sent, {"q": sent}) for sent in lines_refused_with(*terms, *words)],
        "Requests": [(sent, {"request_id": sent}) for sent in dict.fromkeys(requests[:SHOWN])],
    }
    groups = {title: [_lines_row(*each) for each in lines] for title, lines in found.items()}
    return [Group(title, site_admin.menu.icon, rows) for title, rows in groups.items() if rows]


def _lines_row(name: str, filters: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "detail": "", "link": list_url(AuditEvent, **filters), "whole": False, "id": ""}


def _trail(request: HttpRequest, term: str) -> str:
    """Find the lines of the audit log of a request, of a refused exchange, or of an object that has no page."""
    site_admin: Any = admin.site._registry[AuditEvent]
    if not site_admin.has_view_or_change_permission(request) or not _rows(request, site_admin, term):
        return ""
    return list_url(AuditEvent, q=term)
