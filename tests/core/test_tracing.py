"""Say where traces cannot be sent. The traces: tests/e2e/test_traces.py."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from credservice.core import tracing


def test_without_a_tracer_there_is_no_span_and_no_header():
    with tracing.span("anything", "client", of__it=1) as made:
        assert made is None
    assert tracing.carried() == {}


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(tracing, "find_spec", lambda _: None)
    with pytest.raises(ImproperlyConfigured, match=r"pip install 'credservice\[tracing\]'"):
        tracing.require("https://collector.example.com")
