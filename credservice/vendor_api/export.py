"""Serves ``GET /api/v1/export``: objects of one kind, as NDJSON, in parts that a request has the time for."""

import json
from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.exceptions import NotAcceptable
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from credservice.audit import Line, record
from credservice.http.bodies import in_chunks
from credservice.vendor_api.base import JSONOrNothing, VendorView
from credservice.vendor_api.exports import check_kinds, kinds, read_kind
from credservice.vendor_api.fields import StrictSerializer
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads
from credservice.vendor_api.problems import refused

NDJSON = "application/x-ndjson"
# What is sent within REQUEST_SECONDS, with time to spare.
DEFAULT_LIMIT = MAX_LIMIT = 10_000


class NDJSONRenderer(JSONRenderer):
    """Names the media type; the lines are written by the view, refusals as JSON."""

    media_type = NDJSON


class NDJSONOrNothing(JSONOrNothing):
    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        accepted = (request.headers.get("Accept") or "*/*").lower()
        if NDJSON in accepted:
            return renderers[0], NDJSON
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            raise NotAcceptable(f"The answer is NDJSON: accept {NDJSON}.") from None


class ExportQuerySerializer(StrictSerializer):
    kind = serializers.CharField(max_length=64, help_text="Such as end_users; a refusal lists all that there are.")
    after = serializers.UUIDField(required=False, help_text="Only those after this id: of the last line before.")
    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT, help_text="How many at most."
    )


class Export(VendorView):
    """Everything but secrets. See docs/import.md."""

    renderer_classes = [NDJSONRenderer]
    content_negotiation_class = NDJSONOrNothing

    @reads(
        "export",
        "Export objects",
        scope=Scope.EXPORT,
        query=ExportQuerySerializer,
        gives={200: OpenApiTypes.OBJECT},  # lines, each as its kind's routes have it
    )
    def get(self, request: Request) -> Any:
        """Objects of one kind by ascending id, a JSON object a line, as their own routes show them. The last line is
        ``{"kind": "end", "after": ID}``: with ``after`` null there are no more. An answer without it was cut off."""
        kind, after, limit = self.params["kind"], self.params.get("after"), self.params["limit"]
        if kind not in kinds():
            raise refused("?kind", f"There is no such kind. There are: {', '.join(kinds())}.")
        detail = {"kind": kind, "after": str(after or ""), "at_most": limit}
        record(Line("data.exported", self.actor, object_type="export", object_id=kind, detail=detail))
        lines = _ended(read_kind(check_kinds([kind])[0], after=after, limit=limit), limit)
        return StreamingHttpResponse(in_chunks(lines), content_type=NDJSON)


def _ended(lines: Iterator[str], limit: int) -> Iterator[str]:
    count, last = 0, ""
    for last in lines:
        count += 1
        yield last
    after = json.loads(last)["id"] if count == limit else None
    yield json.dumps({"kind": "end", "after": after}) + "\n"
