"""Names actors and models as the audit log does."""

import os
import pwd
import re
from functools import cache
from typing import Any

from django.db.models import Model
from django.http import HttpRequest

from credservice.http.context import current_context


def actor_of(request: HttpRequest) -> str:
    return f"user:{request.user.get_username()}"


def current_actor() -> str:
    """Name who has sent the request that is being answered: a person, or a token of the vendor API; empty for none."""
    request = current_context().request
    caller: Any = getattr(request, "auth", None)  # as DRF keeps it
    if hasattr(caller, "actor"):
        return str(caller.actor)
    return actor_of(request) if request is not None and request.user.is_authenticated else ""


def command_actor(name: str) -> str:
    """Name as an actor the command that this process runs: ``command:NAME:USER``.

    The user is the system's, not the environment's, which anybody sets; a number where the system has no name for it,
    as in a container that runs under a made-up one.
    """
    uid = os.getuid()
    try:
        return f"command:{name}:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"command:{name}:{uid}"


@cache
def object_type_of(model: type[Model]) -> str:
    """Name a model as the audit log does: ``EndUser`` is ``end_user``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower()
