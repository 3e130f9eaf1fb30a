"""Routes the vendor API's calls below ``/api/v1`` that are about platforms, end users and what they are granted."""

from django.urls import re_path

from exchange.vendor_api import end_users, grants, installations, platforms, signing_secrets
from exchange.vendor_api.bulk import Bulk
from exchange.vendor_api.mindcloud import MindCloudToken

_END_USER = r"^/end-users/(?P<external_id>[^/]+)"
_INSTALLATION = r"^/installations/(?P<installation_id>[^/]+)"
_SIGNING_SECRETS = r"^/platforms/(?P<platform>[^/]+)/signing-secrets"

urlpatterns = [
    re_path(r"^/platforms/?\Z", platforms.Platforms.as_view()),
    re_path(r"^/platforms/(?P<platform>[^/]+)/?\Z", platforms.OnePlatform.as_view()),
    re_path(_SIGNING_SECRETS + r"/?\Z", signing_secrets.SigningSecrets.as_view()),
    re_path(_SIGNING_SECRETS + r"/(?P<signing_secret>[^/]+)/?\Z", signing_secrets.OneSigningSecret.as_view()),
    re_path(_SIGNING_SECRETS + r"/(?P<signing_secret>[^/]+)/retire/?\Z", signing_secrets.RetireSigningSecret.as_view()),
    re_path(r"^/integrations/?\Z", platforms.Integrations.as_view()),
    re_path(r"^/integrations/(?P<integration_id>[^/]+)/?\Z", platforms.OneIntegration.as_view()),
    re_path(r"^/installations/?\Z", installations.Installations.as_view()),
    re_path(_INSTALLATION + r"/?\Z", installations.OneInstallation.as_view()),
    re_path(_INSTALLATION + r"/approve/?\Z", installations.ApproveInstallation.as_view()),
    re_path(_INSTALLATION + r"/refuse/?\Z", installations.RefuseInstallation.as_view()),
    re_path(_INSTALLATION + r"/suspend/?\Z", installations.SuspendInstallation.as_view()),
    re_path(_INSTALLATION + r"/resume/?\Z", installations.ResumeInstallation.as_view()),
    re_path(r"^/end-users/?\Z", end_users.EndUsers.as_view()),
    re_path(_END_USER + r"/?\Z", end_users.OneEndUser.as_view()),
    re_path(_END_USER + r"/suspend/?\Z", end_users.SuspendEndUser.as_view()),
    re_path(_END_USER + r"/resume/?\Z", end_users.ResumeEndUser.as_view()),
    re_path(_END_USER + r"/mindcloud-token/?\Z", MindCloudToken.as_view()),
    re_path(_END_USER + r"/grants/(?P<integration_id>[^/]+)/?\Z", grants.GrantOfEndUser.as_view()),
    re_path(r"^/bulk/?\Z", Bulk.as_view()),
    re_path(r"^/grants/?\Z", grants.Grants.as_view()),
    re_path(r"^/grants/(?P<grant>[^/]+)/?\Z", grants.OneGrant.as_view()),
]
