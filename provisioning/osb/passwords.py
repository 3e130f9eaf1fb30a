"""Makes, enters and ends the passwords of a platform. A new one leaves the one before good for a while."""

import hmac
import secrets
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from credservice.audit import Line, record
from credservice.core.ago import ago
from credservice.core.exceptions import Conflict, Invalid
from credservice.core.last_used import LastUses
from credservice.crypto import digest
from provisioning.models import Marketplace
from provisioning.osb import PROTOCOL
from provisioning.osb.models import BrokerPassword

GENERATED_BYTES = 32
LEAST_CHARACTERS, MOST_CHARACTERS = 32, 255
DEFAULT_OVERLAP = timedelta(hours=24)
LATELY = timedelta(hours=24)
last_uses = LastUses("osb_brokerpassword")


def make_password(
    *, marketplace: Marketplace, actor: str, overlap: timedelta = DEFAULT_OVERLAP
) -> tuple[BrokerPassword, str]:
    """Make a password of 32 random bytes; returns it with its text, which is shown this once.

    The one before stays good for ``overlap``, and the one before that ends; zero ends both ("leaked").
    """
    text = secrets.token_urlsafe(GENERATED_BYTES)
    return _install(marketplace, text, actor, overlap), text


def enter_password(
    *, marketplace: Marketplace, text: str, actor: str, overlap: timedelta = DEFAULT_OVERLAP
) -> BrokerPassword:
    """Make a password that was generated elsewhere the newest one. Raises Invalid for one that is not random."""
    check_text(text)
    return _install(marketplace, text, actor, overlap)


def enter_password_once(
    *, marketplace: Marketplace, text: str, actor: str, overlap: timedelta = DEFAULT_OVERLAP
) -> tuple[BrokerPassword, bool]:
    """Enter a password, where it is not the newest one already; tells whether it is new.

    Raises Conflict for one that was replaced since, perhaps because it leaked.
    """
    with transaction.atomic():
        Marketplace.objects.select_for_update().get(pk=marketplace.pk)
        known = BrokerPassword.objects.filter(marketplace=marketplace, digest=digest_of(text)).first()
        if known is None:
            return enter_password(marketplace=marketplace, text=text, actor=actor, overlap=overlap), True
        if known.ends_at is not None:
            raise Conflict("This password was replaced here since; it is not brought back.")
        return known, False


def check_text(text: str) -> None:
    """Raise Invalid for a password that could be guessed, since we keep no slow hash of it, or not be sent."""
    sound = LEAST_CHARACTERS <= len(text) <= MOST_CHARACTERS and text.isascii() and text.isprintable()
    if not sound or len(set(text)) < 8:
        raise Invalid(
            f"The password must have {LEAST_CHARACTERS} to {MOST_CHARACTERS} printable ASCII characters of random text."
            " Make one with: openssl rand -base64 32"
        )


def end_password(*, password: BrokerPassword, actor: str) -> None:
    """End a password now. Repeating it is harmless."""
    now = timezone.now()
    with transaction.atomic():
        if BrokerPassword.objects.live(now).filter(pk=password.pk).update(ends_at=now):
            record(Line.about(password, "broker_password.ended", actor))


def ended_by_a_new_one(marketplace: Marketplace, overlap: timedelta) -> QuerySet[BrokerPassword]:
    """Find those that a new password ends now: one before the present one, and without an overlap that as well."""
    live = BrokerPassword.objects.live().filter(marketplace=marketplace)
    return live.filter(ends_at__isnull=False) if overlap else live


def foretell_end(passwords: QuerySet[BrokerPassword]) -> str:
    """Tell what the end of these would have refused; nothing where none has let the platform in lately."""
    used = passwords.filter(last_used_at__gte=timezone.now() - LATELY).order_by("-last_used_at").first()
    if used is None or used.last_used_at is None:
        return ""
    last = f"{ago(used.last_used_at)}, at {used.last_used_at:%Y-%m-%d %H:%M} UTC"
    return f"The password {used.hint} last let the platform in {last}. Calls with it are refused from now on."


def is_one_of(text: str, digests: list[bytes]) -> int | None:
    """Find which of these is the text's digest, by comparing all of them in constant time."""
    presented, found = digest_of(text), None
    for index, kept in enumerate(digests):
        if hmac.compare_digest(kept, presented):
            found = index
    return found


def digest_of(text: str) -> bytes:
    return digest(text, "broker-password")


def _install(marketplace: Marketplace, text: str, actor: str, overlap: timedelta) -> BrokerPassword:
    if marketplace.protocol_name != PROTOCOL:
        raise Invalid(f"{marketplace} speaks another protocol, which knows no password.")
    now = timezone.now()
    password = BrokerPassword(marketplace=marketplace, digest=digest_of(text), hint=_hint(text))
    with transaction.atomic():
        Marketplace.objects.select_for_update().get(pk=marketplace.pk)
        theirs = BrokerPassword.objects.filter(marketplace=marketplace)
        # An end that is set already comes now: two let the platform in, and never three.
        theirs.live(now).filter(ends_at__isnull=False).update(ends_at=now)
        ends_at = now + overlap
        before = theirs.filter(ends_at__isnull=True).update(ends_at=ends_at)
        try:
            with transaction.atomic():
                password.save(force_insert=True)
        except IntegrityError:
            raise Conflict("This password was used before. Make another one.") from None
        detail: dict[str, object] = {"overlap_seconds": int(overlap.total_seconds())}
        if before:
            detail["one_before_ends_at"] = ends_at.isoformat()
        record(Line.about(password, "broker_password.created", actor, detail))
    return password


def _hint(text: str) -> str:
    return digest(text, "broker password hint")[4:10].hex()
