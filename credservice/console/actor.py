"""How the console's user is named in the trail."""

from django.http import HttpRequest


def actor_of(request: HttpRequest) -> str:
    return f"user:{request.user.get_username()}"
