"""Actions on ticked rows of a list: a page that says what will happen, then a POST that does it row by row."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from credservice.exceptions import ServiceError

MAX_ROWS = 200


class BulkAction:
    """``perform(request, obj, form)`` for each ticked row, each in its own transaction."""

    def __init__(
        self,
        name: str,
        title: str,
        perform: Callable[[HttpRequest, Any, forms.Form], object],
        *,
        consequence: str,
        done: str,
        permission: str = "change",
        form_class: type[forms.Form] = forms.Form,
        danger: bool = False,
    ) -> None:
        self.__name__ = name
        self.short_description = self.title = title
        self.perform, self.consequence, self.done = perform, consequence, done
        self.permission, self.form_class, self.danger = permission, form_class, danger

    def allowed(self, site_admin: Any, request: HttpRequest) -> bool:
        opts = site_admin.opts
        return bool(request.user.has_perm(f"{opts.app_label}.{self.permission}_{opts.model_name}"))

    def __call__(self, site_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        if not self.allowed(site_admin, request):
            raise PermissionDenied
        rows = list(queryset[: MAX_ROWS + 1])
        if len(rows) > MAX_ROWS:
            messages.error(request, f"Tick at most {MAX_ROWS} rows at a time. Nothing was changed.")
            return None
        form = self.form_class(request.POST if "confirmed" in request.POST else None)
        if not form.is_valid():
            return self._ask(site_admin, request, rows, form)
        self._report(request, self._perform_all(request, rows, form))
        return None

    def _perform_all(self, request: HttpRequest, rows: Iterable[Any], form: forms.Form) -> Counter[str]:
        """How many were done (under the empty text), and how many were refused, by reason."""
        outcomes: Counter[str] = Counter()
        for row in rows:
            try:
                with transaction.atomic():
                    self.perform(request, row, form)
            except ServiceError as error:
                outcomes[error.message] += 1
            else:
                outcomes[""] += 1
        return outcomes

    def _report(self, request: HttpRequest, outcomes: Counter[str]) -> None:
        done = outcomes.pop("", 0)
        if done:
            messages.success(request, f"{self.done}: {done}.")
        for reason, count in outcomes.items():
            messages.warning(request, f"Left as they were: {count}. {reason}")

    def _ask(self, site_admin: Any, request: HttpRequest, rows: list[Any], form: forms.Form) -> HttpResponse:
        context = {
            "title": self.title,
            "opts": site_admin.opts,
            "action": self.__name__,
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "rows": rows,
            "form": form,
            "consequence": self.consequence,
            "submit_variant": "danger" if self.danger else "primary",
            "back": request.get_full_path(),
        }
        request.current_app = site_admin.admin_site.name
        return TemplateResponse(request, "console/bulk.html", site_admin.admin_site.each_context(request) | context)
