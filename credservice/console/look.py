"""Our own additions to Unfold's styles."""

from django.http import HttpRequest
from django.templatetags.static import static


def stylesheet(_: HttpRequest) -> str:
    return static("console/console.css")
