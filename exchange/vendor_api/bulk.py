"""Imports over HTTP: ``POST /api/v1/bulk``. The body is read by blocks, as it comes, however long it is."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import Invalid, Unavailable
from credservice.http.errors import TooLarge
from credservice.http.server_settings import REQUEST_SECONDS
from credservice.http.strict_json import refuse_encoded
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.fields import (
    ACTIVE_OR_SUSPENDED,
    OVERLAP_HELP,
    Facts,
    StrictSerializer,
    Text,
    Values,
    Whole,
)
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads
from credservice.vendor_api.problems import InvalidFields
from credservice.vendor_api.setup import AcceptingSerializer
from exchange.bulk.engine import Import, Summary
from exchange.bulk.job import Problem
from exchange.bulk.ndjson_reader import Entry, read_ndjson
from exchange.vendor_api.platform_serializers import PlatformQuerySerializer
from exchange.vendor_api.serializers import ATTRIBUTES

NDJSON = "application/x-ndjson"
MAX_ERRORS = 1_000
BLOCK = 64 * 1024  # bytes
# One at a time in each process: imports take turns anyway, and must not take the threads of both doors while they do.
_place = threading.BoundedSemaphore(1)


class BulkGrantSerializer(StrictSerializer):
    integration_id = Text(help_text="The platform's integrationId.")
    installation_id = Text(required=False, help_text="Narrower: for this installationId alone.")
    values = Values(required=False, help_text="The credential's, each by name, for a policy that makes none itself.")
    overlap_seconds = Whole(required=False, help_text=f"The ones before stay valid for; {OVERLAP_HELP}")


class BulkRowSerializer(StrictSerializer):
    """One line of the body. A field that is left out stays as it is."""

    platform = Text(required=False, help_text="Its name; without it, the call's, or the default platform.")
    external_id = Text(help_text="Yours.")
    end_user_id = Text(required=False, help_text="The platform's endUserId: needed once, and never changes.")
    name = Text(required=False, allow_blank=True)
    attributes = Facts(required=False, help_text=ATTRIBUTES)
    state = serializers.ChoiceField(ACTIVE_OR_SUSPENDED, required=False)
    grants = BulkGrantSerializer(many=True, required=False)


class BulkErrorSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="From 1.")
    problem = serializers.DictField(help_text="As the problem documents of refused calls; pointers are into the line.")


class BulkReceiptSerializer(serializers.Serializer[Any]):
    rows = serializers.IntegerField()
    created = serializers.IntegerField(help_text="New end users, with their grants.")
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    failed = serializers.IntegerField(help_text="Refused: nothing of such a row was written.")
    last_line = serializers.IntegerField(help_text="Everything up to this line is done.")
    stopped = serializers.BooleanField(help_text="By on_error=stop: nothing after last_line was written.")
    dry_run = serializers.BooleanField()
    errors = BulkErrorSerializer(many=True, help_text=f"The first {MAX_ERRORS:,}.")  # type: ignore[assignment] # a field


class BulkQuerySerializer(PlatformQuerySerializer, AcceptingSerializer):
    dry_run = serializers.BooleanField(default=False, help_text="Look at everything, write nothing.")
    on_error = serializers.ChoiceField(
        ["skip", "stop"], default="skip", help_text="stop: nothing of the thousand rows around a bad one is written."
    )


class NDJSONParser(BaseParser):
    """Names the media type; the view reads the body itself."""

    media_type = NDJSON


class Bulk(VendorView):
    """End users with their grants, a JSON object a line. See docs/import.md."""

    parser_classes = [NDJSONParser]

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        # Only now: nobody without a token has us read so much. The body is left to be read in pieces.
        _check_length(request)
        request._request._body = b""

    @reads(
        "import_end_users",
        "Import end users and grants",
        scope=Scope.IMPORT,
        query=BulkQuerySerializer,
        takes=BulkRowSerializer,
        parses=False,
        gives={200: BulkReceiptSerializer},
        examples={"A line": {"external_id": "customer-1", "end_user_id": "enduser_456def", "grants": []}},
    )
    def post(self, request: Request) -> Response:
        """Each line registers or changes an end user, and grants it credentials. A line that is refused stops no
        other; one is refused that drops an attribute without which installations that are answered today would get no
        answer, unless you accept that. Rows are committed by the thousand; sent again, what is there already stays as
        it is."""
        if not int(request.META.get("CONTENT_LENGTH") or 0):
            raise Invalid("The body is empty: send a JSON object a line.")
        refuse_encoded(request.META)
        if (request.content_type or "").partition(";")[0].strip().lower() != NDJSON:
            raise UnsupportedMediaType(request.content_type or "", f"Send {NDJSON}.")
        errors: list[dict[str, Any]] = []
        body = _Body(request._request)

        def failed(entry: Entry, problem: Problem) -> None:
            if len(errors) < MAX_ERRORS:
                errors.append({"line": entry.line, "problem": problem | body.hint(entry, problem)})

        engine = Import(
            actor=self.actor,
            source="POST /api/v1/bulk",
            failed=failed,
            dry_run=self.params["dry_run"],
            stop_on_error=self.params["on_error"] == "stop",
            platform=self.params.get("platform"),
            accept_changed_answers=self.params["accept_changed_answers"],
            names_installations=Scope.READ_INSTALLATIONS in self.caller.token.scopes,
        )
        summary = Summary()
        with _a_place():
            entries = read_ndjson(BufferedReader(body, BLOCK))
            for summary in engine.run(_in_time(entries)):  # noqa: B007 - the last one counts
                pass
        if not summary.stopped and body.size != int(request.META["CONTENT_LENGTH"]):
            raise Invalid(f"The body ended early. Line {summary.last_line} is the last that is done: send it again.")
        receipt = vars(summary) | {"dry_run": engine.dry_run, "errors": errors}
        return Response(BulkReceiptSerializer(receipt).data)


class _Body(RawIOBase):
    """Counts how much of a request's body has come: where it is cut off between two lines, nothing else tells."""

    def __init__(self, request: HttpRequest) -> None:
        self._request, self.size, self._has_breaks = request, 0, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        block = self._request.read(len(buffer))
        buffer[: len(block)] = block
        self.size += len(block)
        self._has_breaks |= b"\n" in block
        return len(block)

    def hint(self, entry: Entry, problem: Problem) -> Problem:
        """Hint, at a line that is no JSON and all that came, at its sending: curl's ``-d`` takes line ends away."""
        if self._has_breaks or entry.error is None or isinstance(entry.error, InvalidFields):
            return {}
        return {"detail": f"{problem['detail']} Was it sent with --data-binary? The body holds no line end."}


def _in_time(entries: Iterator[Entry]) -> Iterator[Entry]:
    """Pass on what is read within the time of a request. Raises :class:`Unavailable` after: what is committed stays."""
    end = time.monotonic() + REQUEST_SECONDS
    for entry in entries:
        if time.monotonic() > end:
            raise Unavailable(
                f"Line {entry.line} was not reached in time. Send the same again, or in smaller parts: what is done is "
                "passed over."
            )
        yield entry


@contextmanager
def _a_place() -> Iterator[None]:
    if not _place.acquire(blocking=False):
        raise Unavailable("Another import is under way. Try again shortly.", retry_after=5)
    try:
        yield
    finally:
        _place.release()


def _check_length(request: Request) -> None:
    announced = request.META.get("CONTENT_LENGTH") or ""
    length = int(announced) if announced.isdecimal() else 0
    # credservice.serving takes no longer body in chunks.
    if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE and request.META.get("HTTP_TRANSFER_ENCODING"):
        raise TooLarge("A body of more than 64 KiB needs its Content-Length.")
    if length > settings.IMPORT_MAX_BYTES:
        raise TooLarge(f"The body is larger than {settings.IMPORT_MAX_BYTES} bytes. Send it in parts.")
