"""One path seals, one path opens: read from the source, so that a second one cannot slip in."""

import ast
import subprocess
import sys

import pytest
from django.apps import apps

from credservice.crypto.fields import SealedField
from tests.support.paths import ROOT

ROOMS = ("credservice", "exchange", "provisioning")
SOURCES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts]
CIPHERS = {"AESGCM", "AESGCMSIV", "AESCCM", "AESOCB3", "AESSIV", "ChaCha20Poly1305", "Cipher", "Fernet", "MultiFernet"}
SEALING = {"seal", "seal_values"}


def names_of(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            yield node.name.rpartition(".")[2]
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id


def places_with(names):
    return {str(path.relative_to(ROOT)) for path in SOURCES if names & set(names_of(path))}


def test_ciphers_are_used_in_two_files_only():
    assert places_with(CIPHERS) == {"credservice/crypto/envelope.py", "credservice/crypto/keyring.py"}


def test_values_are_sealed_and_opened_by_the_two_functions_only():
    assert places_with({"seal_with", "open_with"}) == {"credservice/crypto/__init__.py"}


def test_data_keys_are_taken_by_the_crypto_package_only():
    lookers_on = {"credservice/checks.py", "credservice/console/admin/data_keys.py"}
    users = places_with({"data_key", "current_key", "DataKey"}) - lookers_on
    assert {user for user in users if not user.startswith("credservice/crypto/")} == set()


def test_every_sealed_column_is_filled_by_sealing():
    fields = [field for model in apps.get_models() for field in model._meta.fields]
    columns = {field.name for field in fields if isinstance(field, SealedField)}
    assert columns >= {"sealed", "sealed_values", "sealed_client_secret"}
    assert [write for path in SOURCES for write in writes_around_sealing(path, columns)] == []


def writes_around_sealing(path, columns):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            pairs = [(target.attr, node.value) for target in targets if isinstance(target, ast.Attribute)]
        elif isinstance(node, ast.Call):
            pairs = [(keyword.arg, keyword.value) for keyword in node.keywords]
        else:
            continue
        for name, value in pairs:
            if name in columns and not is_sealing(value):
                yield f"{path.relative_to(ROOT)}:{node.lineno}: {name}"


def is_sealing(value):
    if isinstance(value, ast.IfExp):
        return is_sealing(value.body) and is_sealing(value.orelse)
    if isinstance(value, ast.Constant):
        return value.value is None
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in SEALING


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("row.sealed = seal(b'', p)", []),
        ("row.sealed = b'plain'", [1]),
        ("Row.objects.update(sealed=text)", [1]),
        ("Row(sealed=seal(b'', p) if x else None)", []),
    ],
)
def test_this_check_sees_a_second_path(tmp_path, monkeypatch, source, found):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "code.py").write_text(source)
    assert len(list(writes_around_sealing(tmp_path / "code.py", {"sealed"}))) == len(found)


@pytest.mark.parametrize("module", ["credservice.crypto", "credservice.issuers", "credservice.issuers.api_key"])
def test_it_imports_without_settings_and_apps(module):
    code = f"import {module}; from django.apps import apps; from django.conf import settings; " + (
        "assert not apps.ready and not settings.configured"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env={"PATH": ""})


@pytest.mark.parametrize("module", ["exchange.signatures.verify", "provisioning.manifold.signatures.verify"])
def test_signatures_import_without_settings_and_apps(module):
    test_it_imports_without_settings_and_apps(module)
