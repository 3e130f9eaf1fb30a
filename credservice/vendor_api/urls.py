"""Routes of the vendor API, below ``/api/v1``."""

from django.urls import re_path

from credservice.vendor_api import views
from credservice.vendor_api.base import UnknownRoute

urlpatterns = [
    re_path(r"^/introspect/?$", views.Introspection.as_view()),
    re_path(r"^/leaks/?$", views.LeakReport.as_view()),
    re_path(r"^.*$", UnknownRoute.as_view()),
]
