"""Refuses to start the service while something it needs is missing or weak. Each refusal says what to do.

``manage.py`` runs the settings checks before every command; :func:`refuse_unsound_start` runs all of them, with the
database, before the application server takes its first request.
"""

import ssl
import sys
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.checks import CheckMessage, Critical, Tags, Warning, register, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import ProgrammingError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from psycopg.errors import InsufficientPrivilege

from credservice.core import database_role, direct_database
from credservice.core.checkout import COMMAND, IS_CHECKOUT
from credservice.core.setting_forms import fault_of_host, fault_of_origin, fault_of_url
from credservice.core.startup import GRANT, MIGRATE, what_it_lacks
from credservice.crypto import SealError, store
from credservice.crypto.kek import KeyringError, KeyServiceError
from credservice.crypto.keyring import get_keyring
from credservice.crypto.models import DataKey, KekFingerprint
from credservice.http.client_address import parse_networks
from credservice.http.outgoing import tls_context
from credservice.issuers import get_issuer

SECRET_KEY_BYTES = 32
_SHOWN = 3
BIND = f"{COMMAND} bind_sealed"
EMERGENCY = "credservice.W010"  # told at each start: nobody looks for it before the day that it is needed
# Settings that list networks: the check's number and an example.
NETWORKS = {
    "TRUSTED_PROXIES": ("E005", "10.0.0.0/8"),
    "METRICS_NETWORKS": ("E005", "10.0.0.0/8"),
    "OUTGOING_ALLOWED_NETWORKS": ("E008", "10.1.2.0/24"),
}


class UnsoundStart(SystemExit):
    """The service does not start; the sentences have been printed."""


@register(Tags.security)
def check_secret_key(**_: Any) -> list[CheckMessage]:
    """Check the present key, and the earlier ones that are still accepted: they must be as good."""
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
    example = "ALLOWED_HOSTS=credentials.example.com"
    if not settings.ALLOWED_HOSTS:
        hint = f"List the host names that this service is reached by: {example}"
        return [_critical("E003", "ALLOWED_HOSTS is empty.", hint)]
    if "*" in settings.ALLOWED_HOSTS and settings.PRODUCTION:
        return [_critical("E003", "ALLOWED_HOSTS is * in production.", f"List the host names instead: {example}")]
    hosts = [host for host in settings.ALLOWED_HOSTS if host != "*"]
    return [
        _critical("E003", f"ALLOWED_HOSTS: {host!r} {fault}.", f"No request to it is answered. Such as: {example}")
        for host in hosts
        if (fault := fault_of_host(host.removeprefix(".")))  # .example.com is every name below it
    ]


@register(Tags.security)
def check_addresses(**_: Any) -> list[CheckMessage]:
    """Check the form of our own addresses: they reach partners in tokens and texts, and passkeys are bound to one."""
    judged = [(name, getattr(settings, name), fault_of_url) for name in ("PUBLIC_URL", "CONSOLE_URL")]
    judged += [("CSRF_TRUSTED_ORIGINS", origin, fault_of_origin) for origin in settings.CSRF_TRUSTED_ORIGINS]
    if settings.CONSOLE_URL == settings.PUBLIC_URL:
        del judged[1]  # told once
    hint = "Write it as a browser's address bar shows it, such as https://credentials.example.com"
    return [
        _critical("E014", f"{name}: {value!r} {fault}.", hint)
        for name, value, fault_of in judged
        if (fault := fault_of(value))
    ]


@register(Tags.security)
def check_database_url(**_: Any) -> list[CheckMessage]:
    """Refuse production on a database that nobody chose."""
    if settings.DATABASE_IS_CHOSEN or not settings.PRODUCTION:
        return []
    hint = "Set it to postgres://USER:PASSWORD@HOST:PORT/NAME"
    if IS_CHECKOUT and not settings.ENVIRONMENT_IS_CHOSEN:  # as beside a `make run` that keeps its state elsewhere
        hint += f". Or, for the service of `make run`, set VAR_DIR as it printed: {settings.VAR_DIR} holds none"
    return [_critical("E013", "DATABASE_URL is missing.", hint)]


@register(Tags.security)
def check_var_dir(**_: Any) -> list[CheckMessage]:
    """Refuse production on the folder in which an installed command happens to be typed."""
    if settings.VAR_DIR_IS_CHOSEN or not settings.PRODUCTION:
        return []
    hint = "Set it to a folder of the service's own, which outlives its processes: VAR_DIR=/var/lib/credservice"
    return [_critical("E019", "VAR_DIR is missing.", hint)]


@register(Tags.security)
def check_public_url(**_: Any) -> list[CheckMessage]:
    """Warn of a missing PUBLIC_URL. Not refused: a set-up that issues no JWT works without."""
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
    found: list[CheckMessage] = []
    for name, (number, example) in NETWORKS.items():
        try:
            parse_networks(tuple(getattr(settings, name)))
        except ValueError as error:
            found.append(_critical(number, f"{name}: {error}.", f"List networks in CIDR form: {name}={example}"))
    if not found and any(net.prefixlen == 0 for net in parse_networks(tuple(settings.OUTGOING_ALLOWED_NETWORKS))):
        sentence = "OUTGOING_ALLOWED_NETWORKS allows every address, so our own calls may reach any host inside."
        found.append(Warning(sentence, hint="Name the networks that our calls need.", id="credservice.W003"))
    return found


@register(Tags.security)
def check_outgoing_ca(**_: Any) -> list[CheckMessage]:
    try:
        tls_context(settings.OUTGOING_CA)
    except (ssl.SSLError, ValueError):
        hint = "Or name its file: OUTGOING_CA_FILE"
        return [_critical("E009", "OUTGOING_CA is no certificate in PEM form.", hint)]
    return []


@register(Tags.security)
def check_issuers(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias in settings.CREDENTIAL_ISSUERS:
        try:
            get_issuer(alias)
        except ImproperlyConfigured as error:
            found.append(_critical("E006", str(error), "See docs/writing-an-issuer.md."))
    return found


@register(Tags.database)
def check_keys_of_database(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Check that every data key opens under the configured keys, that each of these is the one that the database
    knows, and that the first one wraps."""
    if not databases:
        return []
    try:
        known = set(KekFingerprint.objects.values_list("kek_id", flat=True))
        for kek_id in get_keyring():
            if kek_id in known:
                store.register_fingerprint(get_keyring(), kek_id)
        for key_id, kek_id in DataKey.objects.values_list("pk", "kek_id"):
            store.find_kek(key_id, kek_id)  # of one that is open in memory, too: it may be wrapped anew since
            store.data_key(key_id)
        store.prove(get_keyring().current)
    except KeyServiceError as error:
        return [_critical("E010", f"{error}.", "Nothing has been changed. See docs/keys.md.")]
    except (KeyringError, SealError) as error:
        hint = "Put the missing key back into ENCRYPTION_KEYS; nothing has been changed."
        return [_critical("E007", f"{str(error).rstrip('.')}.", hint)]
    except ProgrammingError as error:
        if isinstance(error.__cause__, InsufficientPrivilege):
            return [_critical("E017", str(what_it_lacks(error)), "")]
        return [Warning("The database has no tables yet.", hint=MIGRATE, id="credservice.W001")]
    return []


@register(Tags.database)
def check_encoding(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Refuse a database that cannot hold, or does not know, the characters that names and hints are made of."""
    if not databases:
        return []
    connection.ensure_connection()
    encoding = connection.connection.info.parameter_status("server_encoding")
    if encoding == "UTF8":
        return []
    hint = "Make another one: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"
    return [_critical("E016", f"The database's encoding is {encoding}; it must be UTF8.", hint)]


@register(Tags.database)
def check_rights(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Find what the service's role may not do, such as with the tables of a new release."""
    found = database_role.missing() if databases else []
    if not found:
        return []
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return [_critical("E017", f"The database role lacks {', '.join(found[:_SHOWN])}{more}.", GRANT)]


@register(Tags.database)
def check_pooler(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn of what a pooler in between leaves to be set."""
    if not databases:
        return []
    connection.ensure_connection()
    if not connection.is_pooled:  # type: ignore[attr-defined] # of our backend
        return []
    found: list[CheckMessage] = []
    if not direct_database.is_chosen():
        sentence = (
            "DATABASE_URL leads to a pooler, so workers look for jobs every second instead of being told of them."
        )
        hint = "Set DATABASE_DIRECT_URL to the server's own address, for workers and migrate: docs/operating.md"
        found.append(Warning(sentence, hint=hint, id="credservice.W007"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout') = '0'")
        if cursor.fetchone()[0]:
            sentence = "DATABASE_URL leads to a pooler, through which the service limits no statement's time."
            hint = "Have the pooler limit it, such as by PgBouncer's connect_query: docs/operating.md"
            found.append(Warning(sentence, hint=hint, id="credservice.W008"))
    return found


@register(Tags.database)
def check_later_migrations(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn of a database that a later release has migrated. Not refused: that release may be taking over just now."""
    if not databases:
        return []
    try:
        loader = MigrationLoader(connection)
    except ProgrammingError:  # check_rights says so
        return []
    ours = {label for label, _ in loader.disk_migrations}
    later = sorted(name for name in loader.applied_migrations if name not in loader.graph.nodes and name[0] in ours)
    if not later:
        return []
    sentence = f"A later release has migrated the database ({later[-1][0]} {later[-1][1]})."
    hint = "It works with the release before it. Bring this process up to it; go no further back."
    return [Warning(sentence, hint=hint, id="credservice.W009")]


@register(Tags.security, deploy=True)
def check_row_bound(**_: Any) -> list[CheckMessage]:
    """Warn while values that are bound to their row alone are opened."""
    if not settings.ACCEPT_ROW_BOUND:
        return []
    sentence = "ACCEPT_ROW_BOUND opens what versions before 0.1.0 sealed, which is bound to its row and to no owner."
    hint = f"When no process of that version runs any more: {BIND}. Then take the setting out."
    return [Warning(sentence, hint=hint, id="credservice.W006")]


@register(Tags.database)
def check_binding(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Refuse a database from before 0.1.0 unless the settings accept how that version sealed, until it is bound."""
    try:
        if not databases or not DataKey.objects.exists() or store.has_begun_to_bind():
            return []
    except ProgrammingError:  # check_keys_of_database says so
        return []
    if settings.ACCEPT_ROW_BOUND:
        return check_row_bound()
    sentence = (
        "This database has no data key that binds values to their owner: "
        "a version before 0.1.0 made it, or that key is gone."
    )
    hint = (
        "After an upgrade from before 0.1.0 alone, set ACCEPT_ROW_BOUND=true for every process "
        f"until this has been run: {BIND}"
    )
    return [_critical("E018", sentence, hint)]


def check_chosen_mode() -> list[CheckMessage]:
    """Refuse a mode that nobody chose. For an application server alone: commands beside `make run` need no exports."""
    if settings.PRODUCTION or settings.ENVIRONMENT_IS_CHOSEN:
        return []
    sentence = f"{settings.VAR_DIR / 'development.env'} asks for development mode, and ENVIRONMENT is not set."
    return [_critical("E011", sentence, "Set ENVIRONMENT=production, or use `make run`, which sets it to development.")]


def check_static_files() -> list[CheckMessage]:
    """Check that every file of the console's pages is collected; for an application server in production.

    Not registered: the command that puts it right would be refused.
    """
    if not settings.PRODUCTION or not isinstance(staticfiles_storage, ManifestFilesMixin):
        return []
    ignored = apps.get_app_config("staticfiles").ignore_patterns
    names = {staticfiles_storage.clean_name(name) for finder in get_finders() for name, _ in finder.list(ignored)}
    missing = sorted(names - set(staticfiles_storage.hashed_files))
    if not missing:
        return []
    sentence = f"{len(missing)} of the console's static files are not in {settings.STATIC_ROOT}, such as {missing[0]}."
    return [_critical("E012", sentence, f"Run: {COMMAND} collectstatic --noinput")]


def check_migrations() -> list[CheckMessage]:
    """Check that the schema is this release's, or a later one's. Not registered, for the same reason."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not missing:
        return []
    first, _ = missing[0]
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    sentence = f"The database lacks what this release needs: the migration {first}{more}."
    return [_critical("E020", sentence, MIGRATE)]


def refuse_unsound_start(*, serving: bool = False, migrated: bool = True) -> None:
    """Run the settings and key checks; print what is wrong and exit where something is.

    ``serving``: with those for an application server. ``migrated``: where nothing migrates before it serves or works.
    """
    messages = run_checks(tags=[Tags.security]) + (check_chosen_mode() if serving else [])
    if not any(message.is_serious() for message in messages):
        # Later: a database that does not answer must not hide what the settings lack.
        messages = run_checks(tags=[Tags.database], databases=["default"])
        if migrated and not any(message.is_serious() for message in messages):
            messages += check_migrations()
        messages += check_static_files() if serving else []
    serious = [message for message in messages if message.is_serious()]
    for message in serious:
        sentence = f"credservice does not start ({message.id}): {message.msg} {message.hint or ''}"
        print(sentence.rstrip(), file=sys.stderr)
    if serious:
        raise UnsoundStart(3)
    for message in (message for message in messages if migrated and message.id == EMERGENCY):
        print(f"credservice starts, but ({message.id}): {message.msg} {message.hint}", file=sys.stderr)


def _critical(number: str, sentence: str, hint: str) -> CheckMessage:
    return Critical(sentence, hint=hint, id=f"credservice.{number}")
