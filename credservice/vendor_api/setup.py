"""Writes one object of the set-up, as a set-up file that names nothing else would: by its checks and its functions.

So whatever is refused in a file is refused here, and each change leaves the same lines in the audit log. What is
secret is given, and never shown; a text such as ``env:NAME`` is that text, and refers to nothing.
"""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from credservice.core.exceptions import Conflict, escaped
from credservice.manifest.apply import AnswersWouldChange, Refused, apply_entry, wait_for_others
from credservice.manifest.document import BadValue, Item, Problem
from credservice.manifest.json_values import item_of
from credservice.manifest.schema import Row
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.etags import require_new
from credservice.vendor_api.fields import StrictSerializer
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import operation_of
from credservice.vendor_api.problems import FieldError, InvalidFields

WAIT_SECONDS = 5  # for another write of the set-up; an `apply` may take a minute
Path = tuple[str, ...]  # names of sections and of entries by turns: ("platforms", "mindcloud")


class AcceptingSerializer(StrictSerializer):
    """The query of a write that may change what customers are answered. It is no field: no object has it."""

    accept_changed_answers = serializers.BooleanField(
        default=False,
        help_text="Also change what customers who are answered today would get, or leave them without an answer.",
    )


def require_accepted(view: VendorView, told: str) -> None:
    """Refuse what ``told`` says, unless it was accepted: what was written of it is undone. Raises :class:`Conflict`."""
    if not view.params["accept_changed_answers"]:
        raise Conflict(told, code="answers_would_change")


class SetupView(VendorView):
    def put_entry(self, path: Path, rows: QuerySet[Any], form: type[Serializer[Any]]) -> Response:
        """Create or change the object at ``path``. ``rows`` finds it, ``form`` shows it; what is around it is there."""
        wait_for_others(seconds=WAIT_SECONDS)
        known = rows.select_for_update(of=("self",), no_key=True).first()
        self.require_match(form(known).data if known else None)
        require_new(self.request._request, created=known is None)
        row = self._written(path)
        # The console does not wait for others: it may have made one meanwhile.
        require_new(self.request._request, created=row.is_new)
        return self.shown(form(rows.get()).data, status=201 if row.is_new else 200)

    def _written(self, path: Path) -> Row:
        try:
            with transaction.atomic():
                accepted = self.params.get("accept_changed_answers", False)
                entry = _leading_to(path, dict(self.body))
                return apply_entry(entry, actor=self.actor, accept_changed_answers=accepted)
        except AnswersWouldChange as refusal:
            named = Scope.READ_INSTALLATIONS in self.caller.token.scopes
            detail = " ".join(_sentence(each.text if named else each.brief) for each in refusal.changed)
            raise Conflict(detail, code="answers_would_change") from None
        except Refused as refusal:
            raise InvalidFields([self._place(path, problem) for problem in refusal.problems]) from None
        except BadValue as error:
            problem = Problem(1, error.item.path if error.item else path, str(error))
            raise InvalidFields([self._place(path, problem)]) from None
        except IntegrityError:
            raise Conflict("Somebody else wrote the same at this moment. Read it, and send this again.") from None

    def _place(self, path: Path, problem: Problem) -> FieldError:
        """Name the place in the body; of an object around this one, that object."""
        if problem.path[: len(path)] != path:
            return FieldError("", str(problem))
        first, *inner = problem.path[len(path) :] or ("",)
        if not first:
            return FieldError(f"/{problem.column}" if problem.column else "", _sentence(problem.text))
        pointer = "".join(f"/{escaped(part)}" for part in (self._sent_as(first), *inner))
        return FieldError(pointer, _sentence(problem.text))

    def _sent_as(self, key: str) -> str:
        """Return the name of the body's field that is a set-up file's ``key``."""
        operation = operation_of(self, self.request.method or "")
        fields = operation.takes().fields if operation and operation.takes else {}
        return next((name for name, field in fields.items() if field.source == key), key)


def _leading_to(path: Path, values: dict[str, Any]) -> Item:
    """Make the file that names the entry at ``path``, and what it is in."""
    item = item_of(values, path)
    for length in range(len(path) - 1, -1, -1):
        item = Item(path[:length], 1, entries={path[length]: item})
    return item


def _sentence(text: str) -> str:
    """Write a set-up file's remark as a sentence. What begins with a name stays as it is."""
    word = text.partition(" ")[0]
    text = text[0].upper() + text[1:] if word.isalpha() and word.islower() else text
    return text if text.endswith(".") else f"{text}."
