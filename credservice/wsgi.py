"""The application that a WSGI server loads: `gunicorn -c python:credservice.gunicorn credservice.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "credservice.settings")
application = get_wsgi_application()
