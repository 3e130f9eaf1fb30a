"""Holds imports at the top of their files, where a reader looks for them, but for those that cannot be there."""

from fnmatch import fnmatch

from tests.structure.imports import imports_inside_functions

# File, imported module, and why it waits.
WAITING = [
    ("*/apps.py", "*", "Django reads these files before there are models"),
    ("credservice/wsgi.py", "*", "settings are loaded first, so that what is wrong with them ends in a sentence"),
    ("credservice/devserver/bootstrap.py", "credservice.checks", "Django is set up in the function"),
    ("credservice/__main__.py", "credservice.devserver", "production runs without the development server"),
    ("credservice/devserver/__main__.py", "*", "Ctrl-C is in order from the start, before anything large is loaded"),
    ("credservice/gunicorn.py", "*", "the server reads this file before there are settings"),
    ("credservice/crypto/__init__.py", "credservice.crypto", "sealing is importable without settings and apps"),
    ("credservice/crypto/kms/__init__.py", "*", "a client of a key service is memory and time at the start"),
    ("credservice/crypto/kms/aws.py", "botocore.*", "installed where AWS is used: the extra named aws"),
    (
        "credservice/core/startup.py",
        "credservice.core.spans",
        "installed where traces are sent: the extra named tracing",
    ),
]


def test_no_other_import_is_inside_a_function():
    others = [
        f"{file}: {module}"
        for file, module in imports_inside_functions()
        if not any(fnmatch(file, files) and fnmatch(module, modules) for files, modules, _ in WAITING)
    ]
    assert others == []


def test_the_list_names_nothing_that_is_gone():
    found = list(imports_inside_functions())
    for files, modules, _ in WAITING:
        assert any(fnmatch(file, files) and fnmatch(module, modules) for file, module in found), (files, modules)
