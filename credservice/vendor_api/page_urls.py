"""Below ``/api``: the document, its pages, and a problem document for everything else."""

from django.urls import path, re_path

from credservice.vendor_api.base import UnknownRoute
from credservice.vendor_api.pages import Browser, SchemaDocument

urlpatterns = [
    path("/schema/", SchemaDocument.as_view(), name="vendor-api-schema"),
    path("/schema", SchemaDocument.as_view()),
    path("/docs/", Browser.as_view(), name="vendor-api-docs"),
    path("/docs", Browser.as_view()),
    re_path(r"", UnknownRoute.as_view()),
]
