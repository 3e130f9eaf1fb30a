"""Makes, rotates, retires and reveals signing secrets."""

import base64
import hmac
import secrets as random_secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Least
from django.utils import timezone

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict, Invalid
from credservice.crypto import digest, seal
from credservice.http.webhook_signatures import PREFIX, check_secret
from credservice.keys.models import SigningSecret, SigningSecretSet

GENERATED_BYTES = 32
MIN_ENTERED_BYTES = 24
DEFAULT_OVERLAP = timedelta(hours=24)


def generate_secret(
    *, secret_set: SigningSecretSet, actor: str, overlap: timedelta = DEFAULT_OVERLAP
) -> tuple[SigningSecret, str]:
    """Make a new current secret of 32 random bytes; returns it and its text (in the set's form), shown this once.

    The one before stays good for ``overlap``; zero ends it at once ("leaked").
    """
    text = random_text(secret_set)
    return _install(secret_set, text, generated=True, actor=actor, overlap=overlap), text


def enter_secret(
    *, secret_set: SigningSecretSet, text: str, actor: str, overlap: timedelta = DEFAULT_OVERLAP
) -> SigningSecret:
    """Make a partner's secret the new current one. Raises :class:`Invalid` under 24 bytes or where it is not random."""
    text = text.strip()
    _check_text(secret_set, text)
    return _install(secret_set, text, generated=False, actor=actor, overlap=overlap)


def enter_secret_once(
    *, secret_set: SigningSecretSet, text: str, actor: str, overlap: timedelta = DEFAULT_OVERLAP
) -> tuple[SigningSecret, bool]:
    """Enter a secret, where it is not the current one already; tells whether it is new.

    Raises :class:`Conflict` for one that was replaced since, perhaps because it leaked.
    """
    with transaction.atomic():
        SigningSecretSet.objects.select_for_update().get(pk=secret_set.pk)
        known = secrets_of_text(secret_set, text.strip())
        if not known:
            return enter_secret(secret_set=secret_set, text=text, actor=actor, overlap=overlap), True
        current = [secret for secret in known if secret.state == SigningSecret.State.CURRENT]
        if not current:
            raise Conflict("This secret was replaced here since; it is not brought back.")
        return current[0], False


def secrets_of_text(secret_set: SigningSecretSet, text: str) -> list[SigningSecret]:
    """Find those of the set that have this text, or had it before it was erased."""
    return [secret for secret in secret_set.secrets.order_by("-created_at") if is_text_of(secret, text)]


def random_text(secret_set: SigningSecretSet) -> str:
    """Make 32 random bytes: in base64url, or with the prefix and alphabet of Standard Webhooks where the set is of
    those."""
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
            "Make one with: openssl rand -base64 32"
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
        record(Line.about(secret, "signing_secret.retired", actor))
    secret.refresh_from_db()


def reveal_secret(*, secret: SigningSecret, actor: str, reason: str) -> str:
    """Return the secret's text, for a person who says why. Raises :class:`Invalid` without a reason."""
    if len(reason.strip()) < 3:
        raise Invalid("Say why the secret is revealed; the reason is kept in the audit trail.")
    if secret.sealed is None:
        raise Conflict("The text of this secret was erased after its end.")
    with transaction.atomic():
        record(Line.about(secret, "signing_secret.revealed", actor, {"why": reason.strip()}))
        return secret.open().decode()


def erase_ended_secrets(*, actor: str) -> None:
    """Erase the texts of secrets that have ended long enough ago; their hints stay."""
    long_ago = timezone.now() - timedelta(days=settings.ERASE_ENDED_DAYS)
    states = [SigningSecret.State.PREVIOUS, SigningSecret.State.RETIRED]
    ended = SigningSecret.objects.filter(state__in=states, ends_at__lte=long_ago, sealed__isnull=False)
    with transaction.atomic():
        _erase(
            list(ended.select_for_update(skip_locked=True)), actor, why=f"ended {settings.ERASE_ENDED_DAYS} days ago"
        )


def is_text_of(secret: SigningSecret, text: str) -> bool:
    """Tell if this is a secret's text, or was before that was erased."""
    if secret.sealed is None:
        return secret.hint == fingerprint(text)
    return hmac.compare_digest(secret.open(), text.encode())


def fingerprint(text: str) -> str:
    """Make twelve characters that tell secrets apart. Keyed: whoever reads them cannot try guesses at a secret."""
    return digest(text, "signing secret hint")[4:10].hex()


def _install(
    secret_set: SigningSecretSet, text: str, *, generated: bool, actor: str, overlap: timedelta
) -> SigningSecret:
    now, leaked = timezone.now(), list[SigningSecret]()
    with transaction.atomic():
        SigningSecretSet.objects.select_for_update().get(pk=secret_set.pk)
        current = secret_set.secrets.filter(state=SigningSecret.State.CURRENT)
        if overlap > timedelta(0):
            # An end that is set already is never extended.
            current.update(state=SigningSecret.State.PREVIOUS, ends_at=Least(F("ends_at"), Value(now + overlap)))
        else:
            # Leaked: older previous ones go as well, nobody knows which of them was meant.
            states = [SigningSecret.State.CURRENT, SigningSecret.State.PREVIOUS]
            leaked = list(secret_set.secrets.filter(state__in=states))
            secret_set.secrets.filter(state__in=states).update(state=SigningSecret.State.RETIRED, ends_at=now)
            _erase(leaked, actor, why="leaked")
        secret = SigningSecret(secret_set=secret_set, generated=generated, hint=fingerprint(text))
        secret.sealed = seal(text.encode(), secret.place)
        secret.save(force_insert=True)
        detail: dict[str, object] = {"overlap_seconds": int(overlap.total_seconds())}
        if leaked:
            detail["leaked"] = [each.hint for each in leaked]
        record(Line.about(secret, "signing_secret.created", actor, detail))
    return secret


def _erase(secrets: list[SigningSecret], actor: str, why: str) -> None:
    SigningSecret.objects.filter(pk__in=[secret.pk for secret in secrets]).update(sealed=None)
    for secret in secrets:
        record(Line.about(secret, "signing_secret.erased", actor, {"why": why}))
