"""A collector of traces: what is sent to it by OTLP over HTTP, read by the protocol's own messages."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.http_server import Answer, Server, http_server

SECONDS = 30
KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


class Span(NamedTuple):
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, str]
    failed: bool


class Collector:
    """``url`` is what OTEL_EXPORTER_OTLP_ENDPOINT is set to."""

    def __init__(self, server: Server) -> None:
        self.url, self._server = server.url, server

    def wait_for(self, condition: Callable[[list[Span]], object]) -> list[Span]:
        """All spans, once some of them are as they should be: they are sent in the background."""
        deadline = time.monotonic() + SECONDS
        while not condition(self.spans()):
            assert time.monotonic() < deadline, f"no such spans: {self.spans()}"
            time.sleep(0.02)
        return self.spans()

    def spans(self) -> list[Span]:
        return [
            Span(
                span.name,
                KINDS[span.kind],
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                {pair.key: pair.value.string_value or str(pair.value.int_value) for pair in span.attributes},
                span.status.code == 2,
            )
            for received in list(self._server.received)
            for of_resource in ExportTraceServiceRequest.FromString(received.body).resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        ]

    def bytes_received(self) -> bytes:
        return b"".join(received.body for received in self._server.received)

    def headers(self) -> dict[str, str]:
        return self._server.received[0].headers


@contextmanager
def collector() -> Iterator[Collector]:
    with http_server(lambda _: Answer(headers={"Content-Type": "application/x-protobuf"}, body=b"")) as server:
        yield Collector(server)
