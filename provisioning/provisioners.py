"""Calls the vendor's own endpoints that provision: one signed POST for each act (docs/protocols/manifold.md).

``settings.PROVISIONERS``: ``{"alias": {"url": ..., "secrets": [references, the current one first], "seconds": 10}}``.
Signed, repeated and answered like the ``webhook`` issuer's requests (docs/issuers/webhook.md).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from credservice.core.secret_references import check_reference, resolve_reference
from credservice.http.outgoing import check_url
from credservice.http.retry_after import retry_after
from credservice.http.webhook_signatures import PREFIX, check_secret, sign
from credservice.issuers.base import IssueFailed, IssuerUnavailable
from credservice.issuers.calls import call, json_object, reason

DEFAULT_SECONDS, MAX_SECONDS = 10.0, 30.0
_OPTIONS = {"url", "secrets", "seconds"}
_GONE = (404, 410)
_MESSAGES = ("message", "detail", "error")


class NotYet(Exception):
    """The endpoint has not done it, and may: ask again, after ``retry_after`` seconds where that is not zero."""

    def __init__(self, why: str, retry_after: int = 0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Never(Exception):
    """The endpoint refuses. ``message`` is its own sentence, for the marketplace's user; empty where it has none."""

    def __init__(self, why: str, message: str = "") -> None:
        super().__init__(why)
        self.message = message


@dataclass(frozen=True)
class Provisioner:
    url: str
    secrets: tuple[str, ...]
    seconds: float = DEFAULT_SECONDS

    def act(self, act: str, operation_id: str, content: Mapping[str, Any]) -> str:
        """Have the endpoint do it; the same ``operation_id`` is the same work, however often it is asked for.

        Returns its sentence for the marketplace's user, which may be empty. Raises :class:`NotYet`, :class:`Never`.
        """
        body = json.dumps({"type": f"resource.{act}", "id": operation_id, **content}, separators=(",", ":"))
        try:
            secrets = self.current_secrets()
            headers = {
                "Content-Type": "application/json",
                "Idempotency-Key": operation_id,
                **sign(f"{act}_{operation_id}", body, secrets),
            }
            answer = call("POST", self.url, seconds=self.seconds, headers=headers, content=body.encode())
        except IssuerUnavailable as error:
            raise NotYet(str(error), error.retry_after) from None
        except IssueFailed as error:
            # An address or an answer that we do not take: an operator can put that right.
            raise NotYet(str(error), 60) from None
        except ValueError as error:  # a secret that cannot be read, or is none
            raise NotYet(f"a signing secret cannot be used: {error}", 60) from None
        if answer.status_code == 202:
            raise NotYet("the endpoint is at work on it", retry_after(answer.headers.get("retry-after", "")) or 0)
        why = reason(answer, _MESSAGES, [*secrets, *(secret.removeprefix(PREFIX) for secret in secrets)])
        if answer.status_code == 401 or answer.is_redirect:
            # It does not know our signature, or has moved: the resource is not to blame.
            raise NotYet(why, 60)
        if act == "deprovision" and answer.status_code in _GONE:
            return ""
        if not answer.is_success:
            raise Never(why, _message(answer))
        return _message(answer)

    def current_secrets(self) -> list[str]:
        """Read them. Raises ValueError for one that cannot be read or is none, without quoting it."""
        return [check_secret(resolve_reference(reference)) for reference in self.secrets]


def get_provisioner(alias: str) -> Provisioner:
    """Find the provisioner of this alias. Raises ImproperlyConfigured where settings name none that is sound."""
    try:
        options = settings.PROVISIONERS[alias]
        return _build(options)
    except (KeyError, TypeError):
        raise ImproperlyConfigured(f"PROVISIONERS names no {alias!r} with a url and secrets.") from None
    except ValueError as error:
        raise ImproperlyConfigured(f"PROVISIONERS[{alias!r}]: {error}") from None


def _build(options: Mapping[str, Any]) -> Provisioner:
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise ValueError(f"{unknown[0]} is no option; there are: {', '.join(sorted(_OPTIONS))}")
    secrets, seconds = options["secrets"], options.get("seconds", DEFAULT_SECONDS)
    if not isinstance(secrets, list) or not secrets:
        raise ValueError('secrets must list references, the current one first, such as ["env:WEBHOOK_SECRET"]')
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds <= MAX_SECONDS:
        raise ValueError(f"seconds must be a number from 1 to {MAX_SECONDS:.0f}")
    try:
        url = check_url(options["url"])
    except ValueError as error:
        raise ValueError(f"url {error}") from None
    return Provisioner(url, tuple(check_reference(reference) for reference in secrets), float(seconds))


def _message(answer: httpx2.Response) -> str:
    try:
        text = json_object(answer).get("message")
    except ValueError:
        text = ""
    return " ".join(text.split()) if isinstance(text, str) else ""
