"""Routes of the vendor API below ``/api/v1`` that are about provisioned resources."""

from django.urls import re_path

from provisioning import vendor_api, vendor_resources
from provisioning.sso.vendor_api import Redemption

_RESOURCE = r"^/resources/(?P<resource>[^/]+)"

urlpatterns = [
    re_path(r"^/resources/?\Z", vendor_resources.Resources.as_view()),
    re_path(_RESOURCE + r"/?\Z", vendor_resources.OneResource.as_view()),
    re_path(_RESOURCE + r"/suspend/?\Z", vendor_resources.SuspendResource.as_view()),
    re_path(_RESOURCE + r"/resume/?\Z", vendor_resources.ResumeResource.as_view()),
    re_path(r"^/resource-credentials/?\Z", vendor_resources.ResourceCredentials.as_view()),
    re_path(r"^/resource-credentials/(?P<credential_id>[^/]+)/?\Z", vendor_resources.OneResourceCredential.as_view()),
    re_path(_RESOURCE + r"/usage/?\Z", vendor_api.ResourceUsage.as_view()),
    re_path(r"^/usage/?\Z", vendor_api.Usage.as_view()),
    re_path(r"^/sso/redeem/?\Z", Redemption.as_view()),
]
