"""Shows the audit log by the vendor API."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.audit.models import AuditEvent
from credservice.core.exceptions import NotFound
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads
from credservice.vendor_api.paging import PageQuerySerializer, filtered, page, page_of


class AuditEventSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    action = serializers.CharField()
    outcome = serializers.ChoiceField(AuditEvent.Outcome.choices)
    reason = serializers.CharField(help_text="Why it was refused or failed.")
    actor = serializers.CharField()
    object_type = serializers.CharField()
    object_id = serializers.CharField()
    subject = serializers.CharField(help_text="Whose it is: end_user:... or resource:...")
    source = serializers.IPAddressField(allow_null=True)  # type: ignore[assignment] # a field of this name
    request_id = serializers.CharField()
    detail = serializers.DictField()


class AuditQuerySerializer(PageQuerySerializer):
    action = serializers.CharField(required=False, max_length=64)
    outcome = serializers.ChoiceField(AuditEvent.Outcome.choices, required=False)
    object_id = serializers.CharField(required=False, max_length=255)
    subject = serializers.CharField(required=False, max_length=255)
    request_id = serializers.CharField(required=False, max_length=64)
    since = serializers.DateTimeField(required=False, help_text="At that time or later.")
    until = serializers.DateTimeField(required=False, help_text="Before that time.")


class AuditEvents(VendorView):
    """The newest first. A page that goes back behind a line never changes: lines are only added."""

    @reads(
        "list_audit_events",
        "List audit events",
        scope=Scope.READ_AUDIT,
        query=AuditQuerySerializer,
        gives={200: page_of(AuditEventSerializer)},
    )
    def get(self, request: Request) -> Response:
        where = filtered(
            self.params,
            action="action",
            outcome="outcome",
            object_id="object_id",
            subject="subject",
            request_id="request_id",
            since="at__gte",
            until="at__lt",
        )
        rows = AuditEvent.objects.filter(**where)
        return page(
            request, rows, self.params, lambda found: list(AuditEventSerializer(found, many=True).data), order=("pk",)
        )


class OneAuditEvent(VendorView):
    @reads("read_audit_event", "Read an audit event", scope=Scope.READ_AUDIT, gives={200: AuditEventSerializer})
    def get(self, request: Request, event: str) -> Response:
        found = AuditEvent.objects.filter(pk=int(event)).first()
        if found is None:
            raise NotFound("There is no audit event with this id.")
        return Response(AuditEventSerializer(found).data)
