"""Exports the lines of the list's present filter as a file."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from credservice.accounts.oidc.admission import CLAIMED_USER
from credservice.adminkit.links import list_url, untold_kinds
from credservice.adminkit.sentence_tails import kind_of_facts
from credservice.audit import Line, record
from credservice.audit.export import FORMATS, read_down, write
from credservice.audit.models import AuditEvent
from credservice.audit.names import actor_of
from credservice.console.audit.filters import faults_of, plain
from credservice.console.middleware import error_page
from credservice.http.bodies import in_chunks

# What is sent within REQUEST_SECONDS. More of it is the command's work.
MAX_LINES = 50_000
WITHHELD = "Only who may look at the object sees these facts."
TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


def export_page(site_admin: Any, request: HttpRequest) -> HttpResponseBase:
    """Ask for the form of the file on GET, send it on POST. The filter is the address's, as the list has it."""
    if not (site_admin.has_view_permission(request) and request.user.has_perm("audit.export_auditevent")):
        raise PermissionDenied
    changelist = site_admin.get_changelist_instance(request)
    if faults := faults_of(changelist):
        return error_page(request, 400, " ".join(map(plain, faults)))
    form = request.POST.get("format", "")
    if request.method == "POST" and form in FORMATS:
        rows = read_down(_events(site_admin, changelist), limit=MAX_LINES)
        lines = write(_told(rows, untold_kinds(request)), form)
        name = f"audit-{timezone.now():%Y%m%d-%H%M%S}.{form}"
        return send(request, (text for _, text in lines), form, _asked(request), name)
    context = {
        "title": "Export the trail",
        "opts": site_admin.opts,
        "filters": _asked(request),
        "max_lines": MAX_LINES,
        "home": f"{list_url(AuditEvent)}?{request.GET.urlencode()}",
    }
    request.current_app = site_admin.admin_site.name
    return TemplateResponse(request, "console/audit/export.html", site_admin.admin_site.each_context(request) | context)


def send(request: HttpRequest, lines: Iterator[str], form: str, filters: dict[str, str], name: str) -> HttpResponseBase:
    """Send these lines as a file of this name. Each time is recorded; the page stays, and its form is good again."""
    detail = {"filters": filters, "format": form, "at_most": MAX_LINES}
    record(Line("audit.exported", actor_of(request), detail=detail))
    response = StreamingHttpResponse(in_chunks(lines), content_type=TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _events(site_admin: Any, changelist: Any) -> QuerySet[Any]:
    """Find what the list shows under this filter and search, on all of its pages."""
    found, term = Q(), changelist.query.strip()
    for alternative in site_admin.find(term) if term else []:
        found |= alternative
    events: QuerySet[Any] = changelist.queryset.filter(found)
    return events


def _told(rows: Iterator[dict[str, Any]], untold: set[str]) -> Iterator[dict[str, Any]]:
    """Leave out what the reader may not look at, as the lines' own pages do."""
    for row in rows:
        if kind_of_facts(row["action"], row["object_type"]) in untold:
            row["detail"] = {"withheld": WITHHELD}
        if row["subject"].startswith(CLAIMED_USER) and "user" in untold:
            row["subject"] = ""
        yield row


def _asked(request: HttpRequest) -> dict[str, str]:
    return {name: str(value)[:255] for name, value in request.GET.items() if value and name != "p"}
