"""Puts together what every list of the console is registered with, from one part for each concern."""

import re
from collections.abc import Callable, Iterable
from functools import partial, reduce
from operator import or_
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Model, Q, QuerySet, UUIDField
from django.http import HttpRequest, HttpResponseRedirect
from unfold.enums import ActionVariant

from credservice.accounts.recent_proof import confirm_url, sent_too_late
from credservice.adminkit.audited import AuditedAdmin
from credservice.adminkit.change_forms import ChangeForms
from credservice.adminkit.changelists import KeysetChangeList
from credservice.adminkit.list_pages import ListPages
from credservice.adminkit.menu import Menu, Need
from credservice.adminkit.object_links import ObjectLinks
from credservice.adminkit.reauthentication import ReauthenticatedForms
from credservice.audit.models import AuditEvent
from credservice.core.exceptions import Invalid, ServiceError

MAX_OTHERS = 200  # rows of one list that another's search looks for
_FIRST_DIGITS = re.compile(r"(?:^|\s)([0-9a-f]{8}[0-9a-f-]*)$", re.IGNORECASE)


class ConsoleAdmin(AuditedAdmin, ReauthenticatedForms, ChangeForms, ObjectLinks, ListPages):
    """A list and its forms: audited, without deletion, with what else can be done as pages of their own.

    ``menu`` places it in the sidebar, ``about`` says on the overview what it is, ``empty_help`` says in an empty list
    how rows come to be, ``in_search`` whether the search box on every page looks here, ``by_text`` in which column
    what of a secret's whole text is kept, where a row is one. The rest is said by the part that reads it.

    The life of a request for a form (of a list: :class:`ListPages`; of another page: :class:`ObjectPage`):

    1. Django's ``admin_view`` sends whoever is not signed in to the sign-in, and checks a POST's CSRF token.
    2. ``proof_first`` asks for re-authentication, where the list needs it. A GET of a row may be looked at without:
       nothing in it can be changed then, and its button "Edit" leads to the proof.
    3. GET: Django checks the permissions and builds the form (``get_form``, ``formfield_for_dbfield``);
       ``render_change_form`` adds what the row holds now, ``links_of`` the buttons, the cards and the audit log.
    4. POST: in one transaction, Django builds and checks the form. ``guarded`` refuses it where somebody else has
       changed the row meanwhile.
    5. ``save_model`` writes the changed columns, ``log_addition`` or ``log_change`` the line in the audit log
       (:class:`AuditedAdmin`), and the answer leads to the list.
    6. A ServiceError undoes all of it. Its sentence is shown above the form, which is opened anew.
    """

    menu: ClassVar[Menu | None] = None
    about: ClassVar[str] = ""
    empty_help: ClassVar[str] = ""
    in_search: ClassVar[bool] = True
    by_text: ClassVar[tuple[str, Callable[[str], object]] | None] = None
    add_fieldsets: Any = ()

    def needs_operator(self) -> list[Need]:
        """List what waits for a person. Asked at every look at the overview: by an index, counted up to a bound."""
        return []

    def needs_of(self, request: HttpRequest) -> list[Need]:
        """List those of them that wait for this person."""
        return self.needs_operator()

    def under_way(self) -> list[Need]:
        """List what waits for the worker, in the same way."""
        return []

    def next_of_line(self, request: HttpRequest, event: AuditEvent) -> list[Need]:
        """List where a line of the audit log that this list knows more of leads to; shown on the line's page."""
        return []

    def tell_apart(self, obj: Any) -> str:
        """Say in the search's results what tells a row from another of its name."""
        return ""

    def holding(self, queryset: QuerySet[Any], texts: Iterable[str]) -> QuerySet[Any]:
        """Keep the rows that are the secret whose text is one of these: none, where rows are no secrets."""
        if self.by_text is None:
            return queryset.none()
        column, kept = self.by_text
        return queryset.filter(**{f"{column}__in": {kept(text) for text in texts}})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Delete nothing that the audit log speaks of: it is suspended, revoked or retired."""
        return False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        obj = self.get_object(request, object_id) if object_id and request.method == "GET" else None
        elsewhere = self.proof_first(request, obj)
        if elsewhere:
            show = partial(super().changeform_view, request, object_id, form_url, extra_context)
            return sent_too_late(request, elsewhere, show)
        context = (self.links_of(request, obj) if obj else {}) | (extra_context or {})
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except ServiceError as error:
            self.message_user(request, error.message, messages.ERROR)
        except IntegrityError:
            # The form's own checks passed: somebody else saved the same thing in between.
            self.message_user(request, "Somebody else saved the same at this moment. Look again.", messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def page_links(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        edit = {"title": "Edit", "icon": "edit", "variant": ActionVariant.PRIMARY, "path": confirm_url(request)}
        return [*([edit] if self.only_looks(request) else []), *super().page_links(request, obj)]


class LargeListAdmin(ConsoleAdmin):
    """A list that may have millions of rows: see :mod:`credservice.adminkit.changelists`.

    ``keyset`` is its order, newest first, that an index serves; ``find`` says what a search term may be, and
    ``find_of_others`` what else it may be in the list's own search.
    """

    keyset: ClassVar[tuple[str, ...]] = ("created_at", "pk")
    # Django shows a search box, and offers choices in forms, where this is not empty. See find().
    search_fields = ("pk",)
    sortable_by = ()

    def find(self, term: str) -> list[Q]:
        """List what ``term`` may match, each an equality on indexed columns."""
        raise NotImplementedError

    def find_beginning(self, term: str) -> list[Q]:
        """List what ``term`` may begin, by an index: for the search of everything, which sorts nothing."""
        return []

    def find_part(self, term: str) -> Q | None:
        """Match ``term`` anywhere in a name or an id, for the search of everything, which bounds its time."""
        return None

    def find_of_others(self, others: "Others") -> list[Q]:
        """List what the list's own search finds besides: rows of a customer, say.

        Not for the search of everything, which finds the customer itself.
        """
        return []

    def matches(self, request: HttpRequest, term: str) -> tuple[list[Q], str]:
        """List all that the list's own search finds, each served by an index, and say where it is not all."""
        others = Others(request, term)
        found = [*self.find(term), *self.find_of_others(others), *by_first_digits(self.model, term)]
        return found, others.too_many

    def prepare_rows(self, rows: list[Any]) -> None:
        """Fetch, for all rows of a page at once, what a column or a title shows besides."""

    def titles_of(self, rows: list[Any]) -> list[str]:
        self.prepare_rows(rows)
        return super().titles_of(rows)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            self.prepare_rows([found])
        return found

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return KeysetChangeList

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        return [f"-{name}" for name in self.keyset]

    def all_matching(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        term = request.GET.get(SEARCH_VAR, "").strip()
        if not term:
            return queryset
        found, too_many = self.matches(request, term)
        if too_many:
            raise Invalid(f"{too_many} Search for a whole id, or use a filter instead. Nothing was changed.")
        return queryset.filter(reduce(or_, found, Q(pk__in=[])))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find the choices of a form."""
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


def by_id(term: str) -> list[Q]:
    """Match a primary key, where ``term`` is a UUID."""
    try:
        return [Q(pk=UUIDField().to_python(term))]
    except ValidationError:
        return []


class Others:
    """Finds, for the search of one list, rows of another: those that the other's own search finds.

    Of each kind of hit no more than ``MAX_OTHERS``; ``too_many`` says so where there are more. Nothing for who may not
    look at the other list.
    """

    def __init__(self, request: HttpRequest, term: str) -> None:
        self._request, self._term = request, term
        self.too_many = ""

    def keys(self, model: type[Model]) -> list[Any]:
        site_admin: Any = admin.site._registry[model]
        if not site_admin.has_view_permission(self._request):
            return []
        rows = model._default_manager.order_by("pk").values_list("pk", flat=True)
        found = [list(rows.filter(q)[: MAX_OTHERS + 1]) for q in site_admin.find(self._term)]
        if any(len(keys) > MAX_OTHERS for keys in found):
            self.too_many = f"More than {MAX_OTHERS} {model._meta.verbose_name_plural} match."
        return [key for keys in found for key in keys[:MAX_OTHERS]]


def by_first_digits(model: type[Model], term: str) -> list[Q]:
    """Match rows by the first eight or more digits of their id: alone, or after a name, as pages and the trail have it.

    The keys are looked up here, by the primary key's own index, which a list's order might keep PostgreSQL from.
    """
    last = _FIRST_DIGITS.search(term)
    digits = last[1].replace("-", "").lower() if last else ""
    if not 8 <= len(digits) < 32 or not isinstance(model._meta.pk, UUIDField):
        return []
    first, beyond = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    rows = model._default_manager.filter(pk__range=(first, beyond)).order_by("pk")
    return [Q(pk__in=keys)] if (keys := list(rows.values_list("pk", flat=True)[:MAX_OTHERS])) else []
