"""Shows who could have seen a credential: one of the list, or one whose value turned up somewhere."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from credservice.adminkit.links import link_to, list_url, names_of, thing_link
from credservice.adminkit.sentences import actor_name
from credservice.adminkit.widgets import SecretField
from credservice.audit.models import AuditEvent
from credservice.audit.names import actor_of
from credservice.console.search import PER_MINUTE
from credservice.core.exceptions import ServiceError
from credservice.credentials.exposure import MAX_LINES, Sighting, life_of, line_of, sightings
from credservice.credentials.key_lookup import report_leak
from credservice.credentials.models import Credential
from credservice.limits.counter import count_call

TITLE = "Who could have seen this"
WAYS = {
    "exchange.credential": "handed out by the exchange",
    "credential.handed_out": "handed out to a marketplace",
    "credential.issued": "entered its values",
    "credential.copied": "copied from a resource's page",
    "callback.delivered": "sent to a marketplace by a callback",
    "callback.refused": "sent to a marketplace by a callback, which it refused",
    "callback.conflict": "sent to a marketplace by a callback, which it had no use for",
    "credential.revealed": "shown in the console",
    "credential.leak_reported": "found it in a text that was pasted",
    "credential.recognised": "typed or pasted it in the console",
}


class PastedForm(forms.Form):
    value = SecretField(
        label="The value",
        help_text="A key, or a text that holds it. It is digested, compared and dropped: stored nowhere.",
    )


def seen_page(site_admin: Any, request: HttpRequest, credential_id: UUID) -> HttpResponse:
    """Show it of one credential and its line."""
    _check(site_admin, request)
    line = line_of(credential_id)
    if not line:
        raise Http404
    credential = next(found for found in line if found.pk == credential_id)
    context = {"seen": _of_line(line), "title": TITLE, "original": credential}
    return _show(site_admin, request, "console/audit/seen.html", context)


def find_page(site_admin: Any, request: HttpRequest) -> HttpResponse:
    """Ask for the value on GET, look it up on POST."""
    _check(site_admin, request)
    form = PastedForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"title": TITLE, "form": form, "home": list_url(AuditEvent)}
    if request.method == "POST" and form.is_valid() and _counted(request, form):
        found = report_leak(form.cleaned_data["value"], actor=actor_of(request))
        lines = {credential.line: line_of(credential.pk) for credential in found}
        context |= {"searched": True, "found": [_of_line(line) for line in lines.values()], "form": PastedForm()}
    return _show(site_admin, request, "console/audit/find.html", context)


def _counted(request: HttpRequest, form: forms.Form) -> bool:
    """Count with the search's tries: whoever may guess at values may not do so quickly."""
    try:
        count_call(f"search:{request.user.pk}", PER_MINUTE)
    except ServiceError as error:
        form.add_error(None, error.message)
        return False
    return True


def _check(site_admin: Any, request: HttpRequest) -> None:
    if not (site_admin.has_view_permission(request) and request.user.has_perm("credentials.view_credential")):
        raise PermissionDenied


def _of_line(line: list[Credential]) -> dict[str, Any]:
    found = sightings(line)
    subject = line[-1].subject
    names = names_of([subject, *(seen.thing for seen in found)])
    names |= {f"credential:{credential.pk}": credential.version_name() for credential in line}
    return {
        "policy": line[-1].policy,
        "subject": thing_link(subject, names),
        "lives": [(link_to(credential, credential.version_name()), life_of(credential)) for credential in line],
        "sightings": sighting_rows(found, names),
        "cut": sum(seen.times for seen in found) >= MAX_LINES,
        "max_lines": MAX_LINES,
    }


def sighting_rows(found: list[Sighting], names: dict[str, str]) -> list[tuple[str, str, object, Sighting]]:
    """List who saw it, how, and what, under its name."""
    return [
        (
            actor_name(seen.actor),
            way_of(seen.action, simulated=seen.simulated),
            thing_link(seen.thing, names),
            seen,
        )
        for seen in found
    ]


def way_of(action: str, *, simulated: bool) -> str:
    """Name the way in which somebody saw it."""
    way = WAYS.get(action) or action.replace(".", " ").replace("_", " ")
    return f"{way}, to a simulated call" if simulated else way


def _show(site_admin: Any, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    request.current_app = site_admin.admin_site.name
    common = site_admin.admin_site.each_context(request) | {"opts": site_admin.opts}
    return TemplateResponse(request, template, common | context)
