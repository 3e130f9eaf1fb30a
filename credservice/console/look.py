"""Our own additions to Unfold's looks."""

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse


def stylesheet(_: HttpRequest) -> str:
    return static("console/console.css")


def search_keys(_: HttpRequest) -> str:
    return static("console/search.js")


def favicon(_: HttpRequest) -> str:
    return static("console/favicon.svg")


def alpine(_: HttpRequest) -> str:
    return static("console/alpine.js")


def account(_: HttpRequest) -> list[dict[str, str]]:
    """The menu under one's own name."""
    return [
        {"title": "My account", "link": reverse("mfa_index")},
        {"title": "Change password", "link": reverse("admin:password_change")},
    ]
