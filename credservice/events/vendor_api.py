"""Shows event endpoints and deliveries by the vendor API, and sends events again."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import NotFound
from credservice.core.ids import as_uuid
from credservice.events.models import EventDelivery, EventEndpoint
from credservice.events.services import replay, replay_failed, send_test
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.fields import NameFilter, StrictSerializer
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads, writes
from credservice.vendor_api.paging import PageQuerySerializer, filtered, page, page_of

NO_ENDPOINT = "There is no event endpoint of this name."


class EventEndpointSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    url = serializers.CharField()
    description = serializers.CharField()
    types = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    state = serializers.ChoiceField(("active", "suspended"))
    failing_since = serializers.DateTimeField(allow_null=True, help_text="No delivery has succeeded since.")
    paused_until = serializers.DateTimeField(allow_null=True, help_text="It failed often: nothing is sent before.")
    created_at = serializers.DateTimeField()


class EventDeliverySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    endpoint = serializers.CharField(source="endpoint.name")
    message_id = serializers.CharField(source="event.message_id", help_text="Its webhook-id.")
    type = serializers.CharField(source="event.type")
    object_id = serializers.CharField(source="event.object_id")
    state = serializers.ChoiceField(EventDelivery.State.choices)
    failed_attempts = serializers.IntegerField(source="attempts", help_text="Since it was queued.")
    last_status = serializers.IntegerField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class EventDeliveryQuerySerializer(PageQuerySerializer):
    endpoint = NameFilter(EventEndpoint, "name", NO_ENDPOINT, max_length=64, help_text="Its name.")
    state = serializers.ChoiceField(EventDelivery.State.choices, required=False)


class SinceSerializer(StrictSerializer):
    since = serializers.DateTimeField(help_text="Of the events since then, with its zone: 2027-01-31T00:00:00Z.")


class ReplayedSerializer(serializers.Serializer[Any]):
    replayed = serializers.IntegerField(help_text="How many are on their way again.")


class PingedSerializer(serializers.Serializer[Any]):
    message_id = serializers.CharField(help_text="The webhook-id of the test event.")


class EventEndpoints(VendorView):
    """Shows where events go. Set up in the console, or by ``manage.py apply``."""

    @reads(
        "list_event_endpoints",
        "List event endpoints",
        scope=Scope.READ_EVENTS,
        query=PageQuerySerializer,
        gives={200: page_of(EventEndpointSerializer)},
    )
    def get(self, request: Request) -> Response:
        rows = EventEndpoint.objects.all()
        return page(request, rows, self.params, lambda found: list(EventEndpointSerializer(found, many=True).data))


class EventDeliveries(VendorView):
    @reads(
        "list_event_deliveries",
        "List deliveries of events",
        scope=Scope.READ_EVENTS,
        query=EventDeliveryQuerySerializer,
        gives={200: page_of(EventDeliverySerializer)},
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        rows = EventDelivery.objects.select_related("endpoint", "event").filter(
            **filtered(self.params, endpoint="endpoint__name", state="state")
        )
        return page(request, rows, self.params, lambda found: list(EventDeliverySerializer(found, many=True).data))


class Replay(VendorView):
    @writes(
        "replay_event_delivery",
        "Send an event again",
        scope=Scope.REPLAY_EVENTS,
        gives={202: EventDeliverySerializer},
    )
    def post(self, request: Request, delivery: str) -> Response:
        """To the same endpoint, under the same webhook-id."""
        key = as_uuid(delivery)
        if key is None:
            raise NotFound("There is no such delivery: its id is a UUID.")
        found = EventDelivery.objects.select_related("endpoint", "event").filter(pk=key).first()
        if found is None:
            raise NotFound("There is no such delivery. Old ones are dropped.")
        replay(delivery=found, actor=self.actor)
        return Response(EventDeliverySerializer(found).data, status=202)


class ReplayFailed(VendorView):
    @writes(
        "replay_failed_events",
        "Send what was not delivered again",
        scope=Scope.REPLAY_EVENTS,
        takes=SinceSerializer,
        gives={202: ReplayedSerializer},
        examples={"After an outage": {"since": "2027-01-31T00:00:00Z"}},
    )
    def post(self, request: Request, endpoint: str) -> Response:
        """Every event of the time that this endpoint has not taken: what failed, and what waits for another attempt."""
        count = replay_failed(endpoint=_endpoint(endpoint), since=self.body["since"], actor=self.actor)
        return Response({"replayed": count}, status=202)


class Ping(VendorView):
    @writes("ping_event_endpoint", "Send a test event", scope=Scope.REPLAY_EVENTS, gives={202: PingedSerializer})
    def post(self, request: Request, endpoint: str) -> Response:
        """An event of the type ping, to this endpoint alone."""
        return Response({"message_id": send_test(endpoint=_endpoint(endpoint), actor=self.actor)}, status=202)


def _endpoint(name: str) -> EventEndpoint:
    found = EventEndpoint.objects.filter(name=name).first()
    if found is None:
        raise NotFound(NO_ENDPOINT)
    return found
