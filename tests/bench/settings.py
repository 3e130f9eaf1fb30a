"""The service's settings, with the benchmark's own routes beside its."""

from credservice.settings import *  # noqa: F403 - all of them

ROOT_URLCONF = "tests.bench.urls"
