"""Filters the list of credentials in the console."""

from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from credservice.adminkit.filters import StatesFilter
from credservice.adminkit.links import names_of
from credservice.core.ids import as_uuid, find_ours
from credservice.credentials.models import (
    FAILS_AFTER,
    STUCK_AFTER,
    Credential,
    CredentialQuerySet,
    last_retiring,
    stuck,
)

State, Outside = Credential.State, Credential.Outside
HAS_LEAKED = Q(leaked_at__isnull=False)
LEAKED_LIVE = (Q(state=State.ACTIVE) & HAS_LEAKED) | (HAS_LEAKED & last_retiring())
SUCCESSOR_COMES = Q(Exists(Credential.objects.filter(predecessor=OuterRef("pk"), state=State.PENDING)))
FORCED, LEAKED_FORCED = Q(outside=Outside.FORCED) & ~HAS_LEAKED, Q(outside=Outside.FORCED) & HAS_LEAKED
ENDING = Q(state=State.RETIRING, retires_at__lte=Now())
FAILED_LATELY = Q(state=State.FAILED, created_at__gte=Now() - timedelta(days=1))
WINDOW = timedelta(days=settings.EVENT_EXPIRING_DAYS)
ENDS_SOON = Q(state=State.ACTIVE, expires_at__lte=Now() + WINDOW)
NONE_FOLLOWS = ~Q(Exists(Credential.objects.unended().filter(line=OuterRef("line"))))
# It is handed out until it ends, and its line has nothing to go on with.
RETIRES_LAST = last_retiring() & ~Q(Exists(Credential.objects.filter(line=OuterRef("line"), state=State.PENDING)))
RETIRING = 1_000  # credentials that are looked at for those without a successor: a rotation of all makes a great many
EXPIRED_LAST = Q(state=State.EXPIRED, ended_at__gte=Now() - WINDOW) & NONE_FOLLOWS


def retiring_last() -> CredentialQuerySet:
    """Find what is handed out until it ends, without a successor, the soonest first: of those that retire soonest."""
    soonest = Credential.objects.filter(state=State.RETIRING, retires_at__gt=Now()).order_by("retires_at")[:RETIRING]
    return Credential.objects.filter(RETIRES_LAST, pk__in=soonest.values("pk")).order_by("retires_at")


class LinkedFilter(DropdownFilter):
    """Filters by what a link names; offered only where one led here, to be taken away again."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        value = (self.value() or "").strip()
        return [(value, self.name_of(value))] if value else []

    def name_of(self, value: str) -> str:
        """Name what was linked as a person would."""
        raise NotImplementedError


class SubjectFilter(LinkedFilter):
    title, parameter_name = "customer", "subject"

    def name_of(self, value: str) -> str:
        return names_of([value]).get(value, value)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        subject = (self.value() or "").strip()
        return queryset.filter(subject=subject) if subject else queryset


class StateFilter(StatesFilter):
    """Offers the states, and what may be left of those that have ended."""

    groups: ClassVar = {
        "may still work": Q(outside__in=Credential.UNCONFIRMED),
        "ended, may still work": Q(outside=Outside.OPEN),
        "leaked, may still work": Q(outside=Outside.LEAKED),
        "force-ended": FORCED,
        "leaked, force-ended": LEAKED_FORCED,
        "leaked, still handed out": LEAKED_LIVE & SUCCESSOR_COMES,
        "leaked, without a successor": LEAKED_LIVE & ~SUCCESSOR_COMES,
        "being ended": ENDING,
        "leaked, being ended": ENDING & HAS_LEAKED,
        "being ended, not leaked": ENDING & ~HAS_LEAKED,
        "failed since yesterday": FAILED_LATELY,
        "ends soon": ENDS_SOON,
        "handed out until it ends, without a successor": RETIRES_LAST,
        "expired lately, without a successor": EXPIRED_LAST,
    }


class StuckFilter(DropdownFilter):
    """Finds what keeps failing at an issuer: see Credential.is_stuck."""

    title, parameter_name = "trouble", "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Stuck"), ("failing", "Failing")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        attempts = {"yes": STUCK_AFTER, "failing": FAILS_AFTER}.get(self.value() or "")
        return queryset.filter(stuck(attempts)) if attempts else queryset


class LackingFilter(DropdownFilter):
    """Finds what was made before its policy had all the values that it has now."""

    title, parameter_name = "values", "values"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("lacking", "Lacks a value of its policy")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        assert isinstance(queryset, CredentialQuerySet)
        return queryset.lacking_values() if self.value() == "lacking" else queryset


class IssuerFilter(LinkedFilter):
    title, parameter_name = "issuer", "issuer"

    def name_of(self, value: str) -> str:
        return value

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        issuer = (self.value() or "").strip()
        return queryset.filter(policy__issuer=issuer) if issuer else queryset


class LineFilter(LinkedFilter):
    title, parameter_name = "versions of", "line"

    def name_of(self, value: str) -> str:
        first = find_ours(Credential.objects.select_related("policy"), value)
        return first.version_name() if first else value

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        line = (self.value() or "").strip()
        if not line:
            return queryset
        return queryset.filter(line=line) if as_uuid(line) else queryset.none()
