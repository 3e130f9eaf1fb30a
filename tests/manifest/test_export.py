"""An export is a set-up file: applying it changes nothing, and on an empty database it makes the same again."""

import re
import stat
from datetime import datetime, timedelta, timezone

import pytest
import yaml
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from credservice.manifest.document import Problems, read
from credservice.manifest.inline import inline, placeholder
from credservice.manifest.json_values import json_value
from credservice.manifest.kinds import Duration, Moment, Number, Text
from exchange.models import EndUser, Grant, Installation, Integration, Platform
from provisioning.models import Marketplace, Product

# What PostgreSQL can keep.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=80)
NAMES = TEXTS.filter(lambda name: bool(name.strip()))
NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)
ZONES = st.integers(-720, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TRICKY = """\
policies:
  p: {issuer: static, options: {names: ["true", "1", "a: b", "# c"]}, lifetime: 90d, overlap: 36h, multiple: false}
platforms:
  mc:
    source_networks: [203.0.113.0/24, "2001:db8::/32"]
    requests_per_minute: 60
    timestamp_header: ""
    integrations:
      "007": {policy: p, active: false, response: {a: $credential.true, "b: c": "$$5 # {x}", "no": "null"}}
    end_users:
      "it's \\"quoted\\"": {name: "Zoë 🐻: # 'x' {y}", attributes: {"yes": "010", n: 1.5e-7, t: true, z: null}}
      "- leading": {external_id: "~", installations: {"a.b": {integration: "007", state: suspended}}}
marketplaces:
  mf:
    connector_url: http://localhost:3001/v1
    active: false
    trusted_keys: {k: {key: file:demo/masterkey.json, enabled: false, ends_at: 2027-01-31T01:00:00+01:00}}
"""


def _empty():
    for model in (Grant, Installation, EndUser, Integration, Platform, Product, Marketplace):
        model.objects.all().delete()


@pytest.mark.parametrize("text", [None, TRICKY], ids=["demo", "tricky"])
def test_applying_an_export_changes_nothing(commands, text):
    commands.apply(text) if text else commands.demo()
    assert commands.apply(commands.export()) == "Nothing to change.\n"


@pytest.mark.parametrize("text", [None, TRICKY], ids=["demo", "tricky"])
def test_an_export_makes_the_same_again(commands, text):
    commands.apply(text) if text else commands.demo()
    exported = commands.export()
    _empty()
    assert "Applied: " in commands.apply(exported)
    assert _uncommented(commands.export()) == _uncommented(exported)


def test_a_comment_stands_for_each_secret(demo):
    lines = [line.strip() for line in demo.export().splitlines()]
    assert "# signing_secret: env:MINDCLOUD_SIGNING_SECRET" in lines
    assert "# client_secret: env:MANIFOLD_CLIENT_SECRET" in lines
    assert "# grants: {int_abc123: {apiKey: env:MINDCLOUD_ENDUSER_456DEF_INT_ABC123_APIKEY_77BC5D2D}}" in lines


def test_a_comment_becomes_the_reference_once_its_sign_is_removed(demo, monkeypatch):
    exported = demo.export().replace("# signing_secret", "signing_secret")
    secret = (demo.folder / "demo" / "mindcloud-signing-secret").read_text()
    monkeypatch.setenv("MINDCLOUD_SIGNING_SECRET", secret)
    assert demo.apply(exported) == "Nothing to change.\n"


def test_no_two_secrets_have_one_name():
    paths = [
        *[(platform, "signing_secret") for platform in ("acme", "Acme", "ac-me", "ac_me", "ac.me")],
        *[("acme", user, "int_1", "apiKey") for user in ("user-7", "user_7", "USER_7", "user7")],
        *[("acme", "a", "b_c", "d"), ("acme", "a_b", "c", "d"), ("acme_a", "b", "c", "d"), ("acme", "a", "b", "c_d")],
    ]
    names = [placeholder(path) for path in paths]
    assert len(set(names)) == len(paths)
    assert all(re.fullmatch(r"env:[A-Z][A-Z0-9_]+", name) for name in names)


def test_narrower_grants_are_commented_as_well(demo):
    demo.apply("""\
platforms:
  mindcloud:
    end_users:
      enduser_456def:
        installations:
          install_xyz789:
            grant: {apiKey: file:demo/example-api-key}
""")
    name = "MINDCLOUD_ENDUSER_456DEF_INSTALL_XYZ789_INT_ABC123_APIKEY_3E44ED58"
    assert f"# grant: {{apiKey: env:{name}}}" in demo.export()


def test_sections_can_be_left_out(demo):
    exported = yaml.safe_load(demo.export("--without", "end_users", "--without", "marketplaces"))
    assert set(exported) == {"policies", "platforms"}
    assert set(exported["platforms"]["mindcloud"]) == {"default", "integrations"}


def test_an_empty_database_exports_no_more_than_the_header(commands):
    assert all(line.startswith("#") for line in commands.export().splitlines())


def test_it_writes_a_file_for_its_owner_alone(demo):
    assert demo.export("--output", "out.yaml") == ""
    assert (demo.folder / "out.yaml").read_text() == demo.export()
    assert stat.S_IMODE((demo.folder / "out.yaml").stat().st_mode) == 0o600
    assert not (demo.folder / "out.yaml.unfinished").exists()


def test_it_says_where_it_cannot_write(demo):
    with pytest.raises(CommandError, match=r"none/out\.yaml cannot be written: No such file or directory\."):
        call_command("export", "--output", "none/out.yaml")


@given(VALUES)
def test_any_value_is_read_as_it_was_written(value):
    assert json_value(_entries(f"key: {inline(value)}\n")["key"]) == value


@given(NAMES)
def test_any_name_is_read_as_it_was_written(name):
    assert Text().read(_entries(f"{inline(name)}: {inline(name)}\n")[name]) == name


@given(st.integers(0, 10**9))
def test_any_time_span_is_read_as_it_was_written(seconds):
    span = timedelta(seconds=seconds)
    assert _read_as(Duration(), span) == span


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**15), max_value=10**15))
def test_any_bound_is_read_as_it_was_written(bound):
    assert _read_as(Number(), bound) == bound


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=ZONES))  # noqa: DTZ001 - the strategy adds them
def test_any_moment_is_read_as_it_was_written(moment):
    assert _read_as(Moment(), moment) == moment


def _read_as(kind, value):
    return kind.read(_entries(f"key: {inline(kind.dump(value))}\n")["key"])


def _entries(text):
    root = read(text, Problems())
    assert root.entries is not None
    return root.entries


def _uncommented(text):
    return [line for line in text.splitlines() if not line.strip().startswith("#")]
