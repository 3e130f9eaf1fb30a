"""Lists the way from the overview to the page that is shown: Home, the list, the object."""

from typing import Any, NamedTuple

from django.contrib import admin
from django.template import Context, Library
from django.urls import reverse

from credservice.adminkit.links import list_url, page_of
from credservice.adminkit.menu import title_of

register = Library()


class Crumb(NamedTuple):
    """One step of the way; no link where it leads nowhere, or this user may not go there."""

    title: str
    link: str = ""


@register.simple_tag(takes_context=True)
def crumbs(context: Context) -> list[Crumb]:
    """List the way to this page, whose own heading says what is done on it.

    A page of no list stands in its ``section``, or beneath Home.
    """
    title, home = str(context.get("title") or ""), reverse("admin:index")
    if context["request"].path == home or context.get("must_set_up"):
        return [Crumb(title)]
    obj, opts = context.get("original"), context.get("opts")
    if not opts:
        section = context.get("section")
        return [Crumb("Home", home), *([section] if section else []), Crumb(title)]
    site_admin: Any = admin.site._registry[type(obj) if obj else opts.model]
    may_list = site_admin.has_view_or_change_permission(context["request"])
    way = [Crumb("Home", home), Crumb(title_of(site_admin), list_url(site_admin.model) if may_list else "")]
    if obj:
        return [*way, Crumb(site_admin.object_title(obj), page_of(obj))]
    return [*way, Crumb(title)] if context.get("add") else way
