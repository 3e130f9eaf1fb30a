"""Usage reports as the OpenAPI document shows them. What checks them is ``usage_form``, whose limits these name."""

from typing import Any

from rest_framework import serializers

from credservice.vendor_api.fields import StrictSerializer, Text, Whole
from provisioning.models import KEY_LENGTH, MAX_QUANTITY
from provisioning.usage_form import MAX_REPORTS

USAGE_PROBLEMS = (
    *("not_metered", "unknown_resource", "resource_gone", "unknown_report"),
    *("key_used", "corrected_already", "ambiguous_resource"),
)
EXAMPLE = {"key": "2026-11-20T10/node-3", "feature": "honey", "quantity": 12, "at": "2026-11-20T10:15:00Z"}


class UsageReportSerializer(StrictSerializer):
    key = Text(max_length=KEY_LENGTH, help_text="Your own, printable; one report for each of a resource.")
    feature = Text(max_length=KEY_LENGTH, help_text="The label of a metered feature of the resource's plan.")
    quantity = Whole(min_value=0, max_value=MAX_QUANTITY)
    at = serializers.DateTimeField(help_text="When it was used, with an offset.")
    corrects = Text(max_length=KEY_LENGTH, required=False, help_text="The key of the report that this one replaces.")


class UsageOfResourceSerializer(UsageReportSerializer):
    resource = Text(max_length=KEY_LENGTH, help_text="The marketplace's id, or ours.")


class UsageReportsSerializer(StrictSerializer):
    reports = serializers.ListField(child=UsageOfResourceSerializer(), min_length=1, max_length=MAX_REPORTS)


class UsageReceiptSerializer(serializers.Serializer[Any]):
    recorded = serializers.IntegerField(help_text="New ones.")
    repeated = serializers.IntegerField(help_text="Those that had been recorded before.")
