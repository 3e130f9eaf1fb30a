"""Makes OpenTelemetry's spans, of statements without being asked, and sends them by OTLP over HTTP.

No query string, body, parameter, row, header or text of an error is in them: what is shown of a request is its route,
of a statement its verb and table. Loaded only where traces are asked for.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.re import parse_env_headers

from credservice import __version__
from credservice.core import hot_statements, tracing
from credservice.core.hot_statements import HotStatement, Row
from credservice.core.tracing import Kind, Value

_KINDS = {
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
    "internal": trace.SpanKind.INTERNAL,
    "consumer": trace.SpanKind.CONSUMER,
}
_TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE|JOIN)\s+(?:ONLY\s+)?"?([a-z_][a-z0-9_]*)', re.IGNORECASE)
# Trace Context alone: what others put into "baggage" is not ours to pass on.
_propagator = TraceContextTextMapPropagator()


def begin() -> None:
    """Send spans from now on, in the background; and have statements make them, also on connections yet to come."""
    resource = Resource.create({"service.name": settings.OTEL_SERVICE_NAME, "service.version": __version__})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(
        endpoint=f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces",
        headers=parse_env_headers(settings.OTEL_EXPORTER_OTLP_HEADERS, liberal=True),
        timeout=settings.OTEL_EXPORTER_OTLP_TIMEOUT,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    connection_created.connect(_trace_statements, dispatch_uid="spans")
    hot_statements.session_class = _TracedSession
    tracing.use(_Tracer(provider.get_tracer("credservice", __version__)))


class _Tracer:
    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def span(self, name: str, kind: Kind, attributes: Mapping[str, Value]) -> Iterator[trace.Span]:
        with self._tracer.start_as_current_span(
            name,
            kind=_KINDS[kind],
            attributes=attributes,
            # Both would write the error's text, which may quote a row or a value.
            record_exception=False,
            set_status_on_exception=False,
        ) as made:
            try:
                yield made
            except Exception as error:
                made.set_attribute("error.type", type(error).__qualname__)
                made.set_status(trace.StatusCode.ERROR)
                raise

    def carried(self) -> Mapping[str, str]:
        headers: dict[str, str] = {}
        _propagator.inject(headers)
        return headers


@contextmanager
def within(traceparent: str | None) -> Iterator[None]:
    """Go on with the trace that somebody else has begun; begin one where there is none."""
    token = context.attach(_propagator.extract({"traceparent": traceparent} if traceparent else {}))
    try:
        yield
    finally:
        context.detach(token)


class _TracedSession(hot_statements._Session):
    """Makes a span of each round trip of the hot paths, by its statements' names."""

    def run(self, statement: HotStatement, parameters: tuple[Any, ...]) -> list[Row]:
        if self.waiting:
            return super().run(statement, parameters)  # which flushes
        with _statement(statement.label):
            return super().run(statement, parameters)

    def flush(self, **options: Any) -> list[Row]:
        if not self.waiting:
            return super().flush(**options)
        with _statement(", ".join(statement.label for statement, _ in self.waiting)):
            return super().flush(**options)


def _statement(summary: str, **attributes: Value) -> Any:
    return tracing.span(summary, "client", db__system__name="postgresql", db__query__summary=summary, **attributes)


def _trace_statements(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _trace_statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(_trace_statement)


def _trace_statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, more: Any) -> Any:
    """Make a span of a statement of Django's: of its text only the verb and the first table."""
    verb = sql.split(None, 1)[0].upper() if sql.strip() else ""
    table = _TABLE.search(sql)
    with _statement(f"{verb} {table[1]}" if table else verb, db__operation__name=verb):
        return execute(sql, params, many, more)
