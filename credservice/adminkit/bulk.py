"""Offers an act on the ticked rows of a list: a page asks (console's bulk runs), then each row is done once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from credservice.adminkit.bulk_runs import draft
from credservice.adminkit.models import Approval, BulkRun
from credservice.adminkit.object_pages import permission_name
from credservice.core.exceptions import ServiceError


@dataclass(kw_only=True)
class BulkAction:
    """``perform(actor, obj, values)`` for each row, each in its own transaction; ``values`` are the form's, and JSON.

    ``refusal`` says why a row is left as it is, and nothing where it is acted on; ``foretell``, of rows that are acted
    on, what partners will notice: where there is a ``tick``, the label of one, that has to be ticked then.
    ``four_eyes`` names what in FOUR_EYES has a second person approve it.
    :meth:`credservice.adminkit.object_actions.ObjectAction.bulk` makes one.
    """

    name: str
    title: str
    perform: Callable[[str, Any, Mapping[str, Any]], object]
    refusal: Callable[[Any], str]
    consequence: str
    done: str
    permission: str
    form_class: type[forms.Form]
    danger: bool
    foretell: Callable[[Iterable[Any]], list[str]] | None = None
    tick: str = ""
    four_eyes: str = ""
    needs_proof: bool = False
    order: str = ""  # of the work, where one row's touches another

    def allowed(self, site_admin: Any, user: Any) -> bool:
        return bool(user.has_perm(permission_name(self.permission, site_admin.opts)))

    def __call__(self, site_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Be Django's action: note down the rows, and lead to the page that asks."""
        if not self.allowed(site_admin, request.user):
            raise PermissionDenied
        try:
            run = draft(
                name=self.name,
                title=self.title,
                user=request.user,
                queryset=queryset.order_by(self.order) if self.order else queryset.order_by(),
                list_path=request.get_full_path(),
            )
        except ServiceError as error:
            messages.error(request, error.message)
            return None
        return HttpResponseRedirect(reverse("admin:console_bulkrun_start", args=[run.pk]))


def action_of(run: BulkRun) -> BulkAction | None:
    site_admin = admin_of(run)
    actions: Any = getattr(site_admin, "bulk_actions", ())
    return next((action for action in actions if action.name == run.action), None)


def admin_of(found: BulkRun | Approval) -> Any:
    """Find who shows the objects that it is about; None where nobody does any more."""
    return next((a for model, a in admin.site._registry.items() if model._meta.label_lower == found.object_type), None)
