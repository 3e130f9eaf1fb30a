"""Shows who saw any secret of one customer: of all its credentials, in a range of days, and as a file."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.core.validators import MaxValueValidator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.text import slugify
from unfold.widgets import INPUT_CLASSES

from credservice.adminkit.links import may_view, names_of, short, untold_kinds
from credservice.adminkit.object_pages import ObjectPage
from credservice.adminkit.sentence_tails import why_of
from credservice.adminkit.sentences import actor_parts
from credservice.audit.export import csv_line, read_down
from credservice.audit.models import AuditEvent
from credservice.console.audit.export import send
from credservice.console.audit.exposure import sighting_rows, way_of
from credservice.credentials.exposure import MAX_LINES, events_of, sightings_of
from credservice.credentials.models import Credential, CredentialPolicy

DAYS = 7
_DAY = timedelta(days=1)
# Tells where a credential was good for: a value for each of ``place_columns``, of a line and its credential's versions.
Places = Callable[[AuditEvent, UUID | None], tuple[str, ...]]


class Seen(NamedTuple):
    """Names a credential in the file, by its hint or policy; there may be very many."""

    hint: str
    pk: str
    policy: str
    line: UUID | None


class DayInput(forms.DateInput):
    """Shows the browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(attrs={"class": " ".join(INPUT_CLASSES)}, format="%Y-%m-%d")


class DaysForm(forms.Form):
    """Asks for days, in UTC, both included."""

    since = forms.DateField(label="From (UTC)", widget=DayInput())
    until = forms.DateField(label="To (UTC)", widget=DayInput(), validators=[MaxValueValidator(date.max - _DAY)])

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and data["since"] > data["until"]:
            raise forms.ValidationError("The first day is after the last one.")
        return data


class WhoSaw(ObjectPage):
    """By GET, since it changes nothing and can be linked to; POST sends the same as a file."""

    slug, title, icon = "who-saw", "Who saw its secrets", "group_search"
    permission = "audit.view_auditevent"
    exports: ClassVar[str] = "audit.export_auditevent"
    place_columns: ClassVar[tuple[str, ...]] = ()

    def subjects(self, obj: Any) -> list[str]:
        """List whose credentials are meant."""
        return [obj.subject]

    def places(self, request: HttpRequest, obj: Any) -> Places:
        """Tell what fills ``place_columns``: nothing of what the reader may not look at."""
        return lambda event, line: ()

    def allowed(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().allowed(request, obj) and request.user.has_perm("credentials.view_credential")

    def answer(self, request: HttpRequest, obj: Any) -> HttpResponseBase:  # type: ignore[override] # a file streams
        if request.method == "POST" and not request.user.has_perm(self.exports):
            raise PermissionDenied
        today = timezone.now().astimezone(UTC).date()
        days = {"since": today - (DAYS - 1) * _DAY, "until": today}
        form = DaysForm(request.GET or {name: str(day) for name, day in days.items()})
        if not form.is_valid():
            return self._show(request, obj, form, {})
        since, until = _moment(form.cleaned_data["since"]), _moment(form.cleaned_data["until"] + _DAY)
        subjects = self.subjects(obj)
        if request.method == "POST":
            asked = {"subject": ", ".join(subjects), "at_from": since.isoformat(), "at_to": until.isoformat()}
            lines = self._lines(request, obj, subjects, events_of(subjects, since, until))
            return send(request, lines, "csv", asked, self._file_name(obj, form.cleaned_data))
        found = sightings_of(subjects, since, until)
        whose = f" for {self.admin.object_title(obj)}"  # which this page's title says
        names = names_of(seen.thing for seen in found)
        rows = sighting_rows(found, {thing: name.removesuffix(whose) for thing, name in names.items()})
        cut = sum(seen.times for seen in found) >= MAX_LINES
        return self._show(request, obj, form, {"seen": {"sightings": rows, "cut": cut, "max_lines": MAX_LINES}})

    def _lines(
        self, request: HttpRequest, obj: Any, subjects: list[str], events: QuerySet[AuditEvent]
    ) -> Iterator[str]:
        """Write a line for each time, so that somebody who has no access to the console can read it.

        What the reader may look at is found out here: the lines are written after the answer has begun, when there is
        no request any more.
        """
        theirs = str(getattr(obj, "external_id", "") or getattr(obj, "partner_id", ""))
        whose = (self.admin.object_title(obj), theirs)
        untold = untold_kinds(request)
        places, names_policy = self.places(request, obj), may_view(request, CredentialPolicy)
        columns = ("Customer", "Customer's id", "When (UTC)", "Who", "Kind", "How", "Reason", "What they saw", "Policy")

        def written() -> Iterator[str]:
            yield csv_line((*columns, *self.place_columns, "From address", "Line of the trail"))
            credentials = _credentials_of(subjects)
            for row in read_down(events, limit=MAX_LINES):
                event = AuditEvent(**row)
                seen = credentials.get(event.object_id) or Seen(_words_of(event), "", "", None)
                policy = seen.policy if names_policy else ""
                name = seen.hint or f"{policy} {short(seen.pk)}".strip()
                when = f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
                why = "" if event.object_type in untold else why_of(event, whole=True)
                act = (*actor_parts(event.actor), way_of(event.action, simulated="simulated" in event.detail), why)
                what = (name, policy, *places(event, seen.line))
                yield csv_line((*whose, when, *act, *what, event.source, event.pk))

        return written()

    def _file_name(self, obj: Any, days: dict[str, Any]) -> str:
        name = slugify(self.admin.object_title(obj))[:60] or short(str(obj.pk))
        return f"who-saw-{name}-{days['since']}-to-{days['until']}.csv"

    def _show(self, request: HttpRequest, obj: Any, form: forms.Form, found: dict[str, Any]) -> HttpResponse:
        may_export = request.user.has_perm(self.exports)
        context = {"title": self.title, "form": form, "may_export": may_export, **found}
        return self.render(request, obj, "console/audit/who_saw.html", context)


def _moment(day: Any) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _credentials_of(subjects: list[str]) -> dict[str, Seen]:
    found = (
        Credential.objects.filter(subject__in=subjects).select_related("policy").only("hint", "line", "policy__name")
    )
    return {str(row.pk): Seen(row.hint, str(row.pk), str(row.policy), row.line) for row in found.iterator()}


def _words_of(event: AuditEvent) -> str:
    """Name what is no credential as the page does, such as a callback."""
    return f"{event.object_type.replace('_', ' ')} {short(event.object_id)}"
