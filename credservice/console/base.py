"""What every page of the console has in common."""

from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, models
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin
from unfold.enums import ActionVariant

from credservice.accounts.recent import ask_for_proof, confirm_url, is_proven
from credservice.audit.models import AuditEvent
from credservice.console import widgets
from credservice.console.audited import AuditedAdmin
from credservice.console.bulk import BulkAction
from credservice.console.keyset import KeysetChangeList
from credservice.console.menu import Menu, Need, title_of
from credservice.console.pages import ObjectPage
from credservice.console.paginator import BoundedPaginator
from credservice.console.related import Card, cards_of
from credservice.console.stale import guarded, seen_token
from credservice.console.whole import WholeChangeList
from credservice.exceptions import ServiceError

# What Unfold's filters append to the name of a field.
FILTER_SUFFIXES = ("", "__exact", "__id__exact", "_from_0", "_from_1", "_to_0", "_to_1")
# Set of a request whose session has to prove itself before it changes what it looks at.
ONLY_LOOKS = "console_only_looks"


class ConsoleAdmin(AuditedAdmin, ModelAdmin):
    """A list and its forms: audited, without deletion, with what else can be done as pages of their own.

    ``menu`` places it in the sidebar, ``about`` says on the overview what it is, ``empty_help`` says in an empty list
    how rows come to be; ``object_pages`` are the forms about one object; ``fixed_fields`` are set once, at its making.
    ``needs_proof``: what its forms set lets somebody in, or shows a secret (:mod:`credservice.accounts.recent`).
    """

    menu: ClassVar[Menu | None] = None
    about: ClassVar[str] = ""
    empty_help: ClassVar[str] = ""
    add_fieldsets: Any = ()
    in_search: ClassVar[bool] = True  # whether the search box on every page looks here
    object_pages: ClassVar[tuple[type[ObjectPage], ...]] = ()
    bulk_actions: ClassVar[tuple[BulkAction, ...]] = ()
    fixed_fields: ClassVar[tuple[str, ...]] = ()
    needs_proof: ClassVar[bool] = False

    change_form_template = "console/change_form.html"
    formfield_overrides: ClassVar[Any] = {  # type: ignore[misc]
        models.JSONField: {"form_class": widgets.JSONField, "show_hidden_initial": False},
        models.DurationField: {"form_class": widgets.DurationField},
        models.URLField: {"assume_scheme": "https"},
    }
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # they count whole tables
    list_disable_select_all = True
    list_filter_submit = True
    list_per_page = 50
    list_max_show_all = 0
    warn_unsaved_form = True

    def needs_operator(self) -> list[Need]:
        """What waits for a person. Asked at every look at the overview: by an index, and counted up to a bound."""
        return []

    def under_way(self) -> list[Need]:
        """What waits for the worker, in the same way."""
        return []

    # --- what may be done --------------------------------------------------------------------------------------

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing that the trail speaks of is deleted: it is suspended, revoked or retired."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not getattr(request, ONLY_LOOKS, False)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), *(self.fixed_fields if obj else ())]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only the filters that the list offers: any other could scan a table, or guess at a column."""
        return any(lookup == f"{name}{suffix}" for name in self._filter_names() for suffix in FILTER_SUFFIXES)

    def _filter_names(self) -> list[str]:
        entries: Any = self.list_filter
        return [entry[0] if isinstance(entry, tuple) else entry.parameter_name for entry in entries]

    # --- lists -------------------------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        self._refuse_action(request)
        return super().changelist_view(request, {"title": title_of(self)} | (extra_context or {}))

    def _refuse_action(self, request: HttpRequest) -> None:
        """Django only leaves out what an account may not do, and answers that no action was chosen."""
        chosen = request.POST.getlist("action") if request.method == "POST" else []
        for action in self.bulk_actions:
            if action.__name__ in chosen and not action.allowed(self, request.user):
                raise PermissionDenied

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return WholeChangeList

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        allowed = [bulk for bulk in self.bulk_actions if bulk.allowed(self, request.user)]
        return {bulk.__name__: (bulk, bulk.__name__, bulk.title) for bulk in allowed}

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *_: Any) -> HttpResponse | None:
        """On rows that were ticked, and that can be rows of this list; or on all that it matches."""
        try:
            for pk in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(pk)
        except ValidationError:
            self.message_user(request, "The selection was not understood. Nothing was changed.", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        response: HttpResponse | None = super().response_action(request, self.all_matching(request, queryset))
        return response

    def all_matching(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What the list's search and filters match, of which ``queryset`` may know but the filters."""
        return queryset

    # --- forms -------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        pages = [
            path(
                f"<path:object_id>/{page.slug}/",
                self.admin_site.admin_view(page.view_for(self)),
                name=f"{name}_{page.slug}",
            )
            for page in self.object_pages
        ]
        return [*pages, *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        obj = self.get_object(request, object_id) if object_id and request.method == "GET" else None
        elsewhere = self._proof_first(request, obj)
        if elsewhere:
            return elsewhere
        cards = cards_of(request, obj) if obj else []
        context = {
            "page_links": self._page_links(request, obj),
            "cards": cards,
            "trail_url": self._trail_link(request, obj, cards),
        } | (extra_context or {})
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except ServiceError as error:
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        except IntegrityError:
            # The form's own checks passed: somebody else saved the same thing in between.
            self.message_user(request, "Somebody else saved the same at this moment. Look again.", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, *_: Any) -> HttpResponse:
        """Not Django's way to the overview, with a guess that it was deleted: nothing is."""
        raise Http404

    def _proof_first(self, request: HttpRequest, obj: Any) -> HttpResponse | None:
        """Before anything is saved, or a form for something new is shown. What is there can be looked at without."""
        if not self.needs_proof or is_proven(request):
            return None
        if obj is not None and self.has_change_permission(request, obj):
            setattr(request, ONLY_LOOKS, True)
            return None
        may = obj is None and (self.has_add_permission(request) or self.has_change_permission(request))
        return ask_for_proof(request) if may else None

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        return guarded(form) if change else form

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """With what the row holds now; the object of a form that was refused has what was typed."""
        row = self.model._default_manager.filter(pk=context["original"].pk).first() if kwargs.get("change") else None
        seen = seen_token(row, list(context["adminform"].form.fields)) if row is not None else ""
        return super().render_change_form(request, context | {"seen": seen}, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Write what was changed and no more: a whole row would undo what happened since the form was opened."""
        if not change:
            obj.save(force_insert=True)
            return
        concrete = {field.name for field in self.opts.concrete_fields}
        changed = [name for name in form.changed_data if name in concrete]
        if changed:
            obj.save(update_fields=changed)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """No "+" beside a choice: what it would open in a window has a page of its own."""
        formfield: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        for button in ("add", "change", "delete", "view"):
            if formfield and hasattr(formfield.widget, f"can_{button}_related"):
                setattr(formfield.widget, f"can_{button}_related", False)
        return formfield

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's address of it; the trail is where it is."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        obj = self.get_object(request, object_id)
        return HttpResponseRedirect((obj and self.trail_url(obj)) or self.list_url())

    def trail_url(self, obj: Any) -> str:
        """The object's lines in the trail; empty where there is no more to see."""
        return f"{reverse('admin:audit_auditevent_changelist')}?object_id={obj.pk}"

    def _trail_link(self, request: HttpRequest, obj: Any, cards: list[Card]) -> str:
        """Beside the other buttons, where no card of the page leads there."""
        shown = any(card.rows.model is AuditEvent for card in cards)
        may = request.user.has_perm("audit.view_auditevent")
        return self.trail_url(obj) if obj and may and not shown else ""

    def list_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def _page_links(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        if obj is None:
            return []
        found = (page(self).link(request, obj) for page in self.object_pages)
        edit = {"title": "Edit", "icon": "edit", "variant": ActionVariant.PRIMARY, "path": confirm_url(request)}
        looks = [edit] if getattr(request, ONLY_LOOKS, False) else []
        return [*looks, *(link for link in found if link is not None)]


class LargeListAdmin(ConsoleAdmin):
    """A list that may have millions of rows: see :mod:`credservice.console.keyset`.

    ``keyset`` is its order, newest first, that an index serves; ``find`` says what a search term may be.
    """

    keyset: ClassVar[tuple[str, ...]] = ("created_at", "pk")
    # Django shows a search box, and offers choices in forms, where this is not empty. See find().
    search_fields = ("pk",)
    sortable_by = ()

    def find(self, term: str) -> list[Q]:
        """What ``term`` may match, each an equality on indexed columns."""
        raise NotImplementedError

    def find_beginning(self, term: str) -> list[Q]:
        """What ``term`` may be the beginning of, by an index: for the search of everything, which sorts nothing."""
        return []

    def prepare_rows(self, rows: list[Any]) -> None:
        """Fetch, for all rows of a page at once, what a column shows besides."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return KeysetChangeList

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        return [f"-{name}" for name in self.keyset]

    def all_matching(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        term = request.GET.get(SEARCH_VAR, "").strip()
        return queryset.filter(reduce(or_, self.find(term), Q(pk__in=[]))) if term else queryset

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """For the choices of a form."""
        if not search_term.strip():
            return queryset, False
        found = (queryset.filter(q).values_list("pk", flat=True)[:50] for q in self.find(search_term.strip()))
        return queryset.filter(pk__in={pk for pks in found for pk in pks}), False


class ReadOnly:
    """Rows that the service writes, and nobody edits."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def as_uuid(term: str) -> list[Q]:
    """``term`` as a primary key, where it is a UUID."""
    try:
        return [Q(pk=models.UUIDField().to_python(term))]
    except ValidationError:
        return []
