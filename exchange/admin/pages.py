"""Acts on one platform, integration, end user, installation or grant."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget

from credservice.adminkit.bulk import BulkAction
from credservice.adminkit.menu import MAX_COUNTED, counted
from credservice.adminkit.object_actions import ObjectAction, Values
from credservice.adminkit.state_pages import OptionalWhyForm, Resume, Suspend, Switch, WhyForm
from credservice.adminkit.suspensions import REFUSED, when_and_why
from credservice.audit.names import actor_of
from credservice.core.names import printable
from credservice.credentials.admin.outside import outside
from credservice.credentials.admin.related import not_checked
from credservice.credentials.rotation_impact import reach_of, told_reach
from exchange.admin.customers import identities
from exchange.models import EndUser, Grant, Installation
from exchange.services import end_users
from exchange.services.answer_impact import Answer, Look, answer_each, some
from exchange.services.grants import usable_of, withdraw_grant

State = Installation.State
_AT_ITS_PLATFORM = "A customer's end users at other platforms stay as they are: tick them as well."


class _OfInstallations(Suspend):
    """Of what installations are answered by: says how many."""

    path: ClassVar[str]  # from an installation

    def consequences(self, obj: Any) -> list[str]:
        return [self.consequence, *self.answered([obj])]

    @classmethod
    def answered(cls, rows: Iterable[Any]) -> list[str]:
        active = Installation.objects.filter(state=State.ACTIVE, end_user__is_active=True, integration__is_active=True)
        number = active.filter(**{f"{cls.path}__in": list(rows)})[:MAX_COUNTED].count()
        is_or_are, get = ("is", "gets") if number == 1 else ("are", "get")
        return [f"{counted(number, 'installation')} {is_or_are} active, and {get} no answer then."] if number else []

    @classmethod
    def bulk(cls, **differs: Any) -> BulkAction:
        return super().bulk(foretell=cls.answered, **differs)


class SuspendPlatform(_OfInstallations):
    path = "end_user__platform"
    consequence = "From now on, every call of this platform is refused with 401: all of its workflows stop."


class ResumePlatform(Resume):
    consequence = "Calls of this platform are answered again."


class SuspendIntegration(_OfInstallations):
    path = "integration"
    consequence = "From now on, exchanges for this integration are refused with 403, for every end user."


class ResumeIntegration(Resume):
    consequence = "Exchanges for this integration are answered again."


class _OfCustomer(Switch):
    """Of an end user: at its platform, or at all platforms where the customer is one that this is done to."""

    before: ClassVar[str]

    def make_form(self, request: HttpRequest, obj: EndUser, data: Any = None) -> forms.Form:
        form = self.form_class(data)
        others = self._others(obj)
        if others:
            form.fields["where"] = forms.ChoiceField(
                label="Where",
                choices=(("here", f"At {obj.platform} only"), ("all", f"At all its platforms: {_at([obj, *others])}")),
                widget=UnfoldAdminRadioSelectWidget,
                error_messages={"required": f"This customer has several platforms: choose where it is {self.verb}."},
            )
        return form

    def version(self, request: HttpRequest, obj: EndUser) -> str:
        return f"{super().version(request, obj)} {[other.pk for other in self._others(obj)]}"

    def carry_out(self, request: HttpRequest, obj: EndUser, values: Values) -> str:
        others = self._others(obj)
        chosen = [obj, *others] if values.get("where") == "all" else [obj]
        # In one order everywhere: two who do this from different platforms do not wait for each other.
        for identity in sorted(chosen, key=lambda one: one.pk):
            self.perform(actor_of(request), identity, values)
        rest = [other for other in others if other not in chosen]
        return f"{obj} is {self.verb} at {_at(chosen)}." + (f" It stays {self.before} at {_at(rest)}." if rest else "")

    def _others(self, obj: EndUser) -> list[EndUser]:
        """Find the same customer on other platforms, where it is in the state that this ends."""
        rows = identities(obj).exclude(pk=obj.pk).filter(is_active__in=self.source)
        return list(rows.order_by("platform__name"))

    @classmethod
    def bulk(cls, **differs: Any) -> BulkAction:
        return super().bulk(consequence=f"{cls.consequence} {_AT_ITS_PLATFORM}", **differs)


class SuspendEndUser(_OfCustomer, Suspend):
    before = "active"
    consequence = "From now on, exchanges for this end user are refused with 403, and its keys check as not good."

    def consequences(self, obj: EndUser) -> list[str]:
        others = [other.subject for other in self._others(obj)]
        elsewhere = [f"At its other platforms: {told}" for told in not_checked(others)]
        return [*super().consequences(obj), *not_checked([obj.subject]), *elsewhere]

    @classmethod
    def bulk(cls, **differs: Any) -> BulkAction:
        return super().bulk(foretell=lambda rows: not_checked(row.subject for row in rows), **differs)

    def switch(self, obj: EndUser, *, actor: str, why: str) -> None:
        end_users.suspend_end_user(end_user=obj, actor=actor, why=why)


class ResumeEndUser(_OfCustomer, Resume):
    before = "suspended"
    consequence = "Exchanges for this end user are answered again, and its keys check as good."

    def switch(self, obj: EndUser, *, actor: str, why: str) -> None:
        end_users.resume_end_user(end_user=obj, actor=actor, why=why)


def _at(rows: Sequence[EndUser]) -> str:
    """Name the platforms of end users, as in a sentence."""
    *others, last = (str(row.platform) for row in rows)
    return f"{', '.join(others)} and {last}" if others else last


class Approve(Switch):
    slug, title, icon, verb = "approve", "Approve", "check_circle", "approved"
    permission = "approve"
    variant = ActionVariant.SUCCESS
    field, source, target = "state", (State.PENDING, State.REFUSED), State.ACTIVE
    form_class = OptionalWhyForm
    consequence = "From now on, this installation is handed the credential of its end user, where there is one."

    def consequences(self, obj: Installation) -> list[str]:
        why = _why_unanswered(obj)
        return [f"It is let in, but gets no answer yet: {why}."] if why else [self.consequence]

    def ask(
        self, request: HttpRequest, obj: Installation, form: forms.Form, context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Mention that it was refused before: whoever approves it overrules that."""
        is_refused = obj.state == State.REFUSED
        told = when_and_why(request, f"installation:{obj.pk}", REFUSED) if is_refused else ""
        before = [format_html("It was refused {}.", told) if told else "It was refused before."] if is_refused else []
        return super().ask(request, obj, form, {"consequences": [*before, *self.consequences(obj)]} | (context or {}))

    def perform(self, actor: str, obj: Installation, values: Values) -> str:
        why = _why_unanswered(obj)
        done = super().perform(actor, obj, values)
        return f"{done} It gets no answer yet: {why}." if why else done

    def switch(self, obj: Installation, *, actor: str, why: str) -> None:
        end_users.approve_installation(installation=obj, actor=actor, why=why)

    @classmethod
    def bulk(cls, **differs: Any) -> BulkAction:
        consequence = "From now on, each of these is handed the credential of its end user, where it gets an answer."
        return super().bulk(consequence=consequence, foretell=_foretell_approval, **differs)


class Refuse(Switch):
    slug, title, icon, verb = "refuse", "Refuse", "block", "refused"
    permission = "approve"
    variant = ActionVariant.DANGER
    field, source, target = "state", (State.PENDING,), State.REFUSED
    form_class = WhyForm
    consequence = "Exchanges of this installation stay refused, with 403. It can still be approved later."

    def switch(self, obj: Installation, *, actor: str, why: str) -> None:
        end_users.refuse_installation(installation=obj, actor=actor, why=why)


class SuspendInstallation(Suspend):
    field, source, target = "state", (State.ACTIVE,), State.SUSPENDED
    form_class = WhyForm
    consequence = "From now on, exchanges of this installation are refused with 403."

    def switch(self, obj: Installation, *, actor: str, why: str) -> None:
        end_users.suspend_installation(installation=obj, actor=actor, why=why)


class ResumeInstallation(Resume):
    field, source, target = "state", (State.SUSPENDED,), State.ACTIVE
    consequence = "Exchanges of this installation are answered again."

    def switch(self, obj: Installation, *, actor: str, why: str) -> None:
        end_users.resume_installation(installation=obj, actor=actor, why=why)


def _why_unanswered(installation: Installation) -> str:
    """Say what an active installation would get no answer for; empty where it would get one."""
    return _why_each_unanswered([installation]).get(installation, "")


def _why_each_unanswered(installations: Iterable[Installation]) -> dict[Installation, str]:
    """Say it of those that would get none."""
    return whys(answer_each(installations, Look()))


def whys(answers: Mapping[Installation, Answer]) -> dict[Installation, str]:
    """Say why each gets no answer that gets none, if it is let in: for what belongs to it, or by these ``answers``."""
    found = {}
    for installation, answer in answers.items():
        why = answer.why
        if not installation.end_user.is_active:
            why = "its end user is suspended"
        elif not installation.integration.is_active:
            why = "its integration is suspended"
        elif not installation.platform.is_active:
            why = "its platform is suspended"
        if why:
            found[installation] = printable(why)
    return found


def _foretell_approval(installations: Iterable[Installation]) -> list[str]:
    rows = list(installations)
    refused = [printable(str(each)) for each in rows if each.state == State.REFUSED]
    before = [f"{len(refused)} of these {'was' if len(refused) == 1 else 'were'} refused before{some(refused)}."]
    return [*(before if refused else []), *_unanswered_of(rows)]


def _unanswered_of(installations: Iterable[Installation]) -> list[str]:
    """Foretell which of many that are approved would get no answer."""
    found = [f"{printable(str(each))} ({why})" for each, why in _why_each_unanswered(installations).items()]
    verb = "gets" if len(found) == 1 else "get"
    return [f"{len(found)} of these {verb} no answer yet{some(found)}."] if found else []


class Withdraw(ObjectAction):
    slug, title, icon = "withdraw", "Withdraw", "link_off"
    permission = "withdraw"
    needs_proof = True
    variant = ActionVariant.DANGER
    form_class = WhyForm
    leads_to_list = True

    def consequences(self, obj: Grant) -> list[str]:
        credential = usable_of(obj)
        return [
            *([told_reach(reach_of([credential]), of="Its credential is")] if credential else []),
            "The grant is removed, and the credentials that it handed out are revoked, unless another grant hands "
            "them out as well.",
            *(outside(credential) if credential else []),
            "Where the policy generates credentials, the next exchange makes a new one: suspend the installation or "
            "the end user to keep them out.",
        ]

    def perform(self, actor: str, obj: Grant, values: Values) -> str:
        withdraw_grant(grant=obj, actor=actor, reason=values["why"])
        return "The grant is withdrawn."
