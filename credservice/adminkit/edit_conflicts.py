"""Locks forms optimistically: whoever saves second is told what the first one changed, and loses nothing he typed."""

from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.crypto import salted_hmac

SEEN = "seen"  # the hidden input
_SALT = "console.seen"


def seen_token(obj: Model, names: list[str]) -> str:
    """Sign digests of what the fields ``names`` hold now, which give away no value."""
    return signing.dumps({name: _digest(obj, name) for name in names if _is_kept(obj, name)}, salt=_SALT)


class StaleGuard:
    """Compares, as a mixin of model forms, with what the form was opened with, under a lock, before it is saved.

    A form that says nothing of that (a script's) is not compared.
    """

    instance: Any
    fields: dict[str, forms.Field]
    data: Any

    def clean(self) -> Any:
        data = super().clean()  # type: ignore[misc]
        changed = self._changed_meanwhile()
        if changed:
            raise ValidationError(
                f"Somebody else has changed {', '.join(changed)} since you opened this page. What you typed is kept "
                "below. Look at it, and save again if it still holds."
            )
        return data

    def _changed_meanwhile(self) -> list[str]:
        try:
            seen = signing.loads(self.data.get(SEEN, ""), salt=_SALT)
        except signing.BadSignature:
            return []
        rows = type(self.instance)._default_manager.select_for_update(of=("self",))
        now = rows.filter(pk=self.instance.pk).first()
        if now is None or not isinstance(seen, dict):
            return []
        return [self._told(now, name) for name in seen if name in self.fields and seen[name] != _digest(now, name)]

    def _told(self, now: Model, name: str) -> str:
        label = self.fields[name].label or name
        value = getattr(now, name)
        return f"{label} (now {value})" if isinstance(value, str | bool | int) and len(str(value)) <= 60 else str(label)


def guarded(form: Any) -> Any:
    """Add the guard to a class of forms."""
    return type(form.__name__, (StaleGuard, form), {})


def _is_kept(obj: Model, name: str) -> bool:
    kept = {field.name for field in (*obj._meta.concrete_fields, *obj._meta.many_to_many)}
    return name in kept


def _digest(obj: Model, name: str) -> str:
    field: Any = obj._meta.get_field(name)
    value = field.value_from_object(obj)
    text = str(sorted(str(item.pk) for item in value)) if field.many_to_many else repr(value)
    return salted_hmac(_SALT, f"{obj._meta.label} {obj.pk} {name} {text}").hexdigest()[:16]
