"""Actions on rows of a list: which rows is noted down, a page says what will happen, a POST does it row by row.

Ticked rows, or all that the list's filters and search match: those are copied inside the database, however many they
are (see :mod:`credservice.console.bulk_run`).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from credservice.exceptions import ServiceError

Values = Mapping[str, Any]


class BulkAction:
    """``perform(actor, obj, values)`` for each row, each in its own transaction; ``values`` are the form's, and JSON.

    ``foretell`` says, for the first of the rows, what partners will notice; ``four_eyes`` names what in FOUR_EYES has a
    second person approve it.
    """

    def __init__(
        self,
        name: str,
        title: str,
        perform: Callable[[str, Any, Values], object],
        *,
        consequence: str,
        done: str,
        permission: str = "change",
        form_class: type[forms.Form] = forms.Form,
        danger: bool = False,
        foretell: Callable[[Iterable[Any]], list[str]] | None = None,
        four_eyes: str = "",
    ) -> None:
        self.__name__ = name
        self.short_description = self.title = title
        self.perform, self.consequence, self.done = perform, consequence, done
        self.permission, self.form_class, self.danger = permission, form_class, danger
        self.foretell, self.four_eyes = foretell, four_eyes

    def full_permission(self, opts: Any) -> str:
        return f"{opts.app_label}.{self.permission}_{opts.model_name}"

    def allowed(self, site_admin: Any, user: Any) -> bool:
        return bool(user.has_perm(self.full_permission(site_admin.opts)))

    def __call__(self, site_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Django's action: note down the rows, and ask."""
        from credservice.console.bulk_run import draft

        if not self.allowed(site_admin, request.user):
            raise PermissionDenied
        try:
            run = draft(self, user=request.user, queryset=queryset, list_path=request.get_full_path())
        except ServiceError as error:
            messages.error(request, error.message)
            return None
        return HttpResponseRedirect(reverse("admin:console_bulkrun_start", args=[run.pk]))
