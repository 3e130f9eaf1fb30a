"""Keeps the set-up in one file: ``manage.py apply`` and ``manage.py export``. See docs/set-up-file.md."""
