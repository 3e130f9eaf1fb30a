"""Lists the routes of the vendor API below ``/api/v1`` that are about provisioned resources."""

from django.urls import re_path

from provisioning.vendor_api import resources, sign_on, usage

_RESOURCE = r"^/resources/(?P<resource>[^/]+)"

urlpatterns = [
    re_path(r"^/resources/?\Z", resources.Resources.as_view()),
    re_path(_RESOURCE + r"/?\Z", resources.OneResource.as_view()),
    re_path(_RESOURCE + r"/suspend/?\Z", resources.SuspendResource.as_view()),
    re_path(_RESOURCE + r"/resume/?\Z", resources.ResumeResource.as_view()),
    re_path(r"^/resource-credentials/?\Z", resources.ResourceCredentials.as_view()),
    re_path(r"^/resource-credentials/(?P<credential_id>[^/]+)/?\Z", resources.OneResourceCredential.as_view()),
    re_path(_RESOURCE + r"/usage/?\Z", usage.ResourceUsage.as_view()),
    re_path(r"^/usage/?\Z", usage.Usage.as_view()),
    re_path(r"^/sso/redeem/?\Z", sign_on.Redemption.as_view()),
]
