"""Adds our stylesheet, scripts and icon, and the menu under one's own name, to Unfold's."""

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from credservice.accounts.oidc.marks import arrival


def stylesheet(_: HttpRequest) -> str:
    return static("console/console.css")


def search_keys(_: HttpRequest) -> str:
    return static("console/search.js")


def copy(_: HttpRequest) -> str:
    return static("console/copy.js")


def moments(_: HttpRequest) -> str:
    return static("console/moments.js")


def field(_: HttpRequest) -> str:
    return static("console/field.js")


def unsaved(_: HttpRequest) -> str:
    return static("console/unsaved.js")


def signed_out(_: HttpRequest) -> str:
    return static("console/signed_out.js")


def overlays(_: HttpRequest) -> str:
    return static("console/overlays.js")


def favicon(_: HttpRequest) -> str:
    return static("console/favicon.svg")


def alpine(_: HttpRequest) -> str:
    return static("console/alpine.js")


def account(request: HttpRequest) -> list[dict[str, str]]:
    """List the menu under one's own name."""
    own = [
        {"title": "My account", "link": reverse("mfa_index")},
        {"title": "Documentation", "link": reverse("admin:documents")},
        {"title": "Vendor API", "link": reverse("vendor-api-docs")},
    ]
    if arrival(request):  # whoever came by a provider has no password here
        return own
    return [*own, {"title": "Change password", "link": reverse("admin:password_change")}]
