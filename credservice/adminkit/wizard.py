"""Leads from nothing to a partner's first call by first steps, one short form after the other on one page.

What is done already is read from the database, so that the page can be left and come back to, and others can help.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple, Self

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.debug import sensitive_post_parameters

from credservice.accounts.recent_proof import refuse_late, sent_too_late
from credservice.adminkit.form_ids import new_form_id, use_up, was_sent
from credservice.adminkit.links import page_of
from credservice.adminkit.object_actions import Shown, Values
from credservice.adminkit.object_pages import ObjectPage
from credservice.adminkit.previews import too_many
from credservice.audit.models import AuditEvent
from credservice.audit.names import actor_of, object_type_of
from credservice.core.exceptions import ServiceError

Facts = list[tuple[str, str]]
TAKEN = "taken"  # the code of name_taken()
NEWEST = 10  # that are looked at for one to go on with


class RefusedCall(NamedTuple):
    """The last call, which was refused: why, and the page that tells more, by its name and address."""

    sentence: str
    more: str
    link: str

    @classmethod
    def of(cls, line: AuditEvent, more: str = "See it in the trail", link: str = "") -> Self:
        why = line.reason.replace("_", " ")
        return cls(f"The last call was refused at {line.at:%H:%M:%S} UTC: {why}.", more, link or page_of(line))


class Step:
    """One step. Subclasses say when it is done, what it asks, and what it does then."""

    title: ClassVar[str]
    intro: ClassVar[str] = ""
    submit: ClassVar[str] = "Continue"
    permissions: ClassVar[tuple[str, ...]] = ()
    form_class: ClassVar[type[forms.Form]] = forms.Form
    waits: ClassVar[bool] = False  # for something that comes from outside: the page looks again by itself

    def done(self, obj: Any) -> str:
        """Tell what was done, in a sentence; empty where it is still to do."""
        raise NotImplementedError

    def can_reopen(self, obj: Any) -> bool:
        """Tell whether its form may be opened again once it is done; ``perform`` then changes what it made."""
        return False

    def page(self, obj: Any) -> str:
        """Find the page on which what it made is changed, where its form may not be opened again."""
        return ""

    def preview(self, obj: Any, form: Any) -> dict[str, str]:
        """Say what the form would make while it is filled in: the ``answer``, or the ``problem``. Secrets masked."""
        return {}

    def facts(self, obj: Any) -> Facts:
        """List what to copy from here to the partner's pages, or to a terminal."""
        return []

    def refused_call(self, obj: Any) -> RefusedCall | None:
        """Find the last call, where it was refused: a page that waits shows it as soon as it comes."""
        return None

    def make_form(self, request: HttpRequest, obj: Any, data: Any = None) -> forms.Form:
        return self.form_class(data)

    def perform(self, actor: str, obj: Any, values: Values) -> Facts | None:
        """Do it, in a transaction. Returns what is shown once, if anything. Raises ServiceError to refuse."""
        raise NotImplementedError


class FirstSteps(ObjectPage):
    """The steps of one object; ``start`` is the form that makes the object."""

    slug, title, icon = "first-steps", "First steps", "rocket_launch"
    permission = "change"
    needs_proof = True
    keeps_typed = True
    steps: ClassVar[tuple[Step, ...]]
    headline: ClassVar[str]
    intro: ClassVar[str]
    start_form: ClassVar[type[forms.Form]]  # asks for a ``name``, and refuses one that is taken by name_taken()
    made_before: ClassVar[str] = ""  # where there is another of what was shown once

    def is_called(self) -> bool:
        """Tell whether any object of this kind had its first call: asked at each look at the overview, by an index."""
        raise NotImplementedError

    def make(self, actor: str, values: Values) -> tuple[Any, Shown]:
        """Make the object to begin with, in a transaction, and what is shown of it once. Raises ServiceError."""
        raise NotImplementedError

    def proof_first(self, request: HttpRequest) -> HttpResponse | None:
        """Ask nothing of what the page does by itself: it looks whether a call has come, and previews."""
        waits = request.method == "GET" and request.GET.get("waiting") == "1"
        return None if waits or request.POST.get("preview") else super().proof_first(request)

    def answer(self, request: HttpRequest, obj: Any) -> HttpResponse:
        step = self._current_step(request, obj)
        if request.GET.get("waiting") == "1":
            refused = step.refused_call(obj) if step else None
            return JsonResponse(
                {"done": step is None or not step.waits, "refused": refused._asdict() if refused else None}
            )
        if request.method == "POST" and step is not None:
            return self._sent(request, obj, step, step.make_form(request, obj, request.POST))
        return self._page(request, obj, step, step.make_form(request, obj) if step else None)

    def next_step(self, obj: Any) -> Step | None:
        """Find the first step that is still to do."""
        return next((step for step in self.steps if not step.done(obj)), None)

    def _current_step(self, request: HttpRequest, obj: Any) -> Step | None:
        """Find the step that was opened again, or else the next one."""
        number = request.GET.get("step", "")
        reopened = [step for n, step in enumerate(self.steps, 1) if str(n) == number]
        return reopened[0] if reopened and self._can_reopen(reopened[0], obj) else self.next_step(obj)

    def _can_reopen(self, step: Step, obj: Any) -> bool:
        return bool(step.done(obj)) and step.can_reopen(obj)

    def objects(self, request: HttpRequest) -> QuerySet[Any]:
        """Find those that these steps are of."""
        found: QuerySet[Any] = self.admin.get_queryset(request)
        return found

    def begun(self, request: HttpRequest, at_most: int) -> list[tuple[Any, Step]]:
        """Find those with a step to go, of the newest that were made in the console.

        What a set-up file made, or the shell, nobody began here.
        """
        newest = list(self.objects(request).order_by("-created_at")[:NEWEST])
        created = AuditEvent.objects.filter(
            object_id__in=[str(obj.pk) for obj in newest],
            action=f"{object_type_of(self.admin.model)}.created",
            actor__startswith="user:",
        )
        made = set(created.values_list("object_id", flat=True))
        here = [obj for obj in newest if str(obj.pk) in made][:at_most]
        return [(obj, step) for obj in here if (step := self.next_step(obj))]

    def _sent(self, request: HttpRequest, obj: Any, step: Step, form: forms.Form) -> HttpResponse:
        if not request.user.has_perms(step.permissions):
            raise PermissionDenied
        if request.POST.get("preview"):
            wait = too_many(request)
            return JsonResponse({"problem": wait} if wait else step.preview(obj, form))
        return self._act(request, obj, step, form)

    def _act(self, request: HttpRequest, obj: Any, step: Step, form: forms.Form) -> HttpResponse:
        shown = None
        if not refuse_late(request, form) and form.is_valid():
            try:
                with transaction.atomic():
                    use_up(request)
                    shown = step.perform(actor_of(request), obj, form.cleaned_data)
            except ServiceError as error:
                form.add_error(None, error.message)
            else:
                if not shown:
                    return HttpResponseRedirect(self.url(obj))
        return self._page(request, obj, step, form, shown or [])

    def _page(
        self, request: HttpRequest, obj: Any, current: Step | None, form: forms.Form | None, shown: Sequence[Any] = ()
    ) -> HttpResponse:
        context = {
            "title": self.title,
            "rows": [self._row(obj, number, step, current) for number, step in enumerate(self.steps, 1)],
            "reopened": current is not None and self._can_reopen(current, obj),
            "here": self.url(obj),
            "form": form,
            "finished": current is None,
            "form_id": new_form_id(request),
            "may": current is None or request.user.has_perms(current.permissions),
            "shown": shown,
            "refused": current.refused_call(obj) if current else None,
            "waiting_url": f"{self.url(obj)}?waiting=1" if current is not None and current.waits else "",
            "object_url": page_of(obj),
        }
        return self.render(request, obj, "console/first_steps.html", context)

    def _row(self, obj: Any, number: int, step: Step, current: Step | None) -> dict[str, Any]:
        if step is current:
            return {"number": number, "step": step, "current": True, "facts": step.facts(obj)}
        done = step.done(obj)
        change = f"{self.url(obj)}?step={number}" if done and step.can_reopen(obj) else step.page(obj) if done else ""
        return {"number": number, "step": step, "done": done, "change": change}

    def start_url(self) -> str:
        return reverse(f"admin:{self.start_name(self.admin.opts)}")

    @classmethod
    def start_name(cls, opts: Any) -> str:
        """Name the page from before there is an object, by the slug of these steps: several kinds may have some."""
        return f"{opts.app_label}_{opts.model_name}_{cls.slug}-start"

    # --- the beginning -----------------------------------------------------------------------------------------

    @classmethod
    def start_view_for(cls, site_admin: Any) -> Any:
        @sensitive_post_parameters()
        def view(request: HttpRequest) -> HttpResponse:
            page = cls(site_admin)
            # Of the beginning nothing is previewed or waited for: it asks for the proof whatever the form says.
            elsewhere = super(FirstSteps, page).proof_first(request)
            start = partial(page._start, request)
            return sent_too_late(request, elsewhere, start) if elsewhere else start()

        return view

    def _start(self, request: HttpRequest) -> HttpResponse:
        if not self.allowed(request) or not self.admin.has_add_permission(request):
            raise PermissionDenied
        form = self.start_form(request.POST if request.method == "POST" else None)
        if not refuse_late(request, form) and form.is_valid():
            try:
                with transaction.atomic():
                    use_up(request)
                    obj, shown = self.make(actor_of(request), form.cleaned_data)
                title = f"1 of {len(self.steps)}: {shown.title}"
                context = {"shown": shown, "title": title, "home": self.url(obj)}
                return self.render(request, obj, "console/shown.html", context)
            except ServiceError as error:
                form.add_error(None, error.message)
        elif form.has_error("name", TAKEN) and was_sent(request):
            # By a reload of the answer, say.
            made = self.objects(request).filter(name=form.data["name"].strip()).first()
            if made is not None:
                messages.info(request, f"{made} was made already: continue with it. {self.made_before}".strip())
                return HttpResponseRedirect(self.url(made))
        request.current_app = self.admin.admin_site.name
        context = self.admin.admin_site.each_context(request) | {
            "title": self.title,
            "opts": self.admin.opts,
            "intro": self.intro,
            "form": form,
            "form_id": new_form_id(request),
            "begun": [(obj, self.url(obj)) for obj, _ in self.begun(request, NEWEST)],
        }
        return TemplateResponse(request, "console/first_steps_start.html", context)


def free_name(model: Any, name: str) -> str:
    """Return a name that none has yet. Raises ValidationError, with the way to the first steps of the one that has it.

    Names that differ in capitals alone would stand side by side in every list.
    """
    found = model.objects.filter(name=name).first() or model.objects.filter(name__iexact=name).first()
    if found is not None:
        raise _name_taken(found)
    return name


def _name_taken(obj: Any) -> ValidationError:
    site_admin: Any = admin.site._registry[type(obj)]
    steps = (page(site_admin) for page in site_admin.first_steps)
    url = next((page.url(obj) for page in steps if not page.refusal(obj)), page_of(obj))
    sentence = (
        'There is a {} {} already: write another name, or <a class="text-link" href="{}">continue with that one</a>.'
    )
    return ValidationError(format_html(sentence, obj._meta.verbose_name, obj.name, url), code=TAKEN)


class WithFirstSteps:
    """Adds, to a ConsoleAdmin whose objects have first steps, the page from before there is an object."""

    first_steps: ClassVar[tuple[type[FirstSteps], ...]]

    def get_urls(self) -> list[URLPattern]:
        starts = [self._start_of(page) for page in self.first_steps]
        return [*starts, *super().get_urls()]  # type: ignore[misc]

    def _start_of(self, page: type[FirstSteps]) -> URLPattern:
        this: Any = self
        view: Any = this.admin_site.admin_view(page.start_view_for(this))
        start: URLPattern = path(f"{page.slug}/", view, name=page.start_name(this.opts))
        return start
