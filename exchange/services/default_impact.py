"""Foretells which calls at ``/credential-exchange``, without a platform's name, are refused once it is the default
platform no more."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NamedTuple

from django.utils import timezone

from credservice.audit.models import AuditEvent
from credservice.core.ago import ago
from exchange.models import Platform
from exchange.services.signature_impact import LATELY, last_call_at

ADDRESS = "/credential-exchange"
LOOKED_AT = 100  # newest changes of platforms, for the one by which the default went


@dataclass(frozen=True)
class DefaultImpact:
    """Tells when the platform's last call came, and which platform answers at the address then, if one does."""

    of: ClassVar = "default platform"
    refused: ClassVar = "calls without its name"
    advice: ClassVar = ""

    last_call_at: datetime
    successor: str

    def sentence(self, *, named: bool = True) -> str:
        """Say it; no secret is ``named``. The trail does not tell by which address a call came."""
        then = f"come to {self.successor}" if self.successor else "are refused with 401"
        return (
            f"Its last call came {ago(self.last_call_at)}. Calls to {ADDRESS}, without its name, {then} from then on."
        )

    def counts(self) -> dict[str, int]:
        """Count for the trail."""
        return {"default_platforms_called": 1}


class Former(NamedTuple):
    """The platform that was the default one before, and until when."""

    platform: Platform
    until: datetime

    def __str__(self) -> str:
        return f"{self.platform} answered there until {ago(self.until)}"


def foretell_default(before: Platform, after: Platform, *, others: Iterable[Platform] = ()) -> DefaultImpact | None:
    """Tell what becomes of calls without a name; None where the platform stays the default one, or none of it came.

    ``others`` are platforms that change with it: one of these may be the next.
    """
    if after.is_default or not before.is_default:
        return None
    called_at = last_call_at(before)
    successor = next((each.name for each in others if each.is_default), "")
    return DefaultImpact(called_at, successor) if called_at else None


def former_default() -> Former | None:
    """Find the last platform that ceased to be the default one lately, and is not the default one again."""
    changes = AuditEvent.objects.filter(object_type="platform", action="platform.changed")
    newest = changes.filter(at__gte=timezone.now() - LATELY).order_by("-pk").values_list("object_id", "at", "detail")
    for object_id, at, detail in newest[:LOOKED_AT]:
        if detail.get("changes", {}).get("is_default", {}).get("to") is False:
            platform = Platform.objects.filter(pk=object_id, is_default=False).first()
            return Former(platform, at) if platform else None
    return None
