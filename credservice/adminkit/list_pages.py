"""Answers the lists of the console: filters, bulk actions, and nothing that scans a table to count or to offer."""

from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import DateTimeField, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import ModelAdmin
from unfold.decorators import display

from credservice.adminkit.bulk import BulkAction
from credservice.adminkit.changelists import BoundedPaginator, WholeChangeList
from credservice.adminkit.menu import title_of
from credservice.adminkit.moments import moment
from credservice.core.exceptions import ServiceError

# What Unfold's filters append to the name of a field.
FILTER_SUFFIXES = ("", "__exact", "__id__exact", "_from_0", "_from_1", "_to_0", "_to_1")


def _column(opts: Any, name: str) -> Any:
    field = next((field for field in opts.concrete_fields if field.name == name), None)
    if not isinstance(field, DateTimeField):
        return name

    @display(description=str(field.verbose_name).removesuffix(" at").capitalize(), ordering=name)
    def column(obj: Any) -> Any:
        return moment(getattr(obj, name))

    return column


class ListPages(ModelAdmin):
    """``bulk_actions`` are the acts on ticked rows, or on all that a search and filters match."""

    bulk_actions: ClassVar[tuple[BulkAction, ...]] = ()

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # they count whole tables
    list_disable_select_all = True
    list_filter_submit = True
    list_per_page = 50
    list_max_show_all = 0

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        self._refuse_action(request)
        return super().changelist_view(request, {"title": title_of(self)} | (extra_context or {}))

    def _refuse_action(self, request: HttpRequest) -> None:
        """Refuse what an account may not do: Django only leaves it out, and answers that no action was chosen."""
        chosen = request.POST.getlist("action") if request.method == "POST" else []
        for action in self.bulk_actions:
            if action.name in chosen and not action.allowed(self, request.user):
                raise PermissionDenied

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show each time as people say it."""
        return [self.moment_of(name) if isinstance(name, str) else name for name in super().get_list_display(request)]

    def moment_of(self, name: str) -> Any:
        """Make a column of a time, where ``name`` is one; the same one each time, since Django tells them apart so."""
        columns = self.__dict__.setdefault("_moments", {})
        if name not in columns:
            columns[name] = _column(self.opts, name)
        return columns[name]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return WholeChangeList

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        allowed = [bulk for bulk in self.bulk_actions if bulk.allowed(self, request.user)]
        return {bulk.name: (bulk, bulk.name, bulk.title) for bulk in allowed}

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *_: Any) -> HttpResponse | None:
        """Act on rows that were ticked, and that can be rows of this list; or on all that it matches."""
        try:
            for pk in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(pk)
        except ValidationError:
            self.message_user(request, "The selection was not understood. Nothing was changed.", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        # Read as Django does. What is ticked is meant, whatever was searched for.
        across = self.action_form.base_fields["select_across"].to_python(request.POST.get("select_across"))
        try:
            rows = self.all_matching(request, queryset) if across else queryset
        except ServiceError as error:
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        response: HttpResponse | None = super().response_action(request, rows)
        return response

    def all_matching(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow ``queryset``, which may know but the filters, to what the list's search matches as well.

        Raises ServiceError where that is more than the search looks for.
        """
        return queryset

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow only the filters that the list offers: any other could scan a table, or guess at a column."""
        entries: Any = self.list_filter
        names = [entry[0] if isinstance(entry, tuple) else entry.parameter_name for entry in entries]
        return any(lookup == f"{name}{suffix}" for name in names for suffix in FILTER_SUFFIXES)
