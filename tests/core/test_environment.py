"""Settings from files: the value, and nothing that an editor or a shell has added to it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from credservice.core.environment import Environment, read_value

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ("PUBLIC_URL", "CONSOLE_URL", "ALLOWED_HOSTS", "VAULT_ADDR", "OUTGOING_ALLOWED_NETWORKS", "OUTGOING_CA")
SHOW = f"import json; from credservice import settings; print(json.dumps([getattr(settings, n) for n in {SETTINGS}]))"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"s3cret", "s3cret"),
        (b"s3cret\n", "s3cret"),
        (b"s3cret\r\n", "s3cret"),
        (b"\xef\xbb\xbfs3cret\n", "s3cret"),
        (b" s3cret \n", " s3cret "),
        (b"one\ntwo\n\n", "one\ntwo"),
        (b"\n", ""),
    ],
)
def test_a_value_ends_before_its_files_last_line_break(tmp_path, monkeypatch, content, value):
    (tmp_path / "value").write_bytes(content)
    monkeypatch.setenv("A_SETTING_FILE", str(tmp_path / "value"))
    assert read_value(tmp_path / "value") == value
    assert Environment().text("A_SETTING") == value


@pytest.mark.parametrize("begin", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_settings_from_files_are_what_the_files_line_says(tmp_path, begin, end):
    values = {
        "PUBLIC_URL": "https://credentials.example.com",
        "ALLOWED_HOSTS": "a.example.com,credentials.example.com",
        "VAULT_ADDR": "https://vault.example.com:8200",
        "OUTGOING_ALLOWED_NETWORKS": "10.0.0.0/8",
        "OUTGOING_CA": "-----BEGIN\n-----END",
    }
    environment = {"ENVIRONMENT": "production", "VAR_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
    for name, value in values.items():
        (tmp_path / name).write_bytes(f"{begin}{value}{end}".encode())
        environment[f"{name}_FILE"] = str(tmp_path / name)
    shown = subprocess.check_output([sys.executable, "-c", SHOW], cwd=ROOT, env=environment, text=True)
    assert json.loads(shown) == [
        "https://credentials.example.com",
        "https://credentials.example.com",
        ["a.example.com", "credentials.example.com"],
        "https://vault.example.com:8200",
        ["10.0.0.0/8"],
        "-----BEGIN\n-----END",
    ]


def test_texts_are_read_without_the_spaces_around_them(monkeypatch):
    monkeypatch.setenv("A_SETTING", " a.example.com, b.example.com ,")
    assert Environment().texts("A_SETTING", ["other"]) == ["a.example.com", "b.example.com"]


def test_an_empty_list_is_no_missing_one(monkeypatch):
    monkeypatch.setenv("A_SETTING", "")
    assert Environment().texts("A_SETTING", ["127.0.0.0/8"]) == []
    assert Environment().texts("ANOTHER_SETTING", ["127.0.0.0/8"]) == ["127.0.0.0/8"]


@pytest.mark.parametrize(
    ("written", "value"), [("true", True), ("Yes", True), ("1", True), ("false", False), ("0", False)]
)
def test_a_flag_is_read(monkeypatch, written, value):
    monkeypatch.setenv("A_SETTING", written)
    assert Environment().flag("A_SETTING", not value) is value


@pytest.mark.parametrize(
    ("read", "written", "sentence"),
    [
        (lambda env: env.flag("A_SETTING", True), "ture", "A_SETTING: write true or false"),
        (lambda env: env.flag("A_SETTING", True), "", "A_SETTING: write true or false"),
        (lambda env: env.number("A_SETTING", 1), "", "A_SETTING: invalid literal"),
        (lambda env: env.number("A_SETTING", 1, least=5), "4", "A_SETTING: 4 is less than 5"),
        (
            lambda env: env.texts("A_SETTING", among=("reveal", "bulk_revoke")),
            "reveal,all",
            "it takes reveal, bulk_revoke",
        ),
        (lambda env: env.json("A_SETTING", {}), "{hunter2", "A_SETTING: Expecting property name"),
        (lambda env: env.database("A_SETTING", ""), "mysql://u:hunter2@host/name", "A_SETTING cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told_and_not_quoted(monkeypatch, read, written, sentence):
    monkeypatch.setenv("A_SETTING", written)
    with pytest.raises(ImproperlyConfigured, match=sentence) as caught:
        read(Environment())
    assert "hunter2" not in str(caught.value)
