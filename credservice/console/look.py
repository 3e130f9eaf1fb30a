"""Our own additions to Unfold's looks."""

from django.http import HttpRequest
from django.templatetags.static import static


def stylesheet(_: HttpRequest) -> str:
    return static("console/console.css")


def search_keys(_: HttpRequest) -> str:
    return static("console/search.js")


def favicon(_: HttpRequest) -> str:
    return static("console/favicon.svg")


def alpine(_: HttpRequest) -> str:
    return static("console/alpine.js")
