"""Marks what a trace shows of a request or a job: nothing, unless OTEL_EXPORTER_OTLP_ENDPOINT asks for traces.

Whoever has something to show calls :func:`span`. OpenTelemetry itself is in :mod:`credservice.core.spans`, which is
loaded only where it is asked for: the extra named ``tracing``.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import Any, Literal, Protocol

from django.core.exceptions import ImproperlyConfigured

from credservice.core.setting_forms import fault_of_url

Kind = Literal["server", "client", "internal", "consumer"]
Value = str | int


class Tracer(Protocol):
    """Makes spans: of OpenTelemetry's own type, which is not to be had where it is not installed."""

    def span(self, name: str, kind: Kind, attributes: Mapping[str, Value]) -> AbstractContextManager[Any]: ...

    def carried(self) -> Mapping[str, str]: ...


_tracer: Tracer | None = None


def require(endpoint: str) -> None:
    """Check that traces can be sent there. Raises ImproperlyConfigured."""
    if fault := fault_of_url(endpoint):
        raise ImproperlyConfigured(f"OTEL_EXPORTER_OTLP_ENDPOINT: {endpoint!r} {fault}.")
    if not _is_installed():
        raise ImproperlyConfigured(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, and what sends traces is not installed: "
            "pip install 'credservice[tracing]', or take it out."
        )


def _is_installed() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # of a package above it
        return False


def span(name: str, kind: Kind = "internal", **attributes: Value) -> AbstractContextManager[Any]:
    """Show the block in the trace, and yield its span; None where nothing is traced.

    Names and attributes are of the code or the set-up, never what somebody sent. ``__`` in the name of an attribute
    stands for a dot. Of an error its class is shown, never its text.
    """
    if _tracer is None:
        return nullcontext()
    return _tracer.span(name, kind, {key.replace("__", "."): value for key, value in attributes.items()})


def carried() -> Mapping[str, str]:
    """Return the headers that take the trace to whom we call (W3C Trace Context); none where there is no trace."""
    return {} if _tracer is None else _tracer.carried()


def use(tracer: Tracer) -> None:
    """Have spans made from now on: :func:`credservice.core.startup.start_tracing`."""
    global _tracer
    _tracer = tracer
