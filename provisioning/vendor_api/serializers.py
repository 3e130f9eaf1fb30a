"""Shows resources in the vendor API; checks and documents what is sent about them, usage reports included."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from credservice.core.names import fault_of_name
from credservice.credentials.models import Credential
from credservice.vendor_api.fields import NameFilter, Reason, StrictSerializer, Text, Whole
from credservice.vendor_api.paging import PageQuerySerializer
from credservice.vendor_api.problems import InvalidFields, field_errors, refused
from provisioning.models import ID_LENGTH, KEY_LENGTH, MAX_QUANTITY, Marketplace, Plan, Product, Resource
from provisioning.rfc3339 import parse_rfc3339
from provisioning.usage_reports import Problem, Refused, Report
from provisioning.vendor_api.lookups import NO_MARKETPLACE

MAX_REPORTS = 1000
# Outside of these a time is a mistake: seconds for milliseconds, another year.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# Some stamp a day's or a month's total with its end.
AHEAD = timedelta(days=31)


class MarketplaceQuerySerializer(StrictSerializer):
    marketplace = serializers.CharField(
        required=False, max_length=64, help_text="Its name; needed where two marketplaces use the same id."
    )


class ResourceSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    marketplace = serializers.CharField(source="marketplace.name")
    protocol = serializers.CharField(source="marketplace.protocol_name", help_text="How the marketplace speaks.")
    resource_id = serializers.CharField(source="partner_id", help_text="The marketplace's id.")
    product = serializers.CharField(source="product.label")
    plan = serializers.CharField(source="plan.label")
    region = serializers.CharField()
    features = serializers.DictField()
    state = serializers.ChoiceField(Resource.State.choices)
    created_at = serializers.DateTimeField()
    deprovisioned_at = serializers.DateTimeField(allow_null=True)


class ResourceQuerySerializer(PageQuerySerializer):
    marketplace = NameFilter(Marketplace, "name", NO_MARKETPLACE, max_length=64)
    state = serializers.ChoiceField(Resource.State.choices, required=False)
    product = NameFilter(
        Product, "label", "No marketplace has a product with this label.", max_length=129, help_text="Its label."
    )
    plan = NameFilter(Plan, "label", "No product has a plan with this label.", max_length=129, help_text="Its label.")
    resource_id = serializers.CharField(required=False, max_length=ID_LENGTH, help_text="The marketplace's id.")


class ResourceCredentialSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    marketplace = serializers.CharField(source="marketplace.name")
    credential_id = serializers.CharField(source="partner_id", help_text="The marketplace's id.")
    resource_id = serializers.CharField(source="resource.partner_id", help_text="The marketplace's id.")
    credential = serializers.UUIDField(source="credential_id", help_text="The first one of its line.")
    line = serializers.UUIDField(source="credential.line")
    state = serializers.ChoiceField(Credential.State.choices, source="credential.state", help_text="Of that first one.")
    created_at = serializers.DateTimeField()
    deprovisioned_at = serializers.DateTimeField(allow_null=True)


class ResourceCredentialQuerySerializer(PageQuerySerializer):
    marketplace = NameFilter(Marketplace, "name", NO_MARKETPLACE, max_length=64)
    resource_id = serializers.CharField(required=False, max_length=ID_LENGTH, help_text="The marketplace's id.")
    credential_id = serializers.CharField(required=False, max_length=ID_LENGTH, help_text="The marketplace's id.")


class ReasonSerializer(StrictSerializer):
    why = Reason(required=False, default="", allow_blank=True)


USAGE_PROBLEMS = (
    *("not_metered", "unknown_resource", "resource_gone", "unknown_report"),
    *("key_used", "corrected_already", "ambiguous_resource"),
)
EXAMPLE = {"key": "2026-11-20T10/node-3", "feature": "honey", "quantity": 12, "at": "2026-11-20T10:15:00Z"}


def _one_sentence(sentence: str) -> dict[str, Any]:
    """Make a field's messages: the same sentence whatever is wrong, and that it is missing where it is."""
    kinds = ("invalid", "null", "blank", "max_length", "min_value", "max_value")
    return {"required": f"This is missing. {sentence}", **dict.fromkeys(kinds, sentence)}


class Printable(Text):
    """Takes a text of 1 to ``KEY_LENGTH`` printable characters."""

    default_error_messages = _one_sentence(f"Send 1 to {KEY_LENGTH} printable characters.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=KEY_LENGTH, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if fault_of_name(text) or len(text) > KEY_LENGTH:
            self.fail("invalid")
        return text


class Quantity(Whole):
    default_error_messages = _one_sentence(f"Send a whole number from 0 to {MAX_QUANTITY}.")


class UsageMoment(serializers.DateTimeField):
    default_error_messages = _one_sentence(
        "Send an RFC 3339 date and time with its offset, such as 2026-11-20T10:15:00Z."
    ) | {"far": f"The time is before {EARLIEST:%Y} or more than {AHEAD.days} days from now. Is it right?"}

    def to_internal_value(self, value: Any) -> datetime:
        try:
            moment = parse_rfc3339(value if isinstance(value, str) else "")
        except ValueError:
            self.fail("invalid")
        if not EARLIEST <= moment <= timezone.now() + AHEAD:
            self.fail("far")
        return moment.astimezone(UTC)


class UsageOfResourceSerializer(StrictSerializer):
    """Reports what a resource has used of one feature."""

    default_error_messages = dict.fromkeys(
        ("invalid", "null"), 'A report is a JSON object, such as {{"key": "2026-11-20/7", "feature": "honey", ...}}.'
    )
    resource = Printable(help_text="The marketplace's id, or ours.")
    key = Printable(help_text="Your own, printable; one report for each of a resource.")
    feature = Printable(help_text="The label of a metered feature of the resource's plan.")
    quantity = Quantity(min_value=0, max_value=MAX_QUANTITY)
    at = UsageMoment(help_text="When it was used, with an offset.")
    corrects = Printable(required=False, help_text="The key of the report that this one replaces.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("corrects") == attrs["key"]:
            sentence = "A correction has a key of its own, and names that of the report that it replaces."
            raise serializers.ValidationError({"corrects": sentence})
        return attrs


class UsageReportSerializer(UsageOfResourceSerializer):
    """Reports what the resource of the path has used of one feature."""

    resource = None  # type: ignore[assignment] # DRF's way to leave a field out


class UsageReports(serializers.ListField):
    """Refuses a list that is too long before it looks at what is in it."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list) or not 0 < len(data) <= MAX_REPORTS:
            self.fail("not_a_list", input_type=type(data).__name__)
        return super().to_internal_value(data)


class UsageReportsSerializer(StrictSerializer):
    reports = UsageReports(child=UsageOfResourceSerializer(), min_length=1, max_length=MAX_REPORTS)


# Made once: copying the fields for each line of a file takes eight times as long as checking it.
_REPORT, _REPORT_OF_PATH = UsageOfResourceSerializer(), UsageReportSerializer()


def parse_report(entry: Any, resource: str | None = None) -> Report:
    """Read one report, about ``resource`` where that is given. Raises InvalidFields with everything that is wrong."""
    try:
        found = (_REPORT if resource is None else _REPORT_OF_PATH).run_validation(entry)
    except serializers.ValidationError as error:
        raise InvalidFields(field_errors(error.detail)) from None
    return Report(**({"resource": resource} | found))


def parse_reports(body: Any) -> list[Report]:
    """Read ``{"reports": [...]}``. Raises InvalidFields for anything else, Refused with each bad report's place."""
    form = UsageReportsSerializer(data=body)
    if form.is_valid():
        return [Report(**entry) for entry in form.validated_data["reports"]]
    errors = form.errors.get("reports")
    if not isinstance(errors, dict):
        raise refused("/reports", f"Send a list of 1 to {MAX_REPORTS} reports, and nothing beside it.")
    raise Refused([Problem(index, InvalidFields(field_errors(each))) for index, each in errors.items()])


class UsageReceiptSerializer(serializers.Serializer[Any]):
    recorded = serializers.IntegerField(help_text="New ones.")
    repeated = serializers.IntegerField(help_text="Those that had been recorded before.")
