"""Takes the named values of a credential in a form, without ever showing old ones."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from credservice.adminkit.links import names_of
from credservice.adminkit.ticks import ask_for_tick
from credservice.adminkit.widgets import SecretField
from credservice.audit.names import current_actor
from credservice.core.exceptions import ServiceError
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.reused_values import digests_of, leaked_among, others_with, told_leaked
from credservice.credentials.transitions import record_step
from credservice.limits.counter import count_call

PER_MINUTE = 60  # of one person; the search's limit is the same


class ValuesForm(forms.Form):
    """One masked box for each value of the policy; none where its issuer makes the values itself.

    ``whose`` they are: the subject, and the vendor's own id of it, which is the same on every platform.
    """

    def __init__(self, policy: CredentialPolicy, data: Any = None, *, whose: tuple[str, str] = ("", "")) -> None:
        super().__init__(data)
        self.whose = whose
        self.generates = policy.backend().generates
        # Prefixed and numbered: a value may be named anything, "csrfmiddlewaretoken" too.
        self.names = {} if self.generates else {f"value_{n}": name for n, name in enumerate(policy.value_names())}
        for field, name in self.names.items():
            self.fields[field] = SecretField(label=name)

    @property
    def explanation(self) -> str:
        if self.generates:
            return "The policy's issuer makes the values; nobody has to see them."
        return (
            "The values are sealed at once. They can be replaced later, and are shown again only by Reveal, with a "
            "reason."
        )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        entered = None if self.errors else self.entered()
        if entered and self._may_ask():
            boxes = {name: field for field, name in self.names.items()}
            told = told_leaked(entered)
            for name, sentence in told.items():
                self.add_error(boxes.get(name), sentence)
            if told:
                _record_recognised(leaked_among(entered))
            else:
                self._ask_about_others(entered)
        return data

    def _may_ask(self) -> bool:
        """Count what somebody enters: each answer below tells of a value whether it is known here."""
        try:
            count_call(f"entered:{current_actor()}", PER_MINUTE)
        except ServiceError as error:
            self.add_error(None, error.message)
        return not self.errors

    def _ask_about_others(self, entered: Mapping[str, str]) -> None:
        """Ask for a tick where another customer has such a value. Who that is, is said to who may look at it."""
        subject, external_id = self.whose
        others = others_with(entered, subject=subject, external_id=external_id)
        if others:
            names = sorted(names_of({other.subject for other in others}).values())
            who = [f"Who has it: {', '.join(names)}."] if names else []
            _record_recognised(others)
            ask_for_tick(
                self,
                label="Let both have it",
                told=["Another customer has this value: each could act as the other.", *who],
                how="Enter another value; or enter this one again, and tick that both are to have it.",
                accepts=sorted(digest.hex() for digest in digests_of(entered)),
            )

    def entered(self) -> dict[str, str] | None:
        """By name; None where nothing is entered."""
        return {name: self.cleaned_data[field] for field, name in self.names.items()} or None


def _record_recognised(found: Iterable[Credential]) -> None:
    """Leave a trace, as the search does: nobody tries guesses here without one."""
    for credential in found:
        record_step("credential.recognised", credential, current_actor())
