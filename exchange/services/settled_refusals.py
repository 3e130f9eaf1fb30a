"""Tells which refused exchanges the present state has settled: by what is known and active now."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from credservice.audit.models import AuditEvent
from exchange.models import EndUser, Installation, Integration, Platform
from exchange.refusals import OF_ANOTHER
from exchange.services.answer_impact import Answer, Look, answer_each

State = Installation.State


def unsettled(platform: Platform, refused: Sequence[AuditEvent]) -> list[AuditEvent]:
    """Leave out the calls of ``platform`` that would not be refused for the same reason any more, and those of
    installations that somebody has refused."""
    now = _Present(platform, [line.detail for line in refused if line.reason in _SETTLED])
    return [line for line in refused if line.reason not in _SETTLED or not _SETTLED[line.reason](now, line.detail)]


class _Present:
    """Finds what refused calls named, as it is now: by one query for each kind, and only of kinds that are asked for.

    Answers take a few for each integration.
    """

    def __init__(self, platform: Platform, details: list[dict[str, Any]]) -> None:
        self.platform = platform
        self._details = details

    def end_user(self, detail: dict[str, Any]) -> EndUser | None:
        return self._end_users.get(detail.get("end_user", ""))

    def integration(self, detail: dict[str, Any]) -> Integration | None:
        return self._integrations.get(detail.get("integration", ""))

    def installation(self, detail: dict[str, Any]) -> Installation | None:
        return self._installations.get(detail.get("installation", ""))

    def answer(self, detail: dict[str, Any]) -> Answer | None:
        found = self.installation(detail)
        return self._answers.get(found) if found else None

    @cached_property
    def has_secret(self) -> bool:
        return self.platform.secrets.live().exists()

    @cached_property
    def _end_users(self) -> dict[str, EndUser]:
        rows = EndUser.objects.filter(platform=self.platform, end_user_id__in=self._sent("end_user"))
        return {row.end_user_id: row for row in rows}

    @cached_property
    def _integrations(self) -> dict[str, Integration]:
        rows = Integration.objects.filter(platform=self.platform, integration_id__in=self._sent("integration"))
        return {row.integration_id: row for row in rows}

    @cached_property
    def _installations(self) -> dict[str, Installation]:
        rows = Installation.objects.filter(platform=self.platform, installation_id__in=self._sent("installation"))
        return {row.installation_id: row for row in rows.select_related("end_user", "integration__policy")}

    @cached_property
    def _answers(self) -> dict[Installation, Answer]:
        return answer_each(self._installations.values(), Look())

    def _sent(self, name: str) -> set[str]:
        return {detail[name] for detail in self._details if detail.get(name)}


_Settled = Callable[[_Present, dict[str, Any]], bool]


def _is_active(now: _Present, detail: dict[str, Any]) -> bool:
    end_user = now.end_user(detail)
    return end_user is not None and end_user.is_active


def _goes_on(now: _Present, detail: dict[str, Any]) -> bool:
    integration = now.integration(detail)
    return integration is not None and integration.is_active


def _is_no_more(state: State) -> _Settled:
    def settled(now: _Present, detail: dict[str, Any]) -> bool:
        found = now.installation(detail)
        return found is None or found.state != state

    return settled


def _belongs(now: _Present, detail: dict[str, Any]) -> bool:
    found = now.installation(detail)
    ids = (found.integration.integration_id, found.end_user.end_user_id) if found else ()
    return ids == (detail.get("integration"), detail.get("end_user"))


def _has_credential(now: _Present, detail: dict[str, Any]) -> bool:
    """Tell if there is one, also where its answer lacks something else."""
    answer = now.answer(detail)
    return answer is not None and (answer.fields is not None or bool(answer.lacks))


def _is_complete(now: _Present, detail: dict[str, Any]) -> bool:
    answer = now.answer(detail)
    return answer is not None and answer.fields is not None


# By the reason in the trail. Others, such as a wrong signature or an issuer that refused, nothing here can settle.
_SETTLED: dict[str, _Settled] = {
    "unknown_integration": lambda now, detail: now.integration(detail) is not None,
    "unknown_end_user": lambda now, detail: now.end_user(detail) is not None,
    "unknown_installation": _belongs,
    "installation_of_another": _belongs,
    "integration_suspended": _goes_on,
    "end_user_suspended": _is_active,
    "credential_suspended": _is_active,  # it is while its end user is
    "installation_suspended": _is_no_more(State.SUSPENDED),
    "installation_refused": lambda now, detail: True,  # somebody has decided so
    "waiting_for_approval": _is_no_more(State.PENDING),
    "platform_suspended": lambda now, detail: now.platform.is_active,
    "no_live_secret": lambda now, detail: now.has_secret,
    "incomplete_answer": _is_complete,
    **dict.fromkeys(
        ("no_grant", "empty_line", OF_ANOTHER, "credential_expired", "credential_revoked", "credential_failed"),
        _has_credential,
    ),
}
