"""Routes of the vendor API below ``/api/v1`` that are about events."""

from django.urls import re_path

from credservice.events import vendor_api

urlpatterns = [
    re_path(r"^/event-endpoints/?\Z", vendor_api.EventEndpoints.as_view()),
    re_path(r"^/event-endpoints/(?P<endpoint>[^/]+)/ping/?\Z", vendor_api.Ping.as_view()),
    re_path(r"^/event-endpoints/(?P<endpoint>[^/]+)/replay/?\Z", vendor_api.ReplayFailed.as_view()),
    re_path(r"^/event-deliveries/?\Z", vendor_api.EventDeliveries.as_view()),
    re_path(r"^/event-deliveries/(?P<delivery>[^/]+)/replay/?\Z", vendor_api.Replay.as_view()),
]
