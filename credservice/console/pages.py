"""Pages that do something to one object: GET shows a form and what will happen, POST does it, once.

Unfold's own detail actions are GET links; ours never change anything before a POST with a CSRF token. Each form carries
a random id that is used up with the act, so that neither a reload nor a double click does it twice.
"""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from unfold.enums import ActionVariant

from credservice.accounts.recent import ask_for_proof
from credservice.console.models import SentForm
from credservice.crypto import SealError
from credservice.exceptions import Conflict, ServiceError

FORM_HOURS = 12
# What an act depends on, of whatever has it: see ObjectPage.version.
STATE_FIELDS = ("state", "is_active", "is_enabled", "is_denied", "retires_at", "revoked_at")


@dataclass(frozen=True)
class Shown:
    """Values that are shown in the answer to a POST and never again."""

    title: str
    sentence: str
    values: tuple[tuple[str, str], ...]
    done: str = "Done"  # the button that leaves the page


class ObjectPage:
    """A form about one object. Subclasses say what it asks and what it does."""

    slug: ClassVar[str]
    title: ClassVar[str]
    icon: ClassVar[str] = "edit"
    variant: ClassVar[ActionVariant] = ActionVariant.DEFAULT
    submit: ClassVar[str] = ""
    # Model permissions by name, such as "change"; others in full, such as "keys.reveal_signingsecret".
    permission: ClassVar[str] = "change"
    form_class: ClassVar[type[forms.Form]] = forms.Form
    seen_fields: ClassVar[tuple[str, ...]] = ()  # beside STATE_FIELDS, see version()
    # Whether it lets somebody in, or shows a secret: then a session proves that its operator still sits there.
    needs_proof: ClassVar[bool] = False

    def __init__(self, site_admin: Any) -> None:
        self.admin = site_admin

    @classmethod
    def view_for(cls, site_admin: Any) -> Any:
        @sensitive_post_parameters()
        def view(request: HttpRequest, object_id: str) -> HttpResponse:
            page = cls(site_admin)
            return page.proof_first(request) or page.respond(request, object_id)

        return view

    # --- what subclasses say -----------------------------------------------------------------------------------

    def refusal(self, obj: Any) -> str:
        """Why it cannot be done to this object now; empty where it can."""
        return ""

    def consequences(self, obj: Any) -> list[str]:
        """What will happen, in sentences."""
        return []

    def consequences_for(self, request: HttpRequest, obj: Any) -> list[str]:
        """The same, for whoever asks."""
        return self.consequences(obj)

    def make_form(self, request: HttpRequest, obj: Any, data: Any = None) -> forms.Form:
        return self.form_class(data)

    def before(self, request: HttpRequest, obj: Any) -> None:
        """What must hold besides, in the transaction of the act. Raises :class:`ServiceError` to refuse."""

    def version(self, obj: Any, request: HttpRequest) -> str:
        """What the operator saw of the object: a form that was opened before it changed is not acted upon."""
        names = [*STATE_FIELDS, *self.seen_fields]
        return " ".join(str(getattr(obj, name)) for name in names if hasattr(obj, name))

    def perform(self, request: HttpRequest, obj: Any, form: forms.Form) -> str | Shown:
        """Do it, in a transaction: what to tell the operator. Raises :class:`ServiceError` to refuse."""
        raise NotImplementedError

    # --- the view ----------------------------------------------------------------------------------------------

    def allowed(self, request: HttpRequest) -> bool:
        opts = self.admin.opts
        full = self.permission if "." in self.permission else f"{opts.app_label}.{self.permission}_{opts.model_name}"
        return self.admin.has_view_permission(request) and bool(request.user.has_perm(full))

    def allowed_for(self, request: HttpRequest, obj: Any) -> bool:
        """Whether this user may do it to this object, beside :meth:`allowed`."""
        return True

    def link(self, request: HttpRequest, obj: Any) -> dict[str, Any] | None:
        """For the object's own page; None where this user may not, or it makes no sense now."""
        if not self.allowed(request) or not self.allowed_for(request, obj) or self.refusal(obj):
            return None
        return {"title": self.title, "icon": self.icon, "variant": self.variant, "path": self.url(obj)}

    def url(self, obj: Any) -> str:
        opts = self.admin.opts
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_{self.slug}", args=[quote(obj.pk)])

    def home(self, obj: Any) -> str:
        """The object's own page."""
        opts = self.admin.opts
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[quote(obj.pk)])

    def list_url(self) -> str:
        return reverse(f"admin:{self.admin.opts.app_label}_{self.admin.opts.model_name}_changelist")

    def done_url(self, obj: Any) -> str:
        """Where to go when it is done."""
        return self.home(obj)

    def proof_first(self, request: HttpRequest) -> HttpResponse | None:
        """Where whoever may do this goes before; None where nothing is asked, or who may not is refused."""
        return ask_for_proof(request) if self.needs_proof and self.allowed(request) else None

    def respond(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "POST"])
        if not self.allowed(request):
            raise PermissionDenied
        obj = self.admin.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        if not self.allowed_for(request, obj):
            raise PermissionDenied
        return self.answer(request, obj)

    def answer(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if request.method != "POST" or self.refusal(obj):
            return self.ask(request, obj, self.make_form(request, obj))
        return self.act(request, obj, self.make_form(request, obj, request.POST))

    def act(self, request: HttpRequest, obj: Any, form: forms.Form) -> HttpResponse:
        if not form.is_valid():
            return self.ask(request, obj, form)
        try:
            with transaction.atomic():
                use_up(request, self.version(obj, request))
                self.before(request, obj)
                outcome = self.perform(request, obj, form)
        except ServiceError as error:
            form.add_error(None, error.message)
            return self.ask(request, obj, form)
        except SealError as error:
            # Its text names the place and the key, never a value.
            form.add_error(None, f"The sealed value cannot be opened: {error}. Nothing was done.")
            return self.ask(request, obj, form)
        if isinstance(outcome, Shown):
            return self._render(request, obj, "console/shown.html", {"shown": outcome, "title": outcome.title})
        if outcome:
            messages.success(request, outcome)
        return HttpResponseRedirect(self.done_url(obj))

    def ask(
        self, request: HttpRequest, obj: Any, form: forms.Form, context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page with the form; ``context`` in place of its own."""
        shown: dict[str, Any] = {
            "title": self.title,
            "form": form,
            "form_id": new_form_id(request, self.version(obj, request)),
            "refusal": self.refusal(obj),
            "consequences": self.consequences_for(request, obj),
            "submit_label": self.submit or self.title,
            "submit_variant": "danger" if self.variant is ActionVariant.DANGER else "primary",
            "template": "console/page.html",
        } | (context or {})
        return self._render(request, obj, shown.pop("template"), shown)

    def _render(self, request: HttpRequest, obj: Any, template: str, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin.admin_site.name
        common = {"opts": self.admin.opts, "original": obj, "subtitle": str(obj), "home": self.home(obj)}
        return TemplateResponse(request, template, self.admin.admin_site.each_context(request) | common | context)


def new_form_id(request: HttpRequest, version: str = "") -> str:
    """A random id, good for this user, this page, a working day, and what was ``version`` of the object then."""
    return signing.dumps([uuid4().hex, version], salt=_salt(request))


def use_up(request: HttpRequest, version: str = "") -> None:
    """Take the sent form's id, in the caller's transaction.

    Raises :class:`Conflict` for one that is used or old, or was made for another ``version`` of the object.
    """
    try:
        sent, seen = signing.loads(request.POST.get("form_id", ""), salt=_salt(request), max_age=FORM_HOURS * 3600)
    except (signing.BadSignature, ValueError, TypeError):
        raise Conflict("This form was open for too long. Check it and send it again.") from None
    if not SentForm.objects.take(sent):
        raise Conflict("This form was sent before, and was done then. Send it again only to do it once more.")
    if seen != version:
        raise Conflict("It has changed since you opened this page. Look at it again; send the form if it still holds.")


def _salt(request: HttpRequest) -> str:
    return f"console.form:{request.user.pk}:{request.path}"
