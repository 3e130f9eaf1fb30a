"""The console's pages about one marketplace, key, product or resource."""

from unfold.enums import ActionVariant

from credservice.console.switch import Resume, Suspend, Switch, WhyForm
from provisioning.models import Resource
from provisioning.services.suspension import resume_resource, suspend_resource

State = Resource.State


class SuspendMarketplace(Suspend):
    consequence = "From now on, everything that this marketplace sends is refused."


class ResumeMarketplace(Resume):
    consequence = "What this marketplace sends is answered again."


class DisableKey(Switch):
    slug, title, icon, verb = "disable", "Disable", "block", "disabled"
    variant = ActionVariant.DANGER
    field, source, target = "is_enabled", (True,), False
    form_class = WhyForm
    consequence = "From now on, requests are refused that are signed under this master key."


class EnableKey(Switch):
    slug, title, icon, verb = "enable", "Enable", "check_circle", "enabled"
    needs_proof = True
    variant = ActionVariant.SUCCESS
    field, source, target = "is_enabled", (False,), True
    consequence = "Requests are accepted again that are signed under this master key, until its end."


class Deny(Switch):
    slug, title, icon, verb = "deny", "Deny", "block", "denied"
    variant = ActionVariant.DANGER
    field, source, target = "is_denied", (False,), True
    form_class = WhyForm
    consequence = "From now on, what this live key signs is refused, whoever endorses it."


class Allow(Switch):
    slug, title, icon, verb = "allow", "Allow", "check_circle", "allowed"
    needs_proof = True
    variant = ActionVariant.SUCCESS
    field, source, target = "is_denied", (True,), False
    form_class = WhyForm
    consequence = "What this live key signs is accepted again, as long as its master key is trusted."


class SuspendOffer(Suspend):
    consequence = "No new resources are taken for it. Those that exist go on."


class ResumeOffer(Resume):
    consequence = "New resources are taken for it again."


class SuspendResource(Suspend):
    field, source, target = "state", (State.ACTIVE,), State.SUSPENDED
    form_class = WhyForm
    consequence = "The resource gets no new credentials, and its keys check as not good."

    def switch(self, obj: Resource, *, actor: str, why: str) -> None:
        suspend_resource(resource=obj, actor=actor, why=why)


class ResumeResource(Resume):
    field, source, target = "state", (State.SUSPENDED,), State.ACTIVE
    consequence = "The resource gets credentials again, and its keys check as good."

    def switch(self, obj: Resource, *, actor: str, why: str) -> None:
        resume_resource(resource=obj, actor=actor, why=why)
