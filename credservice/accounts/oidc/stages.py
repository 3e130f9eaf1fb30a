"""Runs between a sign-in and its session: the second step, and the mark of how it came in."""

from typing import Any

from allauth.account.stages import LoginStage
from allauth.mfa.stages import AuthenticateStage
from django.http import HttpRequest

from credservice.accounts.audit import SHOWN
from credservice.accounts.oidc.adapter import ARRIVAL
from credservice.accounts.oidc.marks import CAME_BY, Arrival


def arrival_of(signal_kwargs: dict[str, Any] | None) -> Arrival | None:
    """Find the arrival of a sign-in through a provider; None of one that began here."""
    social = (signal_kwargs or {}).get("sociallogin")
    return Arrival(*social.state[ARRIVAL]) if social else None


class SecondStep(AuthenticateStage):  # type: ignore[misc]
    """allauth's, but where the provider's second factor counts."""

    def _should_handle(self, request: HttpRequest) -> bool:
        came = arrival_of(self.login.signal_kwargs)
        return not (came and came.second_factor) and super()._should_handle(request)


class MarkSession(LoginStage):  # type: ignore[misc]
    """Marks the session, just before it begins."""

    key = "credservice_mark"

    def handle(self) -> tuple[None, bool]:
        session, came = self.request.session, arrival_of(self.login.signal_kwargs)
        session.pop(CAME_BY, None)
        if came:
            session[CAME_BY] = list(came)
            if came.second_factor:
                session[SHOWN] = True
        return None, True
