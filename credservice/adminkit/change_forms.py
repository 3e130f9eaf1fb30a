"""Makes the forms that add and change a row, and saves what was changed in them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from credservice.adminkit import widgets
from credservice.adminkit.edit_conflicts import guarded, seen_token
from credservice.adminkit.taken_ids import telling_whose
from credservice.core.names import NAME_FORM, PLAIN_ERRORS

_MOMENT_ERRORS = {
    "invalid_date": "Write the date with the time, such as 2027-01-31.",
    "invalid_time": "Write the time with the date, such as 13:05.",
}


class ChangeForms(ModelAdmin):
    """``fixed_fields`` are set once, when a row is added.

    ``protected_fields`` decide for whom, or by which policy, a credential is made, or what an answer holds: to set one
    is as good as to read secrets. Each names the permission that it needs besides the form's own.
    """

    fixed_fields: ClassVar[tuple[str, ...]] = ()
    protected_fields: ClassVar[Mapping[str, str]] = {}

    change_form_template = "console/change_form.html"
    formfield_overrides: ClassVar[Any] = {  # type: ignore[misc]
        models.JSONField: {"form_class": widgets.JSONField, "show_hidden_initial": False},
        models.DurationField: {"form_class": widgets.DurationField},
        models.URLField: {"assume_scheme": "https"},
        models.DateTimeField: {"error_messages": _MOMENT_ERRORS},
    }
    warn_unsaved_form = False  # unsaved.js asks on every page with a form, and after a save that was refused

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        user, fixed = request.user, self.fixed_fields if obj else ()
        protected = (name for name, permission in self.protected_fields.items() if not user.has_perm(permission))
        return list(dict.fromkeys([*super().get_readonly_fields(request, obj), *fixed, *protected]))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out the boxes for secrets where nothing can be typed: Django would show each as an empty value."""
        found = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return found
        secret = {name for name, field in self.form.base_fields.items() if widgets.is_secret(field)}
        return [(title, part | {"fields": [n for n in part["fields"] if n not in secret]}) for title, part in found]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse whoever may not set what a new row cannot do without."""
        required = (field.name for field in self.opts.fields if not field.blank)
        needed = {self.protected_fields[name] for name in required if name in self.protected_fields}
        return super().has_add_permission(request) and request.user.has_perms(needed)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if told := self._protected_help(request, obj):  # given any, Django leaves out those of the form's Meta
            own = getattr(getattr(self.form, "Meta", None), "help_texts", None) or {}
            kwargs["help_texts"] = own | told | (kwargs.get("help_texts") or {})
        form: Any = telling_whose(super().get_form(request, obj, change=change, **kwargs), request)
        return guarded(form) if change else form

    def _protected_help(self, request: HttpRequest, obj: Any) -> dict[str, str]:
        """Say beside what this user may not set who may; of what is fixed by now, nothing."""
        fixed = self.fixed_fields if obj else ()
        return {
            name: f"{self.opts.get_field(name).help_text} A secrets manager can set it.".strip()  # type: ignore[union-attr]
            for name, permission in self.protected_fields.items()
            if name not in fixed and not request.user.has_perm(permission)
        }

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Say what is wrong in plain words, and leave out the "+" beside a choice.

        What it would open in a window has a page of its own.
        """
        formfield: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if formfield:
            formfield.error_messages |= PLAIN_ERRORS
            widgets.uncut(formfield.widget)
            if isinstance(db_field, models.SlugField):
                formfield.error_messages["invalid"] = f"{NAME_FORM}."
        for button in ("add", "change", "delete", "view"):
            if formfield and hasattr(formfield.widget, f"can_{button}_related"):
                setattr(formfield.widget, f"can_{button}_related", False)
        return formfield

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Note what the row holds now; the object of a form that was refused has what was typed."""
        row = self.model._default_manager.filter(pk=context["original"].pk).first() if kwargs.get("change") else None
        seen = seen_token(row, list(context["adminform"].form.fields)) if row is not None else ""
        cells = (cell for part in context["adminform"] for line in part for cell in line)
        more = {
            "seen": seen,
            "show_save_and_add_another": False,
            "nothing_to_save": all(cell.is_readonly for cell in cells),
        }
        return super().render_change_form(request, context | more, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: models.Model, form: Any, change: bool) -> None:
        """Write what was changed and no more: a whole row would undo what happened since the form was opened."""
        if not change:
            obj.save(force_insert=True)
            return
        concrete = {field.name for field in self.opts.concrete_fields}
        changed = [name for name in form.changed_data if name in concrete]
        if changed:
            obj.save(update_fields=changed)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, *_: Any) -> HttpResponse:
        """Answer 404, not with Django's way to the overview and a guess that it was deleted: nothing is."""
        raise Http404
