"""Takes the named values of a credential in a form, without ever showing old ones."""

from typing import Any

from django import forms

from credservice.adminkit.widgets import SecretField
from credservice.credentials.models import CredentialPolicy


class ValuesForm(forms.Form):
    """One masked box for each value of the policy; none where its issuer makes the values itself."""

    def __init__(self, policy: CredentialPolicy, data: Any = None) -> None:
        super().__init__(data)
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

    def entered(self) -> dict[str, str] | None:
        """By name; None where nothing is entered."""
        return {name: self.cleaned_data[field] for field, name in self.names.items()} or None
