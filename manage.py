#!/usr/bin/env python
"""Django's command line. Works beside `make run` with nothing exported: settings find what it keeps under var/."""

import sys

try:
    import django  # noqa: F401 - only to see whether it is there
except ModuleNotFoundError:
    sys.exit("This Python has no Django. Write: .venv/bin/python manage.py ... (`make run` makes .venv).")

from credservice.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
