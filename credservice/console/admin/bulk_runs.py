"""Asks before a bulk run, shows how far it is and what was refused, and stops it."""

from collections import Counter
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import OperationalError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.accounts.recent_proof import ask_for_proof
from credservice.adminkit import approvals, bulk_runs
from credservice.adminkit.bulk import BulkAction, action_of, admin_of
from credservice.adminkit.bulk_work import work_through
from credservice.adminkit.four_eyes import SecondPerson
from credservice.adminkit.labels import label
from credservice.adminkit.links import names_of, thing_link
from credservice.adminkit.menu import RARE, Menu
from credservice.adminkit.model_admin import LargeListAdmin, ReadOnly, by_id
from credservice.adminkit.models import Approval, BulkItem, BulkRun
from credservice.adminkit.object_actions import ObjectAction, Values
from credservice.adminkit.object_pages import permission_name
from credservice.adminkit.state_pages import WhyForm
from credservice.adminkit.ticks import needed_tick
from credservice.audit.names import object_type_of

State = BulkRun.State
SHOWN = 20  # objects on the page that asks
LISTED = 200  # objects on a run's page
AT_ONCE_SECONDS = 20.0  # below gunicorn's patience; what is left then is the worker's
REFRESH_SECONDS = 3
_TICK = "all_the_same"
_WHAT_IS_LEFT = "Those that this cannot be done to are left as they are, and listed with the reason."
_IN_THE_BACKGROUND = "The worker does it in the background; a page shows how far it is, and can stop it."


class Start(SecondPerson):
    """The page that asks: whoever ticked the rows may start it, as long as he may do it."""

    slug, title, icon = "start", "Confirm", "play_circle"
    _rows: list[tuple[Any, str]] | None = None
    _consequences: list[str] | None = None

    def allowed(self, request: HttpRequest, obj: BulkRun | None = None) -> bool:
        return obj is None or (obj.user_id == request.user.pk and _may_do(request, obj))

    def refusal(self, obj: BulkRun) -> str:
        return "" if obj.state == State.DRAFT else "This was started before."

    def act_of(self, obj: BulkRun) -> str:
        act = self.action(obj).four_eyes if obj.total > 1 else ""
        return act if act and approvals.required(act) else ""

    def permission_of(self, obj: BulkRun) -> str:
        return permission_name(self.action(obj).permission, admin_of(obj).opts)

    def title_to_ask(self, obj: BulkRun) -> str:
        opts, number = admin_of(obj).opts, self.number(obj)
        return f"{obj.title} {number:,} {opts.verbose_name if number == 1 else opts.verbose_name_plural}"

    def proof_first(self, request: HttpRequest) -> HttpResponse | None:
        """Ask where the same on one object's page asks."""
        match = request.resolver_match
        run = self.admin.get_object(request, match.kwargs["object_id"]) if match else None
        action = action_of(run) if run is not None else None
        asks = action is not None and action.needs_proof and self.allowed(request, run)
        return ask_for_proof(request) if asks else None

    def action(self, obj: BulkRun) -> BulkAction:
        action = action_of(obj)
        assert action is not None  # allowed
        return action

    def form_to_ask(self, request: HttpRequest, obj: BulkRun, data: Any = None) -> forms.Form:
        return self._with_tick(obj, self.action(obj).form_class(data))

    def make_form(self, request: HttpRequest, obj: BulkRun, data: Any = None) -> forms.Form:
        self.form_class = self.action(obj).form_class  # type: ignore[misc]
        return self._with_tick(obj, super().make_form(request, obj, data))

    def _with_tick(self, obj: BulkRun, form: forms.Form) -> forms.Form:
        """Ask for the act's tick where what it foretells is bad, or nobody has looked at each row."""
        label = self.action(obj).tick
        if label and (obj.total > bulk_runs.AT_ONCE or self._foretold(obj)):
            missing = "Nothing is done yet. Leave out those of which it is told, or tick."
            form.fields[_TICK] = needed_tick(label, help_text="", missing=missing)
        return form

    def _foretold(self, obj: BulkRun) -> list[str]:
        """Foretell it of the first rows, those that are acted on: once for a page."""
        if self._consequences is None:
            foretell = self.action(obj).foretell
            rows = [row for row, why in self.rows(obj) if not why]
            self._consequences = foretell(rows) if foretell and rows else []
        return self._consequences

    def consequences(self, obj: BulkRun) -> list[str]:
        action = self.action(obj)
        told = [*self._foretold(obj), *self.left(obj)]
        if obj.total > bulk_runs.AT_ONCE:
            of_first = [f"Of the first {bulk_runs.AT_ONCE} alone: {sentence}" for sentence in told]
            return [action.consequence, *of_first, _WHAT_IS_LEFT, _IN_THE_BACKGROUND]
        return [action.consequence, *told]

    def left(self, obj: BulkRun) -> list[str]:
        """Tell how many of these will be left as they are, by why."""
        found = Counter(why for _, why in self.rows(obj) if why)
        return [f"{number} {'is' if number == 1 else 'are'} left out: {why}" for why, number in found.items()]

    def rows(self, obj: BulkRun) -> list[tuple[Any, str]]:
        """Find the first rows, each with why it is left as it is: read once for a page."""
        if self._rows is None:
            site_admin, action = admin_of(obj), self.action(obj)
            pks = obj.items.order_by("pk").values_list("object_id", flat=True)[: bulk_runs.AT_ONCE]
            rows = site_admin.model._default_manager.select_related(*(site_admin.list_select_related or ()))
            self._rows = [(row, action.refusal(row)) for row in rows.filter(pk__in=list(pks))]
        return self._rows

    def told_to_second(self, request: HttpRequest, obj: BulkRun, approval: Approval) -> list[str]:
        names = [title for title, _, is_left in self._shown(obj) if not is_left]
        more = [f"and {obj.total - SHOWN:,} more"] if obj.total > SHOWN else []
        return [*super().told_to_second(request, obj, approval), f"These are meant: {', '.join([*names, *more])}."]

    def number(self, obj: BulkRun) -> int:
        """Count what will be acted on; all that were chosen, where they are too many to look at."""
        many = obj.total > bulk_runs.AT_ONCE
        return obj.total if many else sum(1 for _, why in self.rows(obj) if not why)

    def perform(self, actor: str, obj: BulkRun, values: Values) -> str:
        bulk_runs.start(obj, {name: value for name, value in values.items() if name != _TICK})
        return ""

    def act(self, request: HttpRequest, obj: BulkRun, form: forms.Form) -> HttpResponse:
        response = super().act(request, obj, form)
        obj.refresh_from_db()
        if obj.state != State.RUNNING or obj.total > bulk_runs.AT_ONCE:
            return response
        try:
            work_through(obj, AT_ONCE_SECONDS)
        except OperationalError:
            messages.warning(request, "The database was busy: the worker goes on with it in a minute.")
            return response
        return self._report(request, obj, response)

    def _report(self, request: HttpRequest, obj: BulkRun, response: HttpResponse) -> HttpResponse:
        found = bulk_runs.progress(obj)
        if found["done"]:
            messages.success(request, f"{self.action(obj).done}: {found['done']}.")
        if found["refused"] or found["left"]:
            messages.warning(request, f"Left as they were: {found['refused'] + found['left']}. See below.")
            return response
        return HttpResponseRedirect(obj.list_path)

    def ask(self, request: HttpRequest, obj: BulkRun, form: forms.Form, context: Any = None) -> HttpResponse:
        action, number = self.action(obj), self.number(obj)
        own = {
            "title": self.title_to_ask(obj),
            "home": obj.list_path,
            "rows": self._shown(obj),
            "more": max(obj.total - SHOWN, 0),
            "run": obj,
            "first": obj.items.order_by("pk").first(),
            "submit_label": f"{obj.title}: {number:,}",
            "submit_variant": "danger" if action.danger else "primary",
            "template": "console/bulk.html",
        }
        if not number and not self.refusal(obj):
            own["refusal"] = " ".join(["Nothing would be done.", *self.left(obj)])
        return super().ask(request, obj, form, own | (context or {}))

    def _shown(self, obj: BulkRun) -> list[tuple[str, object, bool]]:
        """Name the first rows, each with its state, and whether it is left as it is."""
        site_admin, rows = admin_of(obj), self.rows(obj)[:SHOWN]
        titles = site_admin.titles_of([row for row, _ in rows])
        states = [site_admin.object_state(row) for row, _ in rows]
        return list(zip(titles, states, [bool(why) for _, why in rows], strict=True))


class Stop(ObjectAction):
    slug, title, icon = "stop", "Stop", "stop_circle"
    variant = ActionVariant.DANGER
    form_class = WhyForm
    permission = "view"

    def allowed(self, request: HttpRequest, obj: BulkRun | None = None) -> bool:
        """Let whoever may start the like stop it, whoever started it."""
        return super().allowed(request) and (obj is None or _may_do(request, obj))

    def refusal(self, obj: BulkRun) -> str:
        return "" if obj.state == State.RUNNING else "This does not run any more."

    def consequences(self, obj: BulkRun) -> list[str]:
        found = bulk_runs.progress(obj)
        return [f"What is done stays done: {found['done']:,}. {found['left']:,} are left as they are."]

    def perform(self, actor: str, obj: BulkRun, values: Values) -> str:
        bulk_runs.stop(obj, actor, values["why"])
        return "It is stopped."


def _may_do(request: HttpRequest, run: BulkRun) -> bool:
    action = action_of(run)
    return action is not None and action.allowed(admin_of(run), request.user)


@admin.register(BulkRun)
class BulkRunAdmin(ReadOnly, LargeListAdmin):
    menu = Menu(RARE, 93, "checklist", "bulk work")
    about = "Acts on many objects at once: how far they are, and what was refused."
    empty_help = "Tick rows of a list and choose an action."
    object_pages = (Start, Stop)
    change_form_template = "console/bulk_run.html"
    list_display = ("__str__", "shown_state", "of", "by", "created_at", "ended_at")
    list_select_related = ("user",)
    list_filter = (("state", ChoicesDropdownFilter),)
    search_help_text = "Our id"
    fields = ("title", "of", "by", "shown_state", "shown_progress", "why", "created_at", "ended_at", "objects")
    readonly_fields = ("shown_state", "shown_progress", "objects", "of", "by", "why")

    def find(self, term: str) -> list[Q]:
        return by_id(term)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let everybody see his own."""
        allowed: bool = super().has_view_permission(request, obj)
        return allowed or (obj is not None and obj.user_id == request.user.pk)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        obj = context.get("original")
        seconds = REFRESH_SECONDS if obj is not None and obj.state == State.RUNNING else None
        return super().render_change_form(request, context | {"refresh_seconds": seconds}, *args, **kwargs)

    @display(description="State")
    def shown_state(self, obj: BulkRun) -> Any:
        return label(obj.get_state_display())

    @display(description="Of")
    def of(self, obj: BulkRun) -> str:
        site_admin = admin_of(obj)
        return str(site_admin.opts.verbose_name_plural) if site_admin else obj.object_type

    @display(description="By")
    def by(self, obj: BulkRun) -> str:
        return obj.user.get_username()

    @display(description="Reason")
    def why(self, obj: BulkRun) -> str:
        return " / ".join(filter(None, [str(obj.values.get("why", "")), obj.why_stopped])) or "-"

    @display(description="Progress")
    def shown_progress(self, obj: BulkRun) -> SafeString:
        found = bulk_runs.progress(obj)
        gone = found["done"] + found["refused"]
        text = f"{found['done']:,} done, {found['refused']:,} refused, {found['left']:,} left"
        return format_html(
            '<progress class="console-progress" max="{}" value="{}" aria-label="Progress"></progress> {}',
            obj.total,
            gone,
            text,
        )

    @display(description="Objects")
    def objects(self, obj: BulkRun) -> Any:
        """List the first, what was refused before all else, as far as the reader may see them."""
        is_refused, ordered = Q(outcome=BulkItem.Outcome.REFUSED), obj.items.order_by("pk")
        rows = list(ordered.filter(is_refused)[: LISTED + 1])
        rows += ordered.exclude(is_refused)[: LISTED + 1 - len(rows)]
        if not rows:
            return "They are kept for 30 days. The audit trail has each of them."
        site_admin = admin_of(obj)
        kind = object_type_of(site_admin.model) if site_admin else obj.object_type
        outcomes = {f"{kind}:{row.object_id}": row.error or row.outcome or "left" for row in rows[:LISTED]}
        names = names_of(outcomes)
        cells = ((thing_link(thing, names), outcome) for thing, outcome in outcomes.items())
        lines = format_html_join("", "<tr><td>{}</td><td>{}</td></tr>", cells)
        more = "" if len(rows) <= LISTED else f"The first {LISTED} of {obj.total:,}."
        return format_html('<table class="console-table">{}</table>{}', lines, more)
