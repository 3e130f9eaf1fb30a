"""Narrows the audit log's list to a range of time, typed in UTC. The minute of its end is included.

A link from a number says where it begins to the microsecond, so that it leads to just what was counted.
"""

from collections.abc import Iterator
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.widgets import INPUT_CLASSES

_KINDS = (("date", "day", "2026-11-21", ("%Y-%m-%d",)), ("time", "time", "13:05", ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f")))
_SIDES = (("from", "From", "00:00"), ("to", "To", "23:59"))


class TimesForm(forms.Form):
    """Asks by the browser's own inputs; what was refused stays as text, which those would not show."""

    def __init__(self, faults: dict[str, str], data: dict[str, Any]) -> None:
        super().__init__(data)
        for side, word, _ in _SIDES:
            for number, (kind, noun, example, _) in enumerate(_KINDS):
                name = f"at_{side}_{number}"
                box = forms.TextInput(attrs={"class": " ".join(INPUT_CLASSES), "step": "any"})
                box.input_type = "text" if name in faults else kind
                self.fields[name] = forms.CharField(
                    label=f"{word}: {noun} (UTC)", help_text=f"As {example}, in UTC", required=False, widget=box
                )
        self.full_clean()
        for name, fault in faults.items():
            self.add_error(name, fault)


class TimeFilter(RangeDateTimeFilter):
    """Takes a day alone as the whole day."""

    template = "unfold/filters/filters_field.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "time (UTC)"
        self.faults: dict[str, str] = {}

    @property
    def fault(self) -> str:
        return " ".join(self.faults.values())

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {
            "form": TimesForm(self.faults, {name: self._given(name) for name in map(str, self.expected_parameters())})
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        since, until = (self._moment(side, default) for side, _, default in _SIDES)
        if since and until and since > until:
            self.faults["at_to_0"] = "The end of the time is before its beginning."
        if self.faults:
            return queryset.none()
        if since:
            queryset = queryset.filter(at__gte=since)
        if until:
            queryset = queryset.filter(at__lt=until.replace(second=0, microsecond=0) + timedelta(minutes=1))
        return queryset

    def _given(self, name: str) -> str:
        return str(self.used_parameters.get(name) or "").strip()

    def _moment(self, side: str, default: str) -> datetime | None:
        """Read one end; note what is no day and no time."""
        given = [self._given(f"at_{side}_{number}") for number in range(2)]
        if not any(given):
            return None
        if not given[0]:
            self.faults[f"at_{side}_0"] = "Say the day as well, such as 2026-11-21 (UTC)."
            return None
        texts = zip(range(2), _KINDS, (given[0], given[1] or default), strict=True)
        day, time = (self._read(f"at_{side}_{number}", kind, text) for number, kind, text in texts)
        if day is None or time is None:
            return None
        return datetime.combine(day.date(), time.time(), UTC)

    def _read(self, name: str, kind: tuple[str, str, str, tuple[str, ...]], text: str) -> datetime | None:
        _, noun, example, formats = kind
        for form in formats:
            try:
                found = datetime.strptime(text, form)  # noqa: DTZ007 - UTC when both are put together
            except ValueError:
                continue
            if found.year < MAXYEAR:
                return found
        self.faults[name] = f'"{text}" is no {noun}. Write it as {example} (UTC).'
        return None
