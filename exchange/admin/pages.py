"""Acts on one platform, integration, end user, installation or grant."""

from unfold.enums import ActionVariant

from credservice.adminkit.object_actions import ObjectAction, Values
from credservice.adminkit.state_pages import OptionalWhyForm, Resume, Suspend, Switch, WhyForm
from credservice.credentials.admin.pages import outside
from exchange.models import EndUser, Grant, Installation
from exchange.services import end_users
from exchange.services.grants import usable_of, withdraw_grant

State = Installation.State


class SuspendPlatform(Suspend):
    consequence = "From now on, every call of this platform is refused with 401: all of its workflows stop."


class ResumePlatform(Resume):
    consequence = "Calls of this platform are answered again."


class SuspendIntegration(Suspend):
    consequence = "From now on, exchanges for this integration are refused with 403, for every end user."


class ResumeIntegration(Resume):
    consequence = "Exchanges for this integration are answered again."


class SuspendEndUser(Suspend):
    consequence = "From now on, exchanges for this end user are refused with 403, and its keys check as not good."

    def switch(self, obj: EndUser, *, actor: str, why: str) -> None:
        end_users.suspend_end_user(end_user=obj, actor=actor, why=why)


class ResumeEndUser(Resume):
    consequence = "Exchanges for this end user are answered again, and its keys check as good."

    def switch(self, obj: EndUser, *, actor: str, why: str) -> None:
        end_users.resume_end_user(end_user=obj, actor=actor, why=why)


class Approve(Switch):
    slug, title, icon, verb = "approve", "Approve", "check_circle", "approved"
    permission = "approve"
    variant = ActionVariant.SUCCESS
    field, source, target = "state", (State.PENDING,), State.ACTIVE
    form_class = OptionalWhyForm
    consequence = "From now on, this installation is handed the credential of its end user."

    def switch(self, obj: Installation, *, actor: str, why: str) -> None:
        end_users.approve_installation(installation=obj, actor=actor, why=why)


class SuspendInstallation(Suspend):
    field, source, target = "state", (State.PENDING, State.ACTIVE), State.SUSPENDED
    form_class = WhyForm
    consequence = "From now on, exchanges of this installation are refused with 403."

    def switch(self, obj: Installation, *, actor: str, why: str) -> None:
        end_users.suspend_installation(installation=obj, actor=actor, why=why)


class ResumeInstallation(Resume):
    field, source, target = "state", (State.SUSPENDED,), State.ACTIVE
    consequence = "Exchanges of this installation are answered again."

    def switch(self, obj: Installation, *, actor: str, why: str) -> None:
        end_users.resume_installation(installation=obj, actor=actor, why=why)


class Withdraw(ObjectAction):
    slug, title, icon = "withdraw", "Withdraw", "link_off"
    permission = "withdraw"
    variant = ActionVariant.DANGER
    form_class = WhyForm
    leads_to_list = True

    def consequences(self, obj: Grant) -> list[str]:
        return [
            "The grant is removed, and the credentials that it handed out are revoked, unless another grant hands "
            "them out as well.",
            *_outside(obj),
            "Where the policy generates credentials, the next exchange makes a new one: suspend the installation or "
            "the end user to keep them out.",
        ]

    def perform(self, actor: str, obj: Grant, values: Values) -> str:
        withdraw_grant(grant=obj, actor=actor, reason=values["why"])
        return "The grant is withdrawn."


def _outside(grant: Grant) -> list[str]:
    credential = usable_of(grant)
    return outside(credential) if credential is not None else []
