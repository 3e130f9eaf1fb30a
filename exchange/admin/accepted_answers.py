"""Asks for a tick before live customers are answered differently, or not at all."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from credservice.adminkit import ticks
from credservice.adminkit.links import field_of, new_tab_link
from exchange.admin.attribute_table import AttributesField
from exchange.admin.shape_table import fault_of_plain_name
from exchange.models import EndUser
from exchange.services.answer_impact import MAX_NAMED, AnswerImpact
from exchange.services.customer_answers import asked_of, foretell_attributes

MADE_LABEL = "Save it and change what is made"
OWN_ID = "external_id"  # of an end user: no attribute, and asked for as one
_MAY_HOLD = "Facts that answers may hold."


def ask_for_tick(form: Any, impact: AnswerImpact, wanted: Iterable[str]) -> dict[str, int] | None:
    """Add the tick to a bound form whose saving has an ``impact``. Returns what was accepted where it was set.

    It holds for what it was set beside, and for what is ``wanted``: after another change it is asked for again.
    """
    if not impact:
        return None
    mend = "Add what is missing first, or tick this to save it all the same."
    label = "Save it and change these answers" if impact.different or not impact.made else MADE_LABEL
    accepted = ticks.ask_for_tick(
        form,
        label="Save it though some get no answer" if impact.unanswered else label,
        told=told(impact),
        how=mend if impact.unanswered else "Tick this, and save again.",
        accepts=[*impact.sentences(), *wanted],
    )
    return impact.counts() if accepted else None


def told(impact: AnswerImpact) -> list[SafeString]:
    """Say what would change, and lead to where what is missing can be added."""
    found = [_marked(sentence) for sentence in impact.sentences()]
    ends = [change.rpartition("` ")[2] for change in impact.changes]
    if "is no longer sent." in ends and "is new." in ends:
        found.append(SafeString("To rename a field, send it under both names until the platform reads the new one."))
    for what, those in impact.lacking.items():
        links = [new_tab_link(field_of(each, "attributes"), each) for each in those]
        found.append(format_html("Add the {} first, on the page of {}", what, _listed(links)))
    if len(impact.unanswered) > MAX_NAMED:
        found.append(_folded("All that would get no answer", impact.unanswered))
    if len(impact.different) > MAX_NAMED:
        found.append(_folded("All that would be answered differently", impact.different))
    return found


def _listed(links: Sequence[SafeString]) -> SafeString:
    """Write a few links in the sentence, and fold the others behind their number."""
    shown = format_html_join(", ", "{}", ((link,) for link in links[:MAX_NAMED]))
    rest = links[MAX_NAMED:]
    return format_html("{}{}", shown, _folded(f"and {len(rest)} more", rest) if rest else ".")


def _folded(title: str, items: Iterable[Any]) -> SafeString:
    listed = format_html_join(", ", "{}", ((item,) for item in items))
    return format_html('<details><summary class="cursor-pointer text-link">{}</summary>{}</details>', title, listed)


class AttributesForm(ticks.TickedForm):
    """Asks for the tick where attributes go without which installations get no answer. Says which are asked for."""

    attributes = AttributesField(required=False, help_text=_MAY_HOLD)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        attributes = self.fields.get("attributes")  # not there for who may not change it
        if attributes is not None and not self.instance._state.adding:
            asked = _asked(self.instance) if isinstance(self.instance, EndUser) else ""
            attributes.help_text = format_html("{} {}", _MAY_HOLD, asked)

    def clean_attributes(self) -> dict[str, Any]:
        """Refuse new names that an answer could not ask for by. Those that are there stay as they are."""
        attributes: dict[str, Any] = self.cleaned_data["attributes"]
        new = [name for name in attributes if name not in self.instance.attributes]
        faults = [fault for name in new if (fault := fault_of_plain_name(name))]
        if OWN_ID in new and isinstance(self.instance, EndUser):
            faults.append(f"{OWN_ID}: an answer takes your own id of the customer for this. Choose another name.")
        if faults:
            raise ValidationError(faults)
        return attributes

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        attributes = data.get("attributes")
        if not self.errors and not self.instance._state.adding and isinstance(attributes, dict):
            impact = foretell_attributes(self.instance, attributes)
            accepted = ask_for_tick(self, impact, [json.dumps(attributes, sort_keys=True)])
            if accepted:
                self.instance.audit_facts = {"accepted_changed_answers": accepted}
        return data


class AttributesPage(ticks.TickedPage):
    """Shows the tick of :class:`AttributesForm` beside the attributes."""

    form = AttributesForm
    tick_beside = "attributes"


def _asked(end_user: EndUser) -> SafeString | str:
    asked = asked_of(end_user)
    if not asked:
        return "No integration of this customer asks for one."
    parts = ((name, ", ".join(each.integration_id for each in integrations)) for name, integrations in asked.items())
    return format_html(
        "Integrations of this customer ask for {}.", format_html_join(", ", "<code>{}</code> ({})", parts)
    )


def _marked(sentence: str) -> SafeString:
    """Show what stands between backticks as code."""
    parts = enumerate(sentence.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if at % 2 else part,) for at, part in parts)
    )
