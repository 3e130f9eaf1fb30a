"""Making, rotating, retiring and revealing signing secrets."""

import base64
import secrets as random_secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Least
from django.utils import timezone

from credservice.audit import record
from credservice.crypto import digest, seal
from credservice.exceptions import Conflict, Invalid
from credservice.issuers.webhook.signing import PREFIX, check_secret
from credservice.keys.models import SigningSecret, SigningSecretSet

GENERATED_BYTES = 32
MIN_ENTERED_BYTES = 24
DEFAULT_OVERLAP = timedelta(hours=24)


def generate_secret(
    *, secret_set: SigningSecretSet, actor: str, overlap: timedelta = DEFAULT_OVERLAP
) -> tuple[SigningSecret, str]:
    """A new current secret of 32 random bytes, and its text (in the set's form), which is shown this once.

    The one before stays good for ``overlap``; zero ends it at once ("leaked").
    """
    text = random_text(secret_set)
    return _install(secret_set, text, generated=True, actor=actor, overlap=overlap), text


def enter_secret(
    *, secret_set: SigningSecretSet, text: str, actor: str, overlap: timedelta = DEFAULT_OVERLAP
) -> SigningSecret:
    """A partner's secret as the new current one. Raises :class:`Invalid` under 24 bytes or where it is not random."""
    text = text.strip()
    _check_text(secret_set, text)
    return _install(secret_set, text, generated=False, actor=actor, overlap=overlap)


def random_text(secret_set: SigningSecretSet) -> str:
    """32 random bytes: in base64url; with the prefix and alphabet of Standard Webhooks where the set is of those."""
    if secret_set.form == SigningSecretSet.Form.WEBHOOK:
        return PREFIX + base64.b64encode(random_secrets.token_bytes(GENERATED_BYTES)).decode()
    return random_secrets.token_urlsafe(GENERATED_BYTES)


def _check_text(secret_set: SigningSecretSet, text: str) -> None:
    if secret_set.form == SigningSecretSet.Form.WEBHOOK:
        try:
            check_secret(text)
        except ValueError as error:
            raise Invalid(f"The signing secret {error}.") from None
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise Invalid("The signing secret holds a character that is none.") from None
    if size < MIN_ENTERED_BYTES or len(set(text)) < 8:
        raise Invalid(
            f"The signing secret must have at least {MIN_ENTERED_BYTES} bytes of random text; this one has {size}. "
            "Generate one here, or with: openssl rand -base64 32"
        )


def retire_secret(*, secret: SigningSecret, actor: str) -> None:
    """End a pending or previous secret now. Raises :class:`Conflict` for the current one."""
    with transaction.atomic():
        SigningSecretSet.objects.select_for_update().get(pk=secret.secret_set_id)
        secret.refresh_from_db()
        if secret.state == SigningSecret.State.RETIRED:
            return
        if secret.state == SigningSecret.State.CURRENT:
            raise Conflict("This is the current secret. Make a new one first; this one then becomes the previous one.")
        SigningSecret.objects.filter(pk=secret.pk).update(state=SigningSecret.State.RETIRED, ends_at=timezone.now())
        _record("signing_secret.retired", secret, actor)
    secret.refresh_from_db()


def reveal_secret(*, secret: SigningSecret, actor: str, reason: str) -> str:
    """The secret's text, for a person who says why. Raises :class:`Invalid` without a reason."""
    if len(reason.strip()) < 3:
        raise Invalid("Say why the secret is revealed; the reason is kept in the audit trail.")
    with transaction.atomic():
        _record("signing_secret.revealed", secret, actor, why=reason.strip())
        return secret.open().decode()


def fingerprint(text: str) -> str:
    """Twelve characters that tell secrets apart. Keyed: whoever reads them cannot try guesses at an entered secret."""
    return digest(text, "signing secret hint")[4:10].hex()


def _install(
    secret_set: SigningSecretSet, text: str, *, generated: bool, actor: str, overlap: timedelta
) -> SigningSecret:
    now = timezone.now()
    with transaction.atomic():
        SigningSecretSet.objects.select_for_update().get(pk=secret_set.pk)
        current = secret_set.secrets.filter(state=SigningSecret.State.CURRENT)
        if overlap > timedelta(0):
            # An end that is set already is never extended.
            current.update(state=SigningSecret.State.PREVIOUS, ends_at=Least(F("ends_at"), Value(now + overlap)))
        else:
            # Leaked: older previous ones go as well, nobody knows which of them was meant.
            states = [SigningSecret.State.CURRENT, SigningSecret.State.PREVIOUS]
            secret_set.secrets.filter(state__in=states).update(state=SigningSecret.State.RETIRED, ends_at=now)
        secret = SigningSecret(secret_set=secret_set, generated=generated, hint=fingerprint(text))
        secret.sealed = seal(text.encode(), secret.place)
        secret.save(force_insert=True)
        _record("signing_secret.created", secret, actor, overlap_seconds=int(overlap.total_seconds()))
    return secret


def _record(action: str, secret: SigningSecret, actor: str, **detail: object) -> None:
    detail |= {"hint": secret.hint, "set": str(secret.secret_set_id)}
    record(action=action, actor=actor, object_type="signing_secret", object_id=secret.pk, detail=detail)
