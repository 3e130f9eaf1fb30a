"""Reads the headers of a platform: its version, on whose behalf it calls, and its own name of the request."""

import base64
import json
import re

from rest_framework.request import Request

from credservice.core.exceptions import ServiceError
from credservice.http.context import note

OLDEST = (2, 13)  # newer minor versions only add what may be ignored
_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")
_PLATFORM = re.compile(r"[A-Za-z0-9._-]{1,64}")
_USER_NAMES = ("user_id", "username", "uid")  # Cloud Foundry's, and Kubernetes'
REQUEST_IDENTITY = "X-Broker-API-Request-Identity"


class VersionRefused(ServiceError):
    """Refuses a version, also a missing one: the text allows 400 or 412 there, checkers expect 412."""

    status, code = 412, "unsupported_version"


def check_version(request: Request) -> None:
    """Raise VersionRefused where the platform does not name a version from 2.13 on."""
    match = _VERSION.fullmatch(request.META.get("HTTP_X_BROKER_API_VERSION", ""))
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if version[0] != OLDEST[0] or version < OLDEST:
        raise VersionRefused("Send X-Broker-API-Version, 2.13 to 2.17: for example 2.17.")


def request_identity(request: Request) -> str:
    """Return the platform's name of the request, to be noted and sent back; empty for one that is none."""
    text: str = request.META.get("HTTP_X_BROKER_API_REQUEST_IDENTITY", "")
    return text if text.isascii() and text.isprintable() and len(text) <= 255 else ""


def note_identities(request: Request) -> None:
    """Have the trail say who stands behind the call, as the platform says it. Nothing is allowed by it."""
    identity = request_identity(request)
    if identity:
        note(request_identity=identity)
    origin = request.META.get("HTTP_X_BROKER_API_ORIGINATING_IDENTITY", "")
    if origin:
        note(**_origin(origin))


def _origin(header: str) -> dict[str, str]:
    """Read ``PLATFORM base64(JSON)``: the platform and its user's id, and nothing else of the user."""
    platform, _, encoded = header.partition(" ")
    try:
        value = json.loads(base64.b64decode(encoded.strip(), validate=True))
        user = next((value[name] for name in _USER_NAMES if isinstance(value.get(name), str)), "")
    except (ValueError, AttributeError, RecursionError):
        return {"originating_platform": "malformed"}
    if not _PLATFORM.fullmatch(platform):
        return {"originating_platform": "malformed"}
    return {"originating_platform": platform, "originating_user": user[:255]}
