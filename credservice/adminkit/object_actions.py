"""Does something to one object: GET shows a form and the consequences, POST does it, once.

Unfold's own detail actions are GET links; ours change nothing before a POST with a CSRF token.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from unfold.enums import ActionVariant

from credservice.accounts.recent_proof import refuse_late
from credservice.adminkit.bulk import BulkAction
from credservice.adminkit.form_ids import new_form_id, use_up
from credservice.adminkit.links import list_url, page_of
from credservice.adminkit.object_pages import ObjectPage
from credservice.audit.names import actor_of
from credservice.core.exceptions import ServiceError
from credservice.crypto import SealError

# An act depends on these, of whatever has them: see ObjectAction.version.
STATE_FIELDS = ("state", "is_active", "is_enabled", "is_denied", "retires_at", "revoked_at")
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """Values that are shown in the answer to a POST and never again."""

    title: str
    sentence: str
    values: tuple[tuple[str, str], ...]
    done: str = "Done"  # the button that leaves the page


class OfChoice(str):
    """A consequence of one choice in the form: shown while that is chosen. ``choice`` is a class of console.css."""

    choice: str

    def __new__(cls, sentence: str, choice: str) -> Self:
        told = super().__new__(cls, sentence)
        told.choice = choice
        return told


class ObjectAction(ObjectPage):
    """An act on one object, declared once: as a page of its own, and by :meth:`bulk` as an action on ticked rows.

    The life of a request goes on from :class:`ObjectPage`:

    4. ``answer`` shows the form on GET (``ask``): ``make_form``, ``consequences``, and a form id made for the object's
       ``version``. Where ``refusal`` says why not, it shows that instead, on POST too.
    5. On POST ``act`` checks the form, and shows it again with what is wrong.
    6. In one transaction it takes the form id, which is good once and for this ``version``, and calls ``carry_out``:
       that is ``perform``, which calls the service.
    7. A ServiceError undoes all of it, and stands above the form. A sentence is shown on the object's page, or on the
       list (``leads_to_list``). What is :class:`Shown` stands in this answer alone.
    """

    form_class: ClassVar[type[forms.Form]] = forms.Form
    submit: ClassVar[str] = ""  # the title, where empty
    consequence: ClassVar[str] = ""
    leads_to_list: ClassVar[bool] = False
    keeps_typed = True

    def consequences(self, obj: Any) -> list[str]:
        """Tell, in sentences, what will happen; some may be :class:`OfChoice`."""
        return [self.consequence] if self.consequence else []

    def make_form(self, request: HttpRequest, obj: Any, data: Any = None) -> forms.Form:
        return self.form_class(data)

    def version(self, request: HttpRequest, obj: Any) -> str:
        """Note what the operator saw of the object: a form that was opened before it changed is not acted upon."""
        return _states(obj)

    def perform(self, actor: str, obj: Any, values: Values) -> str | Shown:
        """Do it, in a transaction, with the form's values. Returns what to tell. Raises ServiceError to refuse."""
        raise NotImplementedError

    def carry_out(self, request: HttpRequest, obj: Any, values: Values) -> str | Shown:
        """Perform it on the page, where more is known of who asks than in a bulk run."""
        return self.perform(actor_of(request), obj, values)

    def left_to_do(self, request: HttpRequest, obj: Any) -> str:
        """Tell, after the act and what followed its commit, what is left to be done: its sentence is a warning then."""
        return ""

    @classmethod
    def bulk(
        cls,
        *,
        done: str,
        title: str = "",
        consequence: str = "",
        form_class: type[forms.Form] | None = None,
        foretell: Callable[[Iterable[Any]], list[str]] | None = None,
        tick: str = "",
        four_eyes: str = "",
        order: str = "",
    ) -> BulkAction:
        """Offer the same for ticked rows of a list. What is not given here is as on the page."""
        page = cls(None)
        return BulkAction(
            name=cls.slug.replace("-", "_"),
            title=title or cls.title,
            perform=page.perform,
            refusal=page.refusal,
            consequence=consequence or cls.consequence,
            done=done,
            permission=cls.permission,
            form_class=form_class or cls.form_class,
            danger=cls.variant is ActionVariant.DANGER,
            foretell=foretell,
            tick=tick,
            four_eyes=four_eyes,
            needs_proof=cls.needs_proof,
            order=order,
        )

    def answer(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if request.method != "POST" or self.refusal(obj):
            return self.ask(request, obj, self.make_form(request, obj))
        return self.act(request, obj, self.make_form(request, obj, request.POST))

    def act(self, request: HttpRequest, obj: Any, form: forms.Form) -> HttpResponse:
        if refuse_late(request, form) or not form.is_valid():
            return self.ask(request, obj, form)
        try:
            with transaction.atomic():
                self._use_up(request, obj)
                outcome = self.carry_out(request, obj, form.cleaned_data)
        except ServiceError as error:
            form.add_error(None, error.message)
            return self.ask(request, obj, form)
        except SealError as error:
            # Its text names the place and the key, never a value.
            form.add_error(None, f"The sealed value cannot be opened: {error}. Nothing was done.")
            return self.ask(request, obj, form)
        return self._told(request, obj, outcome)

    def _use_up(self, request: HttpRequest, obj: Any) -> None:
        version, states = self.version(request, obj), _states(obj)
        # Some look at something else than the state: of those nothing is said.
        use_up(request, version, states, _present(obj) if version.startswith(states) else "")

    def _told(self, request: HttpRequest, obj: Any, outcome: str | Shown) -> HttpResponse:
        if isinstance(outcome, Shown):
            return self.render(request, obj, "console/shown.html", {"shown": outcome, "title": outcome.title})
        left = self.left_to_do(request, obj)
        if left:
            messages.warning(request, format_html("{} {}", outcome, left))
        elif outcome:
            messages.success(request, outcome)
        return HttpResponseRedirect(list_url(self.admin.model) if self.leads_to_list else page_of(obj))

    def ask(
        self, request: HttpRequest, obj: Any, form: forms.Form, context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the page with the form; ``context`` in place of its own."""
        shown: dict[str, Any] = {
            "title": self.title,
            "form": form,
            "form_id": new_form_id(request, self.version(request, obj)),
            "refusal": self.refusal(obj),
            "consequences": self.consequences(obj),
            "submit_label": self.submit or self.title,
            "submit_variant": "danger" if self.variant is ActionVariant.DANGER else "primary",
            "template": "console/page.html",
        } | (context or {})
        return self.render(request, obj, shown.pop("template"), shown)


def _states(obj: Any) -> str:
    return " ".join(str(getattr(obj, name)) for name in STATE_FIELDS if hasattr(obj, name))


def _present(obj: Any) -> str:
    """Say in which state it is now; empty where it has none."""
    if hasattr(obj, "state"):
        return f"it is {obj.state.replace('_', ' ')} now"
    return f"it is {'active' if obj.is_active else 'suspended'} now" if hasattr(obj, "is_active") else ""
