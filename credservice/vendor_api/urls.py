"""Routes of the vendor API, below ``/api/v1``, that are the kernel's own. The doors' come before these."""

from django.urls import re_path

from credservice.events.urls import urlpatterns as event_urls
from credservice.vendor_api import credentials, trail, views
from credservice.vendor_api.base import UnknownRoute
from credservice.vendor_api.export import Export

_CREDENTIAL = r"^/credentials/(?P<credential>[^/]+)"

urlpatterns = [
    *event_urls,
    re_path(r"^/introspect/?\Z", views.Introspection.as_view()),
    re_path(r"^/leaks/?\Z", views.LeakReport.as_view()),
    re_path(r"^/policies/?\Z", views.Policies.as_view()),
    re_path(r"^/policies/(?P<policy>[^/]+)/?\Z", views.OnePolicy.as_view()),
    re_path(r"^/signing-keys/?\Z", views.SigningKeys.as_view()),
    re_path(r"^/signing-keys/(?P<kid>[^/]+)/?\Z", views.OneSigningKey.as_view()),
    re_path(r"^/credentials/?\Z", credentials.Credentials.as_view()),
    re_path(_CREDENTIAL + r"/?\Z", credentials.OneCredential.as_view()),
    re_path(_CREDENTIAL + r"/values/?\Z", credentials.CredentialValues.as_view()),
    re_path(_CREDENTIAL + r"/rotate/?\Z", credentials.Rotation.as_view()),
    re_path(_CREDENTIAL + r"/revoke/?\Z", credentials.Revocation.as_view()),
    re_path(_CREDENTIAL + r"/reveal/?\Z", credentials.Revelation.as_view()),
    re_path(r"^/export/?\Z", Export.as_view()),
    re_path(r"^/audit-events/?\Z", trail.AuditEvents.as_view()),
    re_path(r"^/audit-events/(?P<event>[0-9]{1,18})/?\Z", trail.OneAuditEvent.as_view()),
    re_path(r"", UnknownRoute.as_view()),
]
