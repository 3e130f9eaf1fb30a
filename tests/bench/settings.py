"""The service's own settings, with one more route."""

from credservice.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.urls"
