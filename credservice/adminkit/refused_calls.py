"""Tells how many of a partner's newest calls were refused, and why: for the overview, and on the partner's page."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from credservice.adminkit.links import list_link, list_url
from credservice.adminkit.object_header import Fact
from credservice.adminkit.sentences import UNPROVEN
from credservice.audit.models import AuditEvent

LOOKED_AT = 20  # newest lines of a partner
SHARE = 0.25  # of its calls, from which on somebody should look
AT_LEAST = 3
LATELY = timedelta(hours=24)
REFUSED = AuditEvent.Outcome.REFUSED


@dataclass(frozen=True)
class RefusedCalls:
    """The newest calls that have a line in the trail: how many, and of those that were refused the reasons.

    ``is_claimed``: one that was refused did not prove to be the partner's; anybody can send such a one.
    """

    partner: str
    number: int
    reasons: Counter[str]
    is_claimed: bool
    filters: dict[str, str]

    @property
    def refused(self) -> int:
        return self.reasons.total()

    @property
    def reason(self) -> str:
        """Name the most frequent one; empty where none was refused."""
        return self.reasons.most_common(1)[0][0] if self.reasons else ""

    def are_many(self) -> bool:
        return self.refused >= max(AT_LEAST, SHARE * self.number)

    def sentence(self) -> str:
        """Write it as a line of the overview."""
        calls = f"calls that claimed to be {self.partner}" if self.is_claimed else f"calls of {self.partner}"
        return f"{self.refused} of the last {self.number} {calls} were refused, {self._most()}"

    def facts(self, request: HttpRequest) -> list[Fact]:
        """Say it on top of the partner's page, with a link to the lines; nothing where none was refused."""
        if not self.reasons:
            return []
        calls = f"calls that claimed to be {self.partner}" if self.is_claimed else "calls"
        text = f"{self.refused} of the last {self.number} {calls}, {self._most()}"
        may = request.user.has_perm("audit.view_auditevent")
        return [Fact("Refused", list_link(AuditEvent, text, **self._lines()) if may else text)]

    def trail_url(self) -> str:
        """Find the lines of those that were refused for the most frequent reason."""
        return list_url(AuditEvent, **self._lines(), reason=self.reason)

    def _most(self) -> str:
        [(reason, times)] = self.reasons.most_common(1)
        return f"{'most of them' if 2 * times > self.refused else 'most often'}: {reason.replace('_', ' ')}"

    def _lines(self) -> dict[str, str]:
        return self.filters | {"outcome__exact": REFUSED}


def refused_calls(kind: str, name: str, among: QuerySet[AuditEvent], **filters: str) -> RefusedCalls:
    """Look at the newest lines of ``kind:name``, and of who claimed to be it: by two short reads of an index.

    ``among`` are the lines that may be calls of such a partner, ``filters`` those of the trail's list that find them.

    One call may have several lines: they have one request id.
    """
    actors = f"{kind}:{name}", f"{UNPROVEN}{name}"
    lines: list[tuple[int, str, str, str, str]] = []
    for actor in actors:
        rows = among.filter(actor=actor, at__gte=timezone.now() - LATELY).order_by("-pk")
        lines += rows.values_list("pk", "actor", "outcome", "reason", "request_id")[:LOOKED_AT]
    newest = sorted(lines, key=itemgetter(0), reverse=True)[:LOOKED_AT]
    refused = [line for line in newest if line[2] == REFUSED]
    return RefusedCalls(
        name,
        len({request_id or pk for pk, *_, request_id in newest}),
        Counter(reason for *_, reason, _ in refused),
        any(actor == actors[1] for _, actor, *_ in refused),
        filters | {"actor": ",".join(actors)},
    )
