"""Suspends and resumes one marketplace, product, plan or resource."""

from typing import Any

from credservice.adminkit.bulk import BulkAction
from credservice.adminkit.state_pages import Resume, Suspend, WhyForm
from credservice.credentials.admin.related import not_checked
from provisioning.models import Resource
from provisioning.services.suspension import resume_resource, suspend_resource

State = Resource.State


class SuspendMarketplace(Suspend):
    consequence = "From now on, everything that this marketplace sends is refused."


class ResumeMarketplace(Resume):
    consequence = "What this marketplace sends is answered again."


class SuspendOffer(Suspend):
    consequence = "No new resources are taken for it. Those that exist go on."


class ResumeOffer(Resume):
    consequence = "New resources are taken for it again."


class SuspendResource(Suspend):
    field, source, target = "state", (State.ACTIVE,), State.SUSPENDED
    form_class = WhyForm
    consequence = "The resource gets no new credentials, and its keys check as not good."

    def consequences(self, obj: Resource) -> list[str]:
        return [*super().consequences(obj), *not_checked([obj.subject])]

    @classmethod
    def bulk(cls, **differs: Any) -> BulkAction:
        return super().bulk(foretell=lambda rows: not_checked(row.subject for row in rows), **differs)

    def switch(self, obj: Resource, *, actor: str, why: str) -> None:
        suspend_resource(resource=obj, actor=actor, why=why)


class ResumeResource(Resume):
    field, source, target = "state", (State.SUSPENDED,), State.ACTIVE
    consequence = "The resource gets credentials again, and its keys check as good."

    def switch(self, obj: Resource, *, actor: str, why: str) -> None:
        resume_resource(resource=obj, actor=actor, why=why)
