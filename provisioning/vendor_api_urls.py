"""Lists the routes of the vendor API below ``/api/v1`` that are about marketplaces and what they order."""

from django.urls import re_path

from provisioning.vendor_api import catalogue, resources, sign_on, usage

_RESOURCE = r"^/resources/(?P<resource>[^/]+)"

_MARKETPLACE = r"^/marketplaces/(?P<marketplace>[^/]+)"
_PRODUCT = _MARKETPLACE + r"/products/(?P<product>[^/]+)"

urlpatterns = [
    re_path(r"^/marketplaces/?\Z", catalogue.Marketplaces.as_view()),
    re_path(_MARKETPLACE + r"/?\Z", catalogue.OneMarketplace.as_view()),
    re_path(_MARKETPLACE + r"/products/?\Z", catalogue.Products.as_view()),
    re_path(_PRODUCT + r"/?\Z", catalogue.OneProduct.as_view()),
    re_path(_PRODUCT + r"/plans/?\Z", catalogue.Plans.as_view()),
    re_path(_PRODUCT + r"/plans/(?P<plan>[^/]+)/?\Z", catalogue.OnePlan.as_view()),
    re_path(_PRODUCT + r"/features/?\Z", catalogue.Features.as_view()),
    re_path(_PRODUCT + r"/features/(?P<feature>[^/]+)/?\Z", catalogue.OneFeature.as_view()),
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
