"""Makes, revokes and recognises service tokens."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.core.api_keys import hint, make_key
from credservice.core.exceptions import Conflict, Invalid, Unauthenticated
from credservice.core.last_used import LastUses
from credservice.core.names import fault_of_name
from credservice.crypto import digest
from credservice.http.client_address import is_within, parse_networks
from credservice.vendor_api.models import Scope, ServiceToken

PREFIX, ENVIRONMENT = "cst", "v1"
MAX_NAME = 128
CREATED = "service_token.created"
last_uses = LastUses("vendor_api_servicetoken")


def create_token(
    *,
    name: str,
    scopes: list[str],
    actor: str,
    expires_at: datetime | None = None,
    networks: list[str] | None = None,
) -> tuple[ServiceToken, str]:
    """Make a token; returns it with its text, which is shown this once. Raises :class:`Invalid`, :class:`Conflict`."""
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        raise Invalid(f"Unknown scope {unknown[0]!r}. " if unknown else "A token needs a scope. " + _known_scopes())
    if not 1 <= len(name) <= MAX_NAME or fault_of_name(name):
        raise Invalid(f"The name of a token {fault_of_name(name) or f'has 1 to {MAX_NAME} characters'}.")
    text = make_key(PREFIX, ENVIRONMENT)
    token = ServiceToken(name=name, scopes=sorted(set(scopes)), networks=networks or [], expires_at=expires_at)
    token.digest, token.hint = digest_of(text), hint(text)
    token.clean()
    with transaction.atomic():
        try:
            with transaction.atomic():
                token.save(force_insert=True)
        except IntegrityError:  # the constraint's word: of two at once, one is told
            raise Conflict(_taken(name)) from None
        record(Line.about(token, CREATED, actor))
    return token, text


def revoke_token(*, token: ServiceToken, actor: str) -> None:
    """End a token now. Repeating it is harmless."""
    with transaction.atomic():
        if ServiceToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now()):
            record(Line.about(token, "service_token.revoked", actor))


def authenticate(text: str, source: str | None) -> ServiceToken:
    """Find the token with this text, called from ``source``. Raises Unauthenticated with a reason for the trail."""
    token = ServiceToken.objects.filter(digest=digest_of(text)).first()
    if token is None:
        raise Unauthenticated("unknown_token")
    now = timezone.now()
    if token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now):
        raise Unauthenticated("ended_token")
    if token.networks and not is_within(source, parse_networks(tuple(token.networks))):
        raise Unauthenticated("token_from_other_network")
    last_uses.note(token.pk)
    return token


def live_tokens_made_by(actor: str) -> list[ServiceToken]:
    """Find the good tokens that somebody made, by the audit log: their text may have been kept."""
    made = AuditEvent.objects.filter(actor=actor, action=CREATED).values_list("object_id", flat=True)
    good = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return list(ServiceToken.objects.filter(good, pk__in=[UUID(pk) for pk in made], revoked_at=None))


def maker_of(token: ServiceToken) -> str:
    """Find who made a token, as the audit log names an actor; empty where its line is there no more."""
    lines = AuditEvent.objects.filter(object_id=str(token.pk), action=CREATED)
    return lines.values_list("actor", flat=True).first() or ""


def refuse_taken(name: str) -> None:
    """Raises :class:`Conflict` where a token that is not revoked has this name; a revoked one's may be used again."""
    if ServiceToken.objects.filter(name=name, revoked_at=None).exists():
        raise Conflict(_taken(name))


def _taken(name: str) -> str:
    return f"A token named {name!r} exists already. Choose another name, or revoke that one first."


def digest_of(text: str) -> bytes:
    return digest(text, "service-token")


def _known_scopes() -> str:
    return f"Known are: {', '.join(Scope.values)}."
