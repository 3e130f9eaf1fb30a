"""Narrows the audit log's list: by what a person reads on the page, and by the form in which a line keeps it.

A filter that cannot be understood, or that names nobody whom the trail knows, says so in ``fault``: at its field, and
in place of the list (:func:`faults_of`), which would look like an empty trail.
"""

from collections.abc import Iterator
from html import unescape
from ipaddress import ip_address
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import escape, format_html, format_html_join, strip_tags
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from credservice.adminkit.filters import ExactFilter
from credservice.adminkit.links import list_link
from credservice.adminkit.sentence_words import REASONS
from credservice.adminkit.sentences import action_words, actor_name, kind_words, reason_words
from credservice.audit.models import AuditEvent
from credservice.console.audit.jumps import newest_reasons, values_of
from credservice.console.audit.names import Customers, find_actors

MAX_OFFERED = 20


def faults_of(changelist: Any) -> list[str]:
    """List what keeps the list's filters from being an answer."""
    return [spec.fault for spec in changelist.filter_specs if getattr(spec, "fault", "")]


def plain(fault: str) -> str:
    """Write a fault without its links."""
    return unescape(strip_tags(fault)) if isinstance(fault, SafeString) else fault


class _Faults:
    """Shows ``fault`` at the field, which keeps what was typed; ``told`` is what was understood, below it."""

    fault: str = ""
    told: str = ""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):  # type: ignore[misc]
            form, name = choice["form"], self.parameter_name  # type: ignore[attr-defined]
            form.fields[name].help_text = escape(self.told)  # the template holds it for safe
            if self.fault and not form.errors:
                form.add_error(name, self.fault)
            yield choice

    def refuse(self, queryset: QuerySet[Any], fault: str) -> QuerySet[Any]:
        self.fault = fault
        return queryset.none()


class OfferedFilter(_Faults, DropdownFilter):
    """Offers stored values in words; takes either. ``column`` is where the values stand."""

    column: ClassVar[str] = ""

    def offered(self) -> dict[str, str]:
        """Return the words of each stored value."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer them in the order of their words; of two that have the same, with how they are stored."""
        self.words = self.offered()
        said = list(self.words.values())
        shown = {
            value: words[:1].upper() + words[1:] + (f" ({value})" if said.count(words) > 1 else "")
            for value, words in self.words.items()
        }
        asked = self._asked()
        if asked and asked not in shown:  # what the select shows of what was typed into an address
            meant = self._meant(asked)
            shown[asked] = shown.get(meant[0], asked) if len(meant) == 1 else asked
        return sorted(shown.items(), key=lambda offer: offer[1].casefold())

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self._asked()
        if not asked:
            return queryset
        if meant := self._meant(asked):
            return queryset.filter(**{f"{self.column}__in": meant})
        return self.refuse(queryset, f'No line has the {self.title} "{asked}". Choose one of those offered.')

    def _asked(self) -> str:
        return (self.value() or "").strip()

    def _meant(self, asked: str) -> list[str]:
        if asked in self.words:
            return [asked]
        return [value for value, words in self.words.items() if asked.casefold() in (value, words.casefold())]


class ActionFilter(OfferedFilter):
    """Offers every action that occurs."""

    title = parameter_name = column = "action"

    def offered(self) -> dict[str, str]:
        return {action: action_words(action) for action in values_of("action")}


class OutcomeFilter(OfferedFilter):
    title, parameter_name, column = "outcome", "outcome__exact", "outcome"

    def offered(self) -> dict[str, str]:
        return {outcome.value: str(outcome.label) for outcome in AuditEvent.Outcome}


class ReasonFilter(OfferedFilter):
    """Offers the reasons that have words, and those that lately occurred. Takes any other as it is stored."""

    title = parameter_name = column = "reason"

    def offered(self) -> dict[str, str]:
        return {reason: reason_words(reason) for reason in {*REASONS, *newest_reasons()}}

    def _meant(self, asked: str) -> list[str]:
        return super()._meant(asked) or [asked.casefold().replace(" ", "_")]


class ObjectTypeFilter(OfferedFilter):
    """Offers every kind of object that occurs, and credentials, which the column's index leaves out."""

    title, parameter_name, column = "object type", "object_type", "object_type"

    def offered(self) -> dict[str, str]:
        return {kind: kind_words(kind) for kind in ("credential", *values_of("object_type"))}


class TypedFilter(_Faults, ExactFilter):
    """Takes one value, or several with commas between them; ``find`` tells what is meant by each."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = (self.value() or "").strip()
        if not asked:
            return queryset
        whole = self.find(request, asked)
        parts = [part for part in map(str.strip, asked.split(",")) if part]
        if whole or len(parts) < 2:
            return self._narrowed(queryset, asked, whole)
        if len(parts) > MAX_OFFERED:
            return self.refuse(queryset, f"Name {MAX_OFFERED} at most, with commas between them.")
        found = {part: self.find(request, part) for part in parts}
        # An address leads to several by their stored form, of which not all need have lines.
        unknown = [part for part, meant in found.items() if not meant and (":" not in part or not any(found.values()))]
        if unknown:
            return self._narrowed(queryset, unknown[0], [])
        return self._narrowed(queryset, asked, [value for meant in found.values() for value in meant])

    def _narrowed(self, queryset: QuerySet[Any], asked: str, meant: list[str]) -> QuerySet[Any]:
        if not meant:
            return self.refuse(queryset, self.fault or self.unknown(asked))
        return queryset.filter(**{f"{self.parameter_name}__in": meant})

    def find(self, request: HttpRequest, asked: str) -> list[str]:
        raise NotImplementedError

    def unknown(self, asked: str) -> str:
        raise NotImplementedError


class ActorFilter(TypedFilter):
    title = parameter_name = "actor"
    told = "Who did it, as the list says: the name of a person, platform, marketplace or token, or the worker."

    def find(self, request: HttpRequest, asked: str) -> list[str]:
        return find_actors(asked)

    def _narrowed(self, queryset: QuerySet[Any], asked: str, meant: list[str]) -> QuerySet[Any]:
        if len(meant) > 1:
            self.told = f"Shown: {', '.join(sorted(map(actor_name, meant)))}."
        return super()._narrowed(queryset, asked, meant)

    def unknown(self, asked: str) -> str:
        return f'No actor in the trail is called "{asked}".'


class SubjectFilter(TypedFilter):
    title = parameter_name = "subject"
    told = "Whose it is: a customer's name or id, or a resource's id."

    def find(self, request: HttpRequest, asked: str) -> list[str]:
        customers = Customers(request, asked)
        if customers.namesakes:
            self.fault = _offer(asked, customers.namesakes)
        return customers.found

    def unknown(self, asked: str) -> str:
        """Lead to the search: an id that was refused as unknown is in lines that are no customer's."""
        search = list_link(AuditEvent, "Search the trail for it", q=asked)
        return format_html('No customer is called "{}". {}: an id may have been refused as unknown.', asked, search)


def _offer(asked: str, namesakes: list[tuple[str, str]]) -> SafeString:
    """Link the lines of each of several, and of all of them."""
    few = namesakes[:MAX_OFFERED]
    links = format_html_join(", ", "{}", ((list_link(AuditEvent, name, subject=subject),) for subject, name in few))
    everything = list_link(AuditEvent, "all of them", subject=",".join(subject for subject, _ in few))
    cut = " The first of them:" if len(namesakes) > MAX_OFFERED else ""
    return format_html('Several are called "{}". Choose one:{} {}, or {}.', asked, cut, links, everything)


class ObjectFilter(ExactFilter):
    """Takes one whole id, or several with commas between them."""

    title, parameter_name = "object id", "object_id"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = (self.value() or "").strip()
        return queryset.filter(object_id__in={asked, *asked.split(",")}) if asked else queryset


class RequestFilter(ExactFilter):
    title, parameter_name = "request id", "request_id"


class SourceFilter(_Faults, ExactFilter):
    title, parameter_name = "source address", "source"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        term = (self.value() or "").strip()
        try:
            return queryset.filter(source=str(ip_address(term))) if term else queryset
        except ValueError:
            return self.refuse(queryset, f'"{term}" is no address. Write it as 203.0.113.7 or 2001:db8::1.')
