"""Reads the settings from the environment, in one flat file. docs/configuration.md describes every name.

``NAME_FILE`` may be set instead of ``NAME``; its file's content is the value. ``make run`` keeps a development set-up
in ``$VAR_DIR/development.env``; without that file and without ``ENVIRONMENT`` the service is in production mode.
"""

from pathlib import Path

from credservice import __version__
from credservice.accounts.oidc.secret_name import aliases_of, secret_name
from credservice.core import logs, tracing
from credservice.core.checkout import HOME, IS_CHECKOUT
from credservice.core.environment import Environment, one_of, read_beside
from credservice.issuers.aliases import read_aliases

env = Environment()
VAR_DIR_IS_CHOSEN = bool(env.text("VAR_DIR")) or IS_CHECKOUT  # for credservice.checks
VAR_DIR = Path(env.text("VAR_DIR", str(HOME / "var"))).resolve()
ENVIRONMENT_IS_CHOSEN = bool(env.text("ENVIRONMENT"))  # and not only by a file that `make run` left: for the checks
# Production, where it is asked for, never lives on keys that `make run` left in its folder.
# Asked in this order: a restore drill in production may not look into the service's VAR_DIR.
if env.text("ENVIRONMENT", "development") == "development" and (VAR_DIR / "development.env").is_file():
    read_beside(VAR_DIR / "development.env")

# --- Mode and secrets: judged by credservice.checks ---------------------------------------------------------------

ENVIRONMENT = env.text("ENVIRONMENT", "production")
PRODUCTION = ENVIRONMENT != "development"
DEBUG = False
SECRET_KEY = env.secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.texts("SECRET_KEY_FALLBACKS")
ENCRYPTION_KEYS = env.secret("ENCRYPTION_KEYS")
# For its entries of the form ID:transit:MOUNT/KEYNAME; the names are those of Vault's own tools.
VAULT_ADDR = env.text("VAULT_ADDR")
VAULT_NAMESPACE = env.text("VAULT_NAMESPACE")
VAULT_CACERT = env.text("VAULT_CACERT")  # a file's path
one_of("VAULT_TOKEN")
VAULT_TOKEN_FILE = env.text("VAULT_TOKEN_FILE")  # read at each use: an agent renews it
VAULT_TOKEN = "" if VAULT_TOKEN_FILE else env.secret("VAULT_TOKEN")
ALLOWED_HOSTS = env.texts("ALLOWED_HOSTS")
# Networks of the proxies in front of us; only they may say, in X-Forwarded-For, for whom they speak.
TRUSTED_PROXIES = env.texts("TRUSTED_PROXIES")
# Who may read /metrics.
METRICS_NETWORKS = env.texts("METRICS_NETWORKS", ["127.0.0.0/8", "::1/128"])
WORKER_METRICS = env.text("WORKER_METRICS")  # ADDRESS:PORT where a worker tells what it counts itself
PUBLIC_URL = env.text("PUBLIC_URL").rstrip("/")
PUBLIC_URL_IS_CHOSEN = bool(PUBLIC_URL)  # for credservice.checks
PUBLIC_URL = PUBLIC_URL or "http://localhost:8000"
CONSOLE_URL = env.text("CONSOLE_URL", PUBLIC_URL).rstrip("/")  # passkeys are bound to its host

# --- Application ----------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "credservice",
    "credservice.crypto",
    "credservice.audit",
    "credservice.audit_chain",
    "credservice.keys",
    "credservice.credentials",
    "credservice.events",
    "credservice.limits",
    "credservice.statistics",
    "credservice.vendor_api",
    "exchange",
    "provisioning.manifold",  # before it: adds its part to the set-up file of marketplaces
    "provisioning.osb",
    "provisioning",
    "credservice.adminkit",
    "credservice.console",
    "credservice.accounts",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "credservice.console.apps.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "credservice.accounts.apps.AllauthAccountConfig",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "procrastinate.contrib.django",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "credservice.metrics.MetricsMiddleware",
    "credservice.http.context.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "credservice.http.probes.ProbesMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "credservice.console.middleware.ConsoleMiddleware",
    "credservice.accounts.middleware.AccountsMiddleware",
]

# Traces, by OpenTelemetry's own names; what else is of its SDK (OTEL_TRACES_SAMPLER, OTEL_BSP_...) that reads itself.
OTEL_EXPORTER_OTLP_ENDPOINT = env.text("OTEL_EXPORTER_OTLP_ENDPOINT")
OTEL_EXPORTER_OTLP_HEADERS = env.secret("OTEL_EXPORTER_OTLP_HEADERS")
# Seconds; less than the SDK's ten: so long may a collector that is away hold up the end of a process.
OTEL_EXPORTER_OTLP_TIMEOUT = env.number("OTEL_EXPORTER_OTLP_TIMEOUT", 3, least=1)
OTEL_SERVICE_NAME = env.text("OTEL_SERVICE_NAME", "credservice")
SPANS = "credservice.http.request_spans.RequestSpans"
if OTEL_EXPORTER_OTLP_ENDPOINT:
    tracing.require(OTEL_EXPORTER_OTLP_ENDPOINT)
    MIDDLEWARE.insert(0, SPANS)

ROOT_URLCONF = "credservice.urls"
WSGI_APPLICATION = "credservice.wsgi.application"
# The doors answer with and without a final slash; a redirect would drop a signed body.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,  # ours first: credservice is the first app
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["credservice.http.strict_json.StrictJSONParser"],
    "EXCEPTION_HANDLER": "credservice.http.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "credservice vendor API",
    "DESCRIPTION": "End users, grants and credentials, for the vendor's own systems. Make a token in the console.",
    "VERSION": __version__,  # the API's own is in its paths
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["credservice.vendor_api.schema.only_ours"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "credservice.vendor_api.schema.closed_bodies",
    ],
    "ENUM_NAME_OVERRIDES": {
        "CredentialState": "credservice.credentials.models.Credential.State",
        "SigningKeyState": "credservice.keys.models.SigningKey.State",
        "InstallationState": "exchange.models.Installation.State",
        "ResourceState": "provisioning.models.Resource.State",
        "ActiveState": "exchange.vendor_api.serializers.ACTIVE_OR_SUSPENDED",
    },
    # Its own pages and nothing from elsewhere: see credservice.vendor_api.pages.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False, "validatorUrl": None},
}

# Bodies of the doors are a few hundred bytes; the console's forms fit as well.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
# Of POST /api/v1/bulk, which is read in pieces: what REQUEST_SECONDS are enough for.
IMPORT_MAX_BYTES = env.number("IMPORT_MAX_BYTES", 16 * 1024 * 1024, least=64 * 1024)

# --- Issuers, and requests of our own to other people's servers ---------------------------------------------------

CREDENTIAL_ISSUERS = read_aliases(env.text("CREDENTIAL_ISSUERS", "{}"))
# The vendor's endpoints that provision resources, by alias: see docs/protocols/manifold.md.
PROVISIONERS = env.json("PROVISIONERS", {})
# After so many seconds a marketplace's request is answered with 202, and its work goes on; it waits for 60.
SYNCHRONOUS_SECONDS = env.number("SYNCHRONOUS_SECONDS", 20, least=1)
# Networks that our requests may go to though they are not public, and by plain http: see credservice.http.addresses.
_LOOPBACK = ["127.0.0.0/8", "::1/128"]
OUTGOING_ALLOWED_NETWORKS = env.texts("OUTGOING_ALLOWED_NETWORKS", [] if PRODUCTION else _LOOPBACK)
OUTGOING_CA = env.text("OUTGOING_CA")  # PEM of certificate authorities that we trust besides the system's

# So many days after the end of a credential or a signing secret its values are erased.
ERASE_ENDED_DAYS = env.number("ERASE_ENDED_DAYS", 30)

# Values that versions before 0.1.0 bound to their row alone are opened; until `bind_sealed` has sealed them anew.
ACCEPT_ROW_BOUND = env.flag("ACCEPT_ROW_BOUND", False)

# --- Audit trail ----------------------------------------------------------------------------------------------------

AUDIT_RETENTION_DAYS = env.number("AUDIT_RETENTION_DAYS", 0)  # whole sealed months older than this go; 0 keeps all
AUDIT_ANCHOR_FILE = env.text("AUDIT_ANCHOR_FILE")  # the chain's heads are added to it, a line each

# --- Events to the vendor -------------------------------------------------------------------------------------------

EVENT_EXPIRING_DAYS = env.number("EVENT_EXPIRING_DAYS", 14, least=1)
# An event is kept longer than a credential may be expiring, which is told once.
EVENT_LOG_DAYS = max(env.number("EVENT_LOG_DAYS", 30, least=4), EVENT_EXPIRING_DAYS + 1)

# --- Notices of what needs attention --------------------------------------------------------------------------------

NOTICE_EMAILS = env.texts("NOTICE_EMAILS")  # to whom; none switches them off
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM")
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.number("EMAIL_PORT", 587, least=1)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.secret("EMAIL_HOST_PASSWORD")
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL", False)  # from the first byte on, mostly at port 465
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", not EMAIL_USE_SSL)  # by STARTTLS
EMAIL_TIMEOUT = 10  # seconds

# --- Database -------------------------------------------------------------------------------------------------------

DATABASE_IS_CHOSEN = bool(env.text("DATABASE_URL"))  # for credservice.checks
_DATABASE = {
    "ENGINE": "credservice.core.postgresql",
    "CONN_MAX_AGE": env.number("DATABASE_CONN_MAX_AGE", 600),
    "DISABLE_SERVER_SIDE_CURSORS": True,
}
DATABASES = {"default": env.database("DATABASE_URL", "postgres:///credservice") | _DATABASE}
DATABASES["default"]["OPTIONS"]["server_side_binding"] = True
# Past a pooler, for what needs a session of its own: the worker's LISTEN, and migrate.
DIRECT_DATABASE = DATABASES["default"]
if env.text("DATABASE_DIRECT_URL"):
    DIRECT_DATABASE = env.database("DATABASE_DIRECT_URL", "") | _DATABASE
# So long a web process's statement may take, before the server ends it; 0 leaves that to the server's settings.
DATABASE_STATEMENT_SECONDS = env.number("DATABASE_STATEMENT_SECONDS", 20)
# Of the hot paths alone (credservice.core.hot_statements): psycopg would throw away all of a connection's with its own,
# at each ROLLBACK. None: where no pooler is in between, which may share a connection between its clients.
PREPARED_STATEMENTS = env.flag("DATABASE_PREPARED_STATEMENTS", None)
# For restore_drill: where it makes its scratch database, or what was restored already. The development server will do.
RESTORE_DATABASE = env.database("RESTORE_DATABASE_URL", "") if env.text("RESTORE_DATABASE_URL") else None
if RESTORE_DATABASE is None and not PRODUCTION:
    RESTORE_DATABASE = DATABASES["default"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Language, time, static files ---------------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
FORMAT_MODULE_PATH = ["credservice.console.formats"]
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(VAR_DIR / "static")))  # filled by collectstatic, only read afterwards
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- Sign-in and browsers -------------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
SESSION_COOKIE_AGE = env.number("SESSION_SECONDS", 8 * 3600, least=1)
SESSION_IDLE_SECONDS = env.number("SESSION_IDLE_SECONDS", 3600, least=60)
SESSION_ENGINE = "credservice.accounts.sessions"
# For so long a sign-in or a confirmation is good for set-up that lets somebody in, or shows a secret.
PROOF_SECONDS = env.number("PROOF_SECONDS", 600, least=60)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_NAME = "__Host-session" if PRODUCTION else "credservice-session"
CSRF_COOKIE_NAME = "__Host-csrf" if PRODUCTION else "credservice-csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = env.texts("CSRF_TRUSTED_ORIGINS")
# OpenID Connect: docs/sign-in.md. Each provider's client secret is in a variable of its own.
OIDC_PROVIDERS = env.json("OIDC_PROVIDERS", {})
OIDC_CLIENT_SECRETS = {alias: env.secret(secret_name(alias)) for alias in aliases_of(OIDC_PROVIDERS)}
OIDC_ONLY = env.flag("OIDC_ONLY", False)
EMERGENCY_ACCOUNT = env.text("EMERGENCY_ACCOUNT")  # the local account that may sign in all the same
SOCIALACCOUNT_ADAPTER = "credservice.accounts.oidc.adapter.SocialAdapter"
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"provider_class": "credservice.accounts.oidc.provider.ConsoleProvider"}}
# Of allauth only what an operator's sign-in needs: no sign-up, no mail.
REQUIRE_SECOND_FACTOR = env.flag("REQUIRE_SECOND_FACTOR", PRODUCTION)
ACCOUNT_ADAPTER = "credservice.accounts.adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_REAUTHENTICATION_TIMEOUT = min(300, PROOF_SECONDS)
ACCOUNT_RATE_LIMITS = False  # accounts.throttle counts, so that strangers keep no owner out
MFA_ADAPTER = "credservice.accounts.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1  # RFC 6238, 5.2: one step for the network and the typing; see accounts.codes
MFA_FORMS = {
    "authenticate": "credservice.accounts.forms.SignInCodeForm",
    "authenticate_webauthn": "credservice.accounts.forms.SignInPasskeyForm",
    "login_webauthn": "credservice.accounts.forms.PasskeySignInForm",
    "activate_totp": "credservice.accounts.forms.AppForm",
    "add_webauthn": "credservice.accounts.forms.PasskeyForm",
}
# Never in the database: Django unpickles what it reads, so that whoever writes there could run code here.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
SECURE_HSTS_SECONDS = env.number("HSTS_SECONDS", 31_536_000 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Redirecting to TLS and HSTS for neighbours' hosts are for the proxy in front to decide (docs/operating.md): a redirect
# would drop a signed body, and we do not know what else lives in the domain.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# A marketplace's users, who come by single sign-on: provisioning.sso.
RESOURCE_SESSION_SECONDS = env.number("RESOURCE_SESSION_SECONDS", 3600, least=1)
SSO_REQUESTS_PER_MINUTE = env.number("SSO_REQUESTS_PER_MINUTE", 120, least=1)

# --- Console -------------------------------------------------------------------------------------------------------

CSRF_FAILURE_VIEW = "credservice.console.middleware.csrf_failure"
# Acts that always need a second person: reveal, bulk_revoke. Others can be switched on in the console.
FOUR_EYES = env.texts("FOUR_EYES", among=("reveal", "bulk_revoke"))
UNFOLD = {
    "SITE_TITLE": "credservice",
    "SITE_HEADER": "credservice",
    "SITE_SUBHEADER": "Credentials for partner platforms",
    "SITE_SYMBOL": "key_vertical",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "ENVIRONMENT": "credservice.console.sidebar.environment",
    "DASHBOARD_CALLBACK": "credservice.console.dashboard.overview",
    "SIDEBAR": {"navigation": "credservice.console.sidebar.sidebar"},
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "credservice.console.theme.favicon"}],
    "STYLES": ["credservice.console.theme.stylesheet"],
    "SCRIPTS": [
        "credservice.console.theme.alpine",
        "credservice.console.theme.search_keys",
        "credservice.console.theme.copy",
        "credservice.console.theme.moments",
        "credservice.console.theme.field",
        "credservice.console.theme.unsaved",
        "credservice.console.theme.signed_out",
        "credservice.console.theme.overlays",
    ],
    "ACCOUNT": {"navigation": "credservice.console.theme.account"},
    # Tailwind's teal: apart from the green, orange and red of states.
    "COLORS": {
        "primary": {
            "50": "#f0fdfa",
            "100": "#ccfbf1",
            "200": "#99f6e4",
            "300": "#5eead4",
            "400": "#2dd4bf",
            "500": "#14b8a6",
            "600": "#0f766e",
            "700": "#115e59",
            "800": "#134e4a",
            "900": "#0f3d3a",
            "950": "#042f2e",
        }
    },
}

# --- Logs ------------------------------------------------------------------------------------------------------------

LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
LOGGING = logs.configure(LOG_LEVEL, json_lines=PRODUCTION)
