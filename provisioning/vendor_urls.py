"""Routes of the vendor API below ``/api/v1`` that are about provisioned resources."""

from django.urls import re_path

from provisioning import vendor_api
from provisioning.sso.vendor_api import Redemption

urlpatterns = [
    re_path(r"^/resources/(?P<resource>[^/]+)/usage/?\Z", vendor_api.ResourceUsage.as_view()),
    re_path(r"^/usage/?\Z", vendor_api.Usage.as_view()),
    re_path(r"^/sso/redeem/?\Z", Redemption.as_view()),
]
