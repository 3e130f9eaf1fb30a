"""Tells how many of a partner's newest calls were refused, and why: for the overview, and on the partner's page."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from credservice.adminkit.links import list_link, list_url, page_of
from credservice.adminkit.menu import Need
from credservice.adminkit.object_header import Fact
from credservice.adminkit.sentences import UNPROVEN
from credservice.audit.models import AuditEvent

LOOKED_AT = 20  # newest lines of an actor
SHARE = 0.25  # of its calls, from which on somebody should look
AT_LEAST = 3
LATELY = timedelta(hours=24)
REFUSED = AuditEvent.Outcome.REFUSED
Unsettled = Callable[[list[AuditEvent]], list[AuditEvent]]


@dataclass(frozen=True)
class Look:
    """Counts by reason which of one actor's newest lines are of refused calls.

    ``of`` is how many lines they are a share of, ``of_last`` whether that number is told. ``is_claimed``: of calls
    that did not prove to be the partner's; anybody can send such a one. ``settled`` counts those whose reason is mended
    since: they are in no other number here. ``details`` are those of the others, newest first.
    """

    partner: str
    is_claimed: bool
    reasons: Counter[str]
    since: datetime | None  # of the oldest that was refused
    of: int
    of_last: bool
    filters: dict[str, str]
    settled: int = 0
    details: Sequence[Mapping[str, Any]] = ()

    @property
    def refused(self) -> int:
        return self.reasons.total()

    @property
    def reason(self) -> str:
        """Name the most frequent one; empty where none was refused."""
        return self.reasons.most_common(1)[0][0] if self.reasons else ""

    def are_many(self) -> bool:
        """Tell if somebody should look."""
        return self.refused >= max(AT_LEAST, SHARE * (self.of - self.settled))

    def sentence(self, *, whose: str = "") -> str:
        """Write it as a line of the overview. ``whose``: what to say of them but that they are the partner's."""
        whose = whose or f"{'that claimed to be' if self.is_claimed else 'of'} {self.partner}"
        lately = "" if self.of_last else " lately"
        return f"{self._number()} {self._noun()} {whose} {self._verb()} refused{lately}{self._why()}"

    def need_of_suspended(self, partner: Model) -> Need:
        """Write it as a line of the overview that leads to the partner, where it is resumed. Somebody wanted that, so
        nothing is broken."""
        return Need(f"{partner} is suspended. {self.sentence()}", link=page_of(partner), kind=self.kind)

    def fact(self, request: HttpRequest) -> Fact:
        """Say it on top of the partner's page, with a link to the lines."""
        claim = f" that claimed to be {self.partner}" if self.is_claimed else ""
        text = f"{self._number()} {self._noun()}{claim}{self._why()}"
        may = request.user.has_perm("audit.view_auditevent")
        name = "Refused claims" if self.is_claimed else "Refused"
        return Fact(name, list_link(AuditEvent, text, **self._lines()) if may else text)

    def trail_url(self) -> str:
        """Find the lines of those that were refused."""
        return list_url(AuditEvent, **self._lines())

    @property
    def kind(self) -> str:
        """Name this line of the overview, whatever it counts: see Need."""
        return f"refused {self.filters['actor']}"

    def _number(self) -> str:
        """Write ``3 of the last 5``, or ``3``, or ``20+``: no more than was looked at."""
        if self.of_last:
            return f"{self.refused} of the last {self.of}"
        return f"{self.refused}{'' if self.refused < LOOKED_AT else '+'}"

    def _noun(self) -> str:
        return "call" if (self.of if self.of_last else self.refused) == 1 else "calls"

    def _verb(self) -> str:
        return "was" if self.refused == 1 else "were"

    def _why(self) -> str:
        """Name the two most frequent reasons: one alone may hide what is wrong."""
        found = self.reasons.most_common(2)
        most = "most of them" if 2 * found[0][1] > self.refused else "most often"
        named = ", then ".join(reason.replace("_", " ") for reason, _ in found)
        settled = f" ({self.settled} more for what is settled since)" if self.settled else ""
        return f"{'' if self.refused == 1 else f', {most}'}: {named}{settled}"

    def _lines(self) -> dict[str, str]:
        found = self.filters | {"outcome__exact": REFUSED}
        if self.since is None:
            return found
        since = self.since.astimezone(UTC)
        return found | {"at_from_0": f"{since:%Y-%m-%d}", "at_from_1": f"{since:%H:%M:%S.%f}"}


class RefusedCalls(NamedTuple):
    """Holds a partner's refused calls. Claims are apart: they must neither hide nor discredit its own."""

    proven: Look
    claimed: Look

    def many(self) -> list[Look]:
        """List what somebody should look at."""
        return [look for look in self if look.are_many()]

    def facts(self, request: HttpRequest) -> list[Fact]:
        """Say both on top of the partner's page; nothing of what was not refused."""
        return [look.fact(request) for look in self if look.reasons]


def refused_calls(
    kind: str,
    name: str,
    among: QuerySet[AuditEvent],
    *,
    every_call: bool,
    unsettled: Unsettled = list,
    **filters: str,
) -> RefusedCalls:
    """Look at the newest lines of ``kind:name``, and of who claimed to be it: by two short reads of an index.

    ``among`` are the lines that may be calls of such a partner, ``filters`` those of the trail's list that find them.
    ``every_call``: each call has one line there, so that "of the last 20" is true. ``unsettled`` chooses those of the
    refused lines whose reason holds still.
    """

    def look(actor: str, *, is_claimed: bool, beside: int = 0) -> Look:
        found = newest_lines(among, actor)
        refused = [line for line in found if line.outcome == REFUSED]
        left = unsettled(refused)
        reasons, since = Counter(line.reason for line in left), min((line.at for line in left), default=None)
        of_last, own = every_call and not is_claimed, filters | {"actor": actor}
        settled = len(refused) - len(left)
        details = [line.detail for line in left]
        return Look(name, is_claimed, reasons, since, len(found) + beside, of_last, own, settled, details)

    proven = look(f"{kind}:{name}", is_claimed=False)
    # A few claims beside many calls that are its own are no trouble.
    return RefusedCalls(proven, look(f"{UNPROVEN}{name}", is_claimed=True, beside=proven.of))


def newest_lines(among: QuerySet[AuditEvent], actor: str) -> list[AuditEvent]:
    """Find what an actor did lately, as far as it is looked at."""
    lines = among.filter(at__gte=timezone.now() - LATELY, actor=actor).order_by("-pk")
    return list(lines.only("outcome", "reason", "at", "detail")[:LOOKED_AT])
