"""Defines the refusals after authentication, each with the code that the platform reads."""

from credservice.core.exceptions import Forbidden, NotFound, Unavailable

OF_ANOTHER = "credential_of_another"  # the reason where a grant leads to a credential of somebody else


class UnknownIntegration(NotFound):
    code = "unknown_integration"


class UnknownEndUser(NotFound):
    code = "unknown_end_user"


class UnknownInstallation(NotFound):
    """Refuses one that is not there or another's: the caller need not learn which."""

    code = "unknown_installation"

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class NothingGranted(NotFound):
    """``reason`` tells the trail why: no grant, an ended credential, an issuer that will not make one."""

    code = "nothing_granted"

    def __init__(self, *, reason: str) -> None:
        super().__init__("No credential is granted to this end user for this integration.")
        self.reason = reason


class DoesNotOpen(Unavailable):
    """Refuses a value that was sealed for another place or somebody else, or under a key that is not here."""

    reason = "credential_does_not_open"


class IncompleteAnswer(NotFound):
    code = "incomplete_answer"


class Suspended(Forbidden):
    code = "suspended"

    def __init__(self, what: str) -> None:
        super().__init__(f"This {what} is suspended.")
        self.reason = f"{what.replace(' ', '_')}_suspended"


class WaitingForApproval(Forbidden):
    code = "waiting_for_approval"


class InstallationRefused(Forbidden):
    code = "installation_refused"
