"""The service's routes, and an empty view to compare its figures with: a door's base class, and nothing in it."""

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.http.views import DoorView
from credservice.urls import handler400, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler404", "handler500", "urlpatterns"]


class Empty(DoorView):
    def get(self, request: Request) -> Response:
        return Response({})


urlpatterns = [*urlpatterns, path("bench/empty", Empty.as_view())]
