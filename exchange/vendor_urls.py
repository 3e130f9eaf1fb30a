"""Routes of the vendor API below ``/api/v1`` that are about platforms, end users and what they are granted."""

from django.urls import re_path

from exchange import vendor_end_users, vendor_grants, vendor_installations
from exchange.bulk.vendor_api import Bulk
from exchange.mindcloud.vendor_api import MindCloudToken

_END_USER = r"^/end-users/(?P<external_id>[^/]+)"
_INSTALLATION = r"^/installations/(?P<installation_id>[^/]+)"

urlpatterns = [
    re_path(r"^/platforms/?\Z", vendor_installations.Platforms.as_view()),
    re_path(r"^/platforms/(?P<platform>[^/]+)/?\Z", vendor_installations.OnePlatform.as_view()),
    re_path(r"^/integrations/?\Z", vendor_installations.Integrations.as_view()),
    re_path(r"^/integrations/(?P<integration_id>[^/]+)/?\Z", vendor_installations.OneIntegration.as_view()),
    re_path(r"^/installations/?\Z", vendor_installations.Installations.as_view()),
    re_path(_INSTALLATION + r"/?\Z", vendor_installations.OneInstallation.as_view()),
    re_path(_INSTALLATION + r"/approve/?\Z", vendor_installations.ApproveInstallation.as_view()),
    re_path(_INSTALLATION + r"/suspend/?\Z", vendor_installations.SuspendInstallation.as_view()),
    re_path(_INSTALLATION + r"/resume/?\Z", vendor_installations.ResumeInstallation.as_view()),
    re_path(r"^/end-users/?\Z", vendor_end_users.EndUsers.as_view()),
    re_path(_END_USER + r"/?\Z", vendor_end_users.OneEndUser.as_view()),
    re_path(_END_USER + r"/suspend/?\Z", vendor_end_users.SuspendEndUser.as_view()),
    re_path(_END_USER + r"/resume/?\Z", vendor_end_users.ResumeEndUser.as_view()),
    re_path(_END_USER + r"/mindcloud-token/?\Z", MindCloudToken.as_view()),
    re_path(_END_USER + r"/grants/(?P<integration_id>[^/]+)/?\Z", vendor_grants.GrantOfEndUser.as_view()),
    re_path(r"^/bulk/?\Z", Bulk.as_view()),
    re_path(r"^/grants/?\Z", vendor_grants.Grants.as_view()),
    re_path(r"^/grants/(?P<grant>[^/]+)/?\Z", vendor_grants.OneGrant.as_view()),
]
