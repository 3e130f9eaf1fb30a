"""Shows each type of event with an example of what is sent, and leads to sending it."""

import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from credservice.adminkit.links import list_url
from credservice.events.emit import Told
from credservice.events.examples import examples, ping
from credservice.events.models import EventEndpoint
from credservice.events.types import PING, TYPES

MAX_ENDPOINTS = 10  # that a type can be sent to from here; the page of each sends to any


def types_page(site_admin: Any, request: HttpRequest) -> HttpResponse:
    if not site_admin.has_view_permission(request):
        raise PermissionDenied
    told = examples() | {PING: ping("backend", "")}
    context = {
        "title": "Types of events",
        "opts": site_admin.opts,
        "types": [{"name": name, "about": TYPES[name].replace("`", ""), "body": _shown(told[name])} for name in TYPES],
        "endpoints": _takers(request)[:MAX_ENDPOINTS],
        "home": list_url(EventEndpoint),
    }
    request.current_app = site_admin.admin_site.name
    return TemplateResponse(request, "events/types.html", site_admin.admin_site.each_context(request) | context)


def _takers(request: HttpRequest) -> QuerySet[EventEndpoint]:
    """Find the endpoints that this user may send to."""
    active = EventEndpoint.objects.filter(is_active=True)
    return active if request.user.has_perm("events.replay_eventdelivery") else active.none()


def _shown(told: Told) -> str:
    return json.dumps(json.loads(told.body(timezone.now())), ensure_ascii=False, indent=2)
