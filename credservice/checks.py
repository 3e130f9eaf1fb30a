"""What must be right before the service starts. Each refusal says what to do.

``manage.py`` runs the settings checks before every command; :func:`refuse_unsound_start` runs all of them, with the
database, before the application server takes its first request.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Critical, Tags, Warning, register, run_checks
from django.core.exceptions import ImproperlyConfigured

from credservice.crypto.keyring import KeyringError, KeyServiceError, get_keyring

SECRET_KEY_BYTES = 32


class UnsoundStart(SystemExit):
    """The service does not start; the sentences have been printed."""


@register(Tags.security)
def check_secret_key(**_: Any) -> list[CheckMessage]:
    """An earlier key that is still accepted must be as good as the present one."""
    try:
        secret_key = settings.SECRET_KEY
    except ImproperlyConfigured:
        secret_key = ""
    hint = f"Set it to at least {SECRET_KEY_BYTES} random bytes: openssl rand -base64 48"
    found: list[CheckMessage] = []
    if _is_weak(secret_key):
        found.append(_critical("E001", "SECRET_KEY is missing or weak.", hint))
    if any(_is_weak(earlier) for earlier in settings.SECRET_KEY_FALLBACKS):
        found.append(_critical("E001", "A key of SECRET_KEY_FALLBACKS is weak.", "Take it out of the list."))
    return found


def _is_weak(secret_key: str) -> bool:
    return (
        len(secret_key.encode()) < SECRET_KEY_BYTES
        or len(set(secret_key)) < 8
        or secret_key.startswith("django-insecure-")
    )


@register(Tags.security)
def check_encryption_keys(**_: Any) -> list[CheckMessage]:
    try:
        get_keyring()
    except KeyringError as error:
        return [_critical("E002", str(error), "See docs/configuration.md, ENCRYPTION_KEYS.")]
    return []


@register(Tags.security)
def check_allowed_hosts(**_: Any) -> list[CheckMessage]:
    if not settings.ALLOWED_HOSTS:
        return [
            _critical(
                "E003",
                "ALLOWED_HOSTS is empty.",
                "List the host names that this service is reached by: ALLOWED_HOSTS=credentials.example.com",
            )
        ]
    if "*" in settings.ALLOWED_HOSTS and settings.PRODUCTION:
        return [
            _critical(
                "E003",
                "ALLOWED_HOSTS is * in production.",
                "List the host names instead: ALLOWED_HOSTS=credentials.example.com",
            )
        ]
    return []


@register(Tags.security)
def check_database_url(**_: Any) -> list[CheckMessage]:
    """Production is never on a database that nobody chose."""
    if settings.DATABASE_IS_CHOSEN or not settings.PRODUCTION:
        return []
    return [_critical("E013", "DATABASE_URL is missing.", "Set it to postgres://USER:PASSWORD@HOST:PORT/NAME")]


@register(Tags.security)
def check_public_url(**_: Any) -> list[CheckMessage]:
    """Not refused: a set-up that issues no JWT works without."""
    if settings.PUBLIC_URL_IS_CHOSEN or not settings.PRODUCTION:
        return []
    sentence = f"PUBLIC_URL is not set, so JWTs name {settings.PUBLIC_URL} as their issuer, and texts as the address."
    hint = "Set it to the address that partners reach: PUBLIC_URL=https://credentials.example.com"
    return [Warning(sentence, hint=hint, id="credservice.W002")]


@register(Tags.security)
def check_environment(**_: Any) -> list[CheckMessage]:
    if settings.ENVIRONMENT not in ("production", "development"):
        return [_critical("E004", f"ENVIRONMENT is {settings.ENVIRONMENT!r}.", "Set it to production or development.")]
    return []


@register(Tags.security)
def check_networks(**_: Any) -> list[CheckMessage]:
    from credservice.http.client_address import parse_networks

    found: list[CheckMessage] = []
    for name in ("TRUSTED_PROXIES", "METRICS_NETWORKS"):
        try:
            parse_networks(tuple(getattr(settings, name)))
        except ValueError as error:
            found.append(_critical("E005", f"{name}: {error}.", f"List networks in CIDR form: {name}=10.0.0.0/8"))
    return found


@register(Tags.security)
def check_outgoing(**_: Any) -> list[CheckMessage]:
    import ssl

    from credservice.http.client_address import parse_networks
    from credservice.http.outgoing import tls_context

    found: list[CheckMessage] = []
    try:
        parse_networks(tuple(settings.OUTGOING_ALLOWED_NETWORKS))
    except ValueError as error:
        hint = "List networks in CIDR form: OUTGOING_ALLOWED_NETWORKS=10.1.2.0/24"
        found.append(_critical("E008", f"OUTGOING_ALLOWED_NETWORKS: {error}.", hint))
    try:
        tls_context(settings.OUTGOING_CA)
    except (ssl.SSLError, ValueError):
        found.append(
            _critical("E009", "OUTGOING_CA is no certificate in PEM form.", "Or name its file: OUTGOING_CA_FILE")
        )
    return found


@register(Tags.security)
def check_issuers(**_: Any) -> list[CheckMessage]:
    from credservice.issuers import get_issuer

    found: list[CheckMessage] = []
    for alias in settings.CREDENTIAL_ISSUERS:
        try:
            get_issuer(alias)
        except ImproperlyConfigured as error:
            found.append(_critical("E006", str(error), "See docs/writing-an-issuer.md."))
    return found


@register(Tags.database)
def check_keys_of_database(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Every data key opens under the configured keys, each of which is the one this database knows; the first one
    wraps."""
    from django.db import ProgrammingError

    from credservice.crypto import SealError, store
    from credservice.crypto.models import DataKey, KekFingerprint

    if not databases:
        return []
    try:
        known = set(KekFingerprint.objects.values_list("kek_id", flat=True))
        for kek_id in get_keyring():
            if kek_id in known:
                store.register_fingerprint(get_keyring(), kek_id)
        for key_id in DataKey.objects.values_list("pk", flat=True):
            store.data_key(key_id)
        store.prove(get_keyring().current)
    except KeyServiceError as error:
        return [_critical("E010", f"{error}.", "Nothing has been changed. See docs/keys.md.")]
    except (KeyringError, SealError) as error:
        return [
            _critical("E007", str(error), "Put the missing key back into ENCRYPTION_KEYS; nothing has been changed.")
        ]
    except ProgrammingError:
        hint = "Run: .venv/bin/python manage.py migrate"
        return [Warning("The database has no tables yet.", hint=hint, id="credservice.W001")]
    return []


def check_chosen_mode() -> list[CheckMessage]:
    """For an application server alone: commands beside `make run` work with nothing exported."""
    if settings.PRODUCTION or settings.ENVIRONMENT_IS_CHOSEN:
        return []
    sentence = f"{settings.VAR_DIR / 'development.env'} asks for development mode, and ENVIRONMENT is not set."
    return [_critical("E011", sentence, "Set ENVIRONMENT=production, or use `make run`, which sets it to development.")]


def check_static_files() -> list[CheckMessage]:
    """Every file that the console's pages may name is collected; for an application server in production.

    Not registered: the command that puts it right would be refused.
    """
    from django.apps import apps
    from django.contrib.staticfiles.finders import get_finders
    from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage

    if not settings.PRODUCTION or not isinstance(staticfiles_storage, ManifestFilesMixin):
        return []
    ignored = apps.get_app_config("staticfiles").ignore_patterns
    names = {staticfiles_storage.clean_name(name) for finder in get_finders() for name, _ in finder.list(ignored)}
    missing = sorted(names - set(staticfiles_storage.hashed_files))
    if not missing:
        return []
    sentence = f"{len(missing)} of the console's static files are not in {settings.STATIC_ROOT}, such as {missing[0]}."
    return [_critical("E012", sentence, "Run: .venv/bin/python manage.py collectstatic --noinput")]


def refuse_unsound_start(*, serving: bool = False) -> None:
    """Run the settings and key checks; print what is wrong and exit where something is.

    ``serving``: with those for an application server.
    """
    import sys

    messages = run_checks(tags=[Tags.security]) + (check_chosen_mode() if serving else [])
    if not any(message.is_serious() for message in messages):
        # Later: a database that does not answer must not hide what the settings lack.
        messages = run_checks(tags=[Tags.database], databases=["default"]) + (check_static_files() if serving else [])
    messages = [message for message in messages if message.is_serious()]
    if messages:
        for message in messages:
            print(
                f"credservice does not start ({message.id}): {message.msg} {message.hint or ''}".rstrip(),
                file=sys.stderr,
            )
        raise UnsoundStart(3)


def _critical(number: str, sentence: str, hint: str) -> CheckMessage:
    return Critical(sentence, hint=hint, id=f"credservice.{number}")
