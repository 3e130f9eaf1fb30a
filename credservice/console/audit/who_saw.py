"""Shows who saw any secret of one customer: of all its credentials, in a range of days, and as a file."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import PermissionDenied
from django.core.validators import MaxValueValidator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.text import slugify
from unfold.widgets import INPUT_CLASSES

from credservice.adminkit.form_ids import new_form_id
from credservice.adminkit.links import names_of, short
from credservice.adminkit.object_pages import ObjectPage
from credservice.adminkit.sentences import actor_name
from credservice.audit.export import csv_line, read_down
from credservice.audit.models import AuditEvent
from credservice.console.audit.export import send
from credservice.console.audit.exposure import sighting_rows, way_of
from credservice.credentials.exposure import MAX_LINES, events_of, sightings_of
from credservice.credentials.models import Credential

DAYS = 7
_DAY = timedelta(days=1)
COLUMNS = (
    *("customer", "external_id", "subject", "at", "who", "how", "what", "id", "hint", "integration", "installation"),
    *("source", "request_id", "signing_secret_id", "line"),
)


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

    def subjects(self, obj: Any) -> list[str]:
        """List whose credentials are meant."""
        return [obj.subject]

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
            lines = self._lines(obj, subjects, events_of(subjects, since, until))
            return send(request, lines, "csv", asked, self._file_name(obj, form.cleaned_data))
        found = sightings_of(subjects, since, until)
        whose = f" for {self.admin.object_title(obj)}"  # which this page's title says
        names = names_of(seen.thing for seen in found)
        rows = sighting_rows(found, {thing: name.removesuffix(whose) for thing, name in names.items()})
        cut = sum(seen.times for seen in found) >= MAX_LINES
        return self._show(request, obj, form, {"seen": {"sightings": rows, "cut": cut, "max_lines": MAX_LINES}})

    def _lines(self, obj: Any, subjects: list[str], events: QuerySet[AuditEvent]) -> Iterator[str]:
        """Write a line for each time, so that somebody who has no access to the console can read it."""
        yield csv_line(COLUMNS)
        theirs = str(getattr(obj, "external_id", "") or getattr(obj, "partner_id", ""))
        whose = (self.admin.object_title(obj), theirs)
        found = Credential.objects.filter(subject__in=subjects).values_list("pk", "hint")
        hints = {str(pk): hint for pk, hint in found.iterator()}
        for row in read_down(events, limit=MAX_LINES):
            when = row["at"].astimezone(UTC).isoformat()
            seen = (row["subject"], when, actor_name(row["actor"]), way_of(row["action"]))
            what = (row["object_type"], row["object_id"], hints.get(row["object_id"], ""))
            # The id of the secret that the call was signed with, never its value.
            signed = row["detail"].get("secret", "") if row["action"] == "exchange.credential" else ""
            by = (row["detail"].get("integration", ""), row["detail"].get("installation", ""))  # the platform's ids
            yield csv_line((*whose, *seen, *what, *by, row["source"], row["request_id"], signed, row["id"]))

    def _file_name(self, obj: Any, days: dict[str, Any]) -> str:
        name = slugify(self.admin.object_title(obj))[:60] or short(str(obj.pk))
        return f"who-saw-{name}-{days['since']}-to-{days['until']}.csv"

    def _show(self, request: HttpRequest, obj: Any, form: forms.Form, found: dict[str, Any]) -> HttpResponse:
        export_id = new_form_id(request) if found and request.user.has_perm(self.exports) else ""
        context = {"title": self.title, "form": form, "export_id": export_id, **found}
        return self.render(request, obj, "console/audit/who_saw.html", context)


def _moment(day: Any) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
