"""An unsound set-up does not start: a number, a sentence that says what to do, no traceback, no secret."""

import base64
import json
import os
import subprocess
import sys

import pytest
from django.conf import settings as configured
from django.core.checks import CRITICAL, Tags, run_checks
from django.db import connection

from credservice import checks
from credservice.crypto.keyring import get_keyring
from tests.support.paths import ROOT

SECRET_KEY = "".join(map(chr, range(60, 120)))
KEK = base64.b64encode(bytes(range(1, 33))).decode()
SOUND = {
    "SECRET_KEY": SECRET_KEY,
    "ENCRYPTION_KEYS": f"k1:{KEK}",
    "ALLOWED_HOSTS": "credentials.example.com",
    "DATABASE_URL": "postgres://credservice@127.0.0.1:1/nothing",
    "PUBLIC_URL": "https://credentials.example.com",
}
STATIC = json.dumps({"mine": {"BACKEND": "credservice.issuers.static.StaticIssuer", "OPTIONS": {"token": "hunter2"}}})
OIDC = json.dumps(
    {"my-idp": {"name": "x", "issuer": "https://a.example.com", "client_id": "x", "roles": {"x": ["Operator"]}}}
)

# As settings read what is no text.
READ = {
    "ALLOWED_HOSTS": lambda text: [host for host in text.split(",") if host],
    "TRUSTED_PROXIES": lambda text: text.split(","),
    "METRICS_NETWORKS": lambda text: text.split(","),
    "SECRET_KEY_FALLBACKS": lambda text: text.split(","),
    "CSRF_TRUSTED_ORIGINS": lambda text: text.split(","),
    "CREDENTIAL_ISSUERS": json.loads,
    "OIDC_PROVIDERS": json.loads,
    "NOTICE_EMAILS": lambda text: text.split(","),
}
UNSOUND = [
    ({"SECRET_KEY": ""}, "E001", "SECRET_KEY is missing or weak. Set it to at least 32 random bytes: openssl rand"),
    ({"SECRET_KEY": "short-but-various"}, "E001", "SECRET_KEY is missing or weak."),
    ({"SECRET_KEY": "abab" * 20}, "E001", "SECRET_KEY is missing or weak."),
    ({"SECRET_KEY": f"django-insecure-{SECRET_KEY}"}, "E001", "SECRET_KEY is missing or weak."),
    ({"SECRET_KEY_FALLBACKS": "old-and-weak"}, "E001", "A key of SECRET_KEY_FALLBACKS is weak. Take it out"),
    ({"ENCRYPTION_KEYS": ""}, "E002", "ENCRYPTION_KEYS is empty. Set it to ID:KEY"),
    ({"ENCRYPTION_KEYS": KEK}, "E002", "An entry of ENCRYPTION_KEYS has no usable id. Write ID:KEY"),
    ({"ENCRYPTION_KEYS": "k1:c2hvcnQ="}, "E002", "Key 'k1' of ENCRYPTION_KEYS has 5 bytes; it needs exactly 32."),
    ({"ALLOWED_HOSTS": ""}, "E003", "ALLOWED_HOSTS is empty. List the host names that this service is reached by"),
    ({"ALLOWED_HOSTS": "*"}, "E003", "ALLOWED_HOSTS is * in production. List the host names instead"),
    (
        {"ALLOWED_HOSTS": '"credentials.example.com"'},
        "E003",
        "ALLOWED_HOSTS: '\"credentials.example.com\"' is in quotes",
    ),
    ({"ALLOWED_HOSTS": "a.example.com,https://b.example.com"}, "E003", "'https://b.example.com' is an address with a"),
    ({"ALLOWED_HOSTS": ".example.com,a.example.com:443"}, "E003", "'a.example.com:443' ends with a port"),
    (
        {"PUBLIC_URL": "credentials.example.com"},
        "E014",
        "PUBLIC_URL: 'credentials.example.com' must begin with https://",
    ),
    ({"CONSOLE_URL": "https://a.example.com:x"}, "E014", "CONSOLE_URL: 'https://a.example.com:x' is no address"),
    ({"CSRF_TRUSTED_ORIGINS": "https://*.a.example.com/"}, "E014", "CSRF_TRUSTED_ORIGINS: 'https://*.a.example.com/'"),
    ({"DATABASE_URL": ""}, "E013", "DATABASE_URL is missing. Set it to postgres://USER:PASSWORD@HOST:PORT/NAME"),
    ({"ENVIRONMENT": "staging"}, "E004", "ENVIRONMENT is 'staging'. Set it to production or development."),
    ({"TRUSTED_PROXIES": "10.0.0.0/8,proxy"}, "E005", "TRUSTED_PROXIES: 'proxy' is no network;"),
    ({"METRICS_NETWORKS": "x"}, "E005", "METRICS_NETWORKS: 'x' is no network; write an"),
    ({"CREDENTIAL_ISSUERS": '{"mine": {}}'}, "E006", "CREDENTIAL_ISSUERS names no issuer 'mine' with a BACKEND."),
    (
        {"CREDENTIAL_ISSUERS": STATIC},
        "E006",
        "CREDENTIAL_ISSUERS['mine']: StaticIssuer takes no OPTIONS: token See docs/writing-an-issuer.md.",
    ),
    (
        {"OIDC_PROVIDERS": OIDC},
        "E021",
        "OIDC_PROVIDERS['my-idp']: its client secret is missing: set OIDC_MY_IDP_CLIENT_SECRET, or",
    ),
    ({"NOTICE_EMAILS": "ops@example.com"}, "E022", "NOTICE_EMAILS is set, and EMAIL_HOST and EMAIL_FROM are missing."),
    ({"OIDC_PROVIDERS": "[]"}, "E021", "OIDC_PROVIDERS must be {"),
    ({"OIDC_ONLY": "true", "EMERGENCY_ACCOUNT": "a"}, "E021", "OIDC_ONLY is on, and OIDC_PROVIDERS names no provider"),
]


# For what root may and the service's user may not: reading everything.
UNPRIVILEGED = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []


def run(command, changes, tmp_path, prefix=()):
    environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path)} | SOUND | changes
    return subprocess.run(
        [*prefix, sys.executable, "-W", "ignore", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def url_of_the_test_database():
    base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    return f"{base}/{connection.settings_dict['NAME']}"


def collect(tmp_path, prefix=()):
    assert run(["manage.py", "collectstatic", "--noinput"], {}, tmp_path, prefix).returncode == 0


def check_refusal(done, status, number, sentence):
    assert done.returncode == status
    assert number in done.stderr
    assert sentence in " ".join(done.stderr.replace("HINT: ", "").split())
    assert "Traceback" not in done.stderr
    assert not any(secret in done.stderr + done.stdout for secret in (KEK, SECRET_KEY, "hunter2", "c2hvcnQ"))


@pytest.mark.parametrize(("changes", "number", "sentence"), {case[1]: case for case in UNSOUND}.values())
def test_the_server_does_not_start(changes, number, sentence, tmp_path):
    """One fault of each number; the others are told apart below."""
    done = run(["-c", "import credservice.wsgi"], changes, tmp_path)
    check_refusal(done, 3, f"credservice does not start (credservice.{number})", sentence)
    assert len(done.stderr.strip().splitlines()) == 1


def test_no_command_runs(tmp_path):
    changes, number, sentence = UNSOUND[0]
    check_refusal(run(["manage.py", "check"], changes, tmp_path), 1, f"credservice.{number}", sentence)


@pytest.mark.parametrize(("changes", "number", "sentence"), UNSOUND)
def test_each_fault_has_its_sentence(settings, monkeypatch, changes, number, sentence):
    for name, value in ({"ENVIRONMENT": "production", "PRODUCTION": True} | SOUND | changes).items():
        setattr(settings, name, READ.get(name, lambda value: value)(value))
    settings.PUBLIC_URL_IS_CHOSEN = True
    settings.DATABASE_IS_CHOSEN = changes.get("DATABASE_URL") != ""
    monkeypatch.setattr(checks, "get_keyring", get_keyring.__wrapped__)
    (found,) = run_checks(tags=[Tags.security])
    assert (found.id, found.level) == (f"credservice.{number}", CRITICAL)
    assert sentence in f"{found.msg} {found.hint}"


def test_every_fault_is_told_at_once(tmp_path):
    done = run(["-c", "import credservice.wsgi"], dict.fromkeys(SOUND, ""), tmp_path)
    assert sorted(line.split(")")[0][-4:] for line in done.stderr.splitlines()) == ["E001", "E002", "E003", "E013"]


@pytest.mark.parametrize(("chosen", "told"), [("", True), ("production", False)])
def test_who_means_the_service_of_make_run_is_told_of_its_folder(chosen, told, tmp_path):
    done = run(["manage.py", "check"], {"DATABASE_URL": "", "ENVIRONMENT": chosen}, tmp_path)
    sentence = f"for the service of `make run`, set VAR_DIR as it printed: {tmp_path} holds none"
    assert (done.returncode, sentence in done.stderr) == (1, told)


@pytest.mark.parametrize(("changes", "told"), [({}, False), ({"PUBLIC_URL": ""}, True)])
def test_production_without_its_address_is_warned(changes, told, tmp_path):
    done = run(["manage.py", "check"], changes, tmp_path)
    sentence = "credservice.W002) PUBLIC_URL is not set, so JWTs name http://localhost:8000 as their issuer"
    assert (done.returncode, sentence in done.stderr) == (0, told)


def test_gunicorn_gives_up_at_once(tmp_path):
    command = ["-m", "gunicorn", "-c", "python:credservice.gunicorn", "credservice.wsgi"]
    done = run(command, {"ENCRYPTION_KEYS": "", "PORT": "0"}, tmp_path)
    check_refusal(done, 3, "credservice does not start (credservice.E002)", "ENCRYPTION_KEYS is empty.")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (
            f"k1:{KEK}",
            "Key 'k1' of ENCRYPTION_KEYS is not the key that this database was sealed with: its fingerprint is",
        ),
        (f"k2:{KEK}", "is wrapped by key 'k1', which ENCRYPTION_KEYS does not name"),
    ],
    ids=["another key under a known id", "the known id is gone"],
)
def test_a_database_sealed_with_another_key_is_not_served(keys, sentence, tmp_path):
    changes = {"ENCRYPTION_KEYS": keys, "DATABASE_URL": url_of_the_test_database()}
    done = run(["-c", "import credservice.wsgi"], changes, tmp_path)
    check_refusal(done, 3, "credservice does not start (credservice.E007)", sentence)
    done = run(["manage.py", "check", "--database", "default"], changes, tmp_path)
    check_refusal(done, 1, "credservice.E007", sentence)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("keys", ["{}", f"{{}},k9:{KEK}"], ids=["as it was sealed", "and one not used yet"])
def test_a_sound_set_up_starts(keys, tmp_path):
    """In development: production wants the console's static files collected as well."""
    changes = {"ENVIRONMENT": "development", "DATABASE_URL": url_of_the_test_database()}
    changes |= {"ENCRYPTION_KEYS": keys.format(configured.ENCRYPTION_KEYS)}
    done = run(["-c", "import credservice.wsgi"], changes, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.django_db(transaction=True)
def test_the_console_is_served_with_all_its_files_alone(tmp_path):
    changes = {"ENCRYPTION_KEYS": configured.ENCRYPTION_KEYS, "DATABASE_URL": url_of_the_test_database()}
    collect(tmp_path)
    assert run(["-c", "import credservice.wsgi"], changes, tmp_path).returncode == 0
    manifest = tmp_path / "static" / "staticfiles.json"
    manifest.write_text(manifest.read_text().replace('"console/console.css"', '"console/of-an-earlier-release.css"'))
    refused = run(["-c", "import credservice.wsgi"], changes, tmp_path)
    check_refusal(refused, 3, "credservice.E012", "1 of the console's static files")
    assert "Run: .venv/bin/python manage.py collectstatic --noinput" in refused.stderr


def test_root_collects_the_consoles_files_for_every_user(tmp_path):
    """Also where it keeps its own files to itself."""
    collect(tmp_path, ["sh", "-c", 'umask 077; exec "$@"', "-"])
    found = [tmp_path / "static", *(tmp_path / "static").rglob("*")]
    assert any(path.suffix == ".gz" for path in found)
    assert not [path for path in found if path.stat().st_mode & 0o044 != 0o044]


def test_files_of_the_console_that_cannot_be_read_are_told(tmp_path):
    (tmp_path / "static").mkdir(mode=0)
    done = run(["-c", "import credservice.wsgi"], {}, tmp_path, UNPRIVILEGED)
    check_refusal(done, 3, "credservice does not start", f"may not open {tmp_path / 'static'}")


@pytest.mark.django_db(transaction=True)
def test_what_make_run_has_left_makes_no_server_a_trial(tmp_path):
    """Commands beside `make run` take the mode from its file; a server takes it from its environment alone."""
    (tmp_path / "development.env").write_text("ENVIRONMENT=development\n")
    changes = {"ENCRYPTION_KEYS": configured.ENCRYPTION_KEYS, "DATABASE_URL": url_of_the_test_database()}
    refused = run(["-c", "import credservice.wsgi"], changes, tmp_path)
    check_refusal(refused, 3, "credservice.E011", "Set ENVIRONMENT=production, or use `make run`")
    assert run(["manage.py", "check", "--database", "default"], changes, tmp_path).returncode == 0


def test_a_database_that_is_away_is_told(tmp_path):
    changes = {"DATABASE_URL": "postgres://user:hunter2@127.0.0.1:1/nothing"}
    done = run(["-c", "import credservice.wsgi"], changes, tmp_path)
    check_refusal(done, 3, "credservice does not start", "the database does not answer")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL is 'LOUD'. Set it to DEBUG, INFO, WARNING, ERROR or CRITICAL."),
        ({"DATABASE_CONN_MAX_AGE": "long"}, "A setting cannot be read: DATABASE_CONN_MAX_AGE: invalid literal"),
        ({"HSTS_SECONDS": "x"}, "A setting cannot be read: HSTS_SECONDS: invalid literal for int() with base 10: 'x'."),
        ({"SESSION_SECONDS": "-1"}, "A setting cannot be read: SESSION_SECONDS: -1 is less than 1."),
        ({"DATABASE_URL": "mysql://user:hunter2@host/name"}, "DATABASE_URL cannot be read. Write postgres://USER"),
        ({"DATABASE_URL": "postgress://user:hunter2@host/name"}, "DATABASE_URL cannot be read. Write postgres://USER"),
        ({"DATABASE_URL": "postgres://user:hunter2/3@host/name"}, "special characters of the password percent-encoded"),
        ({"DATABASE_URL": "postgres://user:x@hunter2/y@host:5432/name"}, "(@ is %40, / is %2F, ? is %3F, # is %23)"),
        (
            {"DATABASE_URL": "postgres://user:hunter2@host/name?pgbouncer=true"},
            "not know, 'pgbouncer'. Take it out",
        ),
        ({"DATABASE_URL": "postgres://user:hunter2@host/name?schema=public"}, "does not know, 'schema'. Take it out"),
        ({"DATABASE_URL": '"postgres://user:hunter2@host/name"'}, "DATABASE_URL: it is in quotes"),
        ({"PUBLIC_URL": '"https://credentials.example.com"'}, "PUBLIC_URL: it is in quotes, which are read as part of"),
        ({"AUDIT_ANCHOR_FILE": "'/var/log/heads'"}, "AUDIT_ANCHOR_FILE: it is in quotes"),
        ({"VAR_DIR": '"/var/lib/credservice"'}, "VAR_DIR: it is in quotes"),
        ({"PROVISIONERS": "'{}'"}, "PROVISIONERS: it is in quotes"),
        ({"ALLOWED_HOSTS_FILE": "/nonexistent"}, "ALLOWED_HOSTS and ALLOWED_HOSTS_FILE are both set."),
        ({"VAULT_TOKEN_FILE": "/a", "VAULT_TOKEN": "hunter2"}, "VAULT_TOKEN and VAULT_TOKEN_FILE are both set."),
        (
            {"SECRET_KEY": "", "SECRET_KEY_FILE": "/nonexistent"},
            "A setting cannot be read: SECRET_KEY_FILE: No such file or directory: /nonexistent.",
        ),
    ],
)
def test_a_setting_that_cannot_be_read_is_told(changes, sentence, tmp_path):
    check_refusal(run(["-c", "import credservice.wsgi"], changes, tmp_path), 3, "credservice does not start", sentence)
    assert run(["manage.py", "check"], changes, tmp_path).returncode == 2


@pytest.mark.parametrize("secret", [f"${SECRET_KEY}", "$PATH", f"\\${SECRET_KEY}", f'"{SECRET_KEY}"'])
def test_a_secret_is_taken_as_it_is(secret, tmp_path):
    """Also one that looks like another variable's name, or stands in quotes."""
    environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path)} | SOUND
    environment |= {"SECRET_KEY": secret, "DATABASE_URL": "postgres://u:$PATH@h/n"}
    show = "from credservice import settings as s; print([s.SECRET_KEY, s.DATABASES['default']['PASSWORD']])"
    shown = subprocess.check_output([sys.executable, "-c", show], cwd=ROOT, env=environment, text=True)
    assert shown == f"{[secret, '$PATH']}\n"


def test_a_secret_may_stand_in_a_file(tmp_path):
    (tmp_path / "keys").write_text("k1:c2hvcnQ=\n")
    done = run(
        ["-c", "import credservice.wsgi"],
        {"ENCRYPTION_KEYS": "", "ENCRYPTION_KEYS_FILE": str(tmp_path / "keys")},
        tmp_path,
    )
    check_refusal(done, 3, "E002", "Key 'k1' of ENCRYPTION_KEYS has 5 bytes")


def test_a_file_of_the_environment_wins_over_what_make_run_has_left(tmp_path):
    (tmp_path / "development.env").write_text("ENVIRONMENT=development\nENCRYPTION_KEYS=k1:bGVmdA==\n")
    (tmp_path / "keys").write_text("k2:c2hvcnQ=\n")
    changes = {"ENCRYPTION_KEYS": "", "ENCRYPTION_KEYS_FILE": str(tmp_path / "keys"), "ENVIRONMENT": "development"}
    check_refusal(run(["manage.py", "check"], changes, tmp_path), 1, "E002", "Key 'k2' of ENCRYPTION_KEYS has 5 bytes")


def test_production_takes_no_keys_that_make_run_has_left(tmp_path):
    (tmp_path / "development.env").write_text(f"SECRET_KEY={SECRET_KEY}\nENVIRONMENT=development\n")
    without = {name: value for name, value in SOUND.items() if name != "SECRET_KEY"}
    environment = without | {"ENVIRONMENT": "production", "VAR_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
    show = [sys.executable, "-c", "from credservice import settings; print(repr(settings.SECRET_KEY))"]
    assert subprocess.check_output(show, cwd=ROOT, env=environment, text=True) == "''\n"


def test_production_needs_no_look_into_the_state_of_another_user(tmp_path):
    """As for a restore drill, under an account of its own."""
    state = tmp_path / "state"
    state.mkdir(mode=0)
    changes = {"ENVIRONMENT": "production", "VAR_DIR": str(state)}
    done = run(["-c", "from credservice import settings"], changes, tmp_path, UNPRIVILEGED)
    assert (done.returncode, done.stderr) == (0, "")
