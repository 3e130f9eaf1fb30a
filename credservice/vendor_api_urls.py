"""Routes the vendor API and its pages, below ``/api``. The doors' own routes come before these."""

from django.urls import include, path, re_path

from credservice.credentials.vendor_api import introspection, leaks, policies, routes
from credservice.events import vendor_api as events
from credservice.keys import vendor_api as signing_keys
from credservice.vendor_api import audit_events
from credservice.vendor_api.base import UnknownRoute
from credservice.vendor_api.export import Export
from credservice.vendor_api.pages import Browser, SchemaDocument

_CREDENTIAL = r"^/credentials/(?P<credential>[^/]+)"

kernel_routes = [
    re_path(r"^/event-endpoints/?\Z", events.EventEndpoints.as_view()),
    re_path(r"^/event-endpoints/(?P<endpoint>[^/]+)/ping/?\Z", events.Ping.as_view()),
    re_path(r"^/event-endpoints/(?P<endpoint>[^/]+)/replay/?\Z", events.ReplayFailed.as_view()),
    re_path(r"^/event-deliveries/?\Z", events.EventDeliveries.as_view()),
    re_path(r"^/event-deliveries/(?P<delivery>[^/]+)/replay/?\Z", events.Replay.as_view()),
    re_path(r"^/introspect/?\Z", introspection.Introspection.as_view()),
    re_path(r"^/leaks/?\Z", leaks.LeakReport.as_view()),
    re_path(r"^/policies/?\Z", policies.Policies.as_view()),
    re_path(r"^/policies/(?P<policy>[^/]+)/?\Z", policies.OnePolicy.as_view()),
    re_path(r"^/signing-keys/?\Z", signing_keys.SigningKeys.as_view()),
    re_path(r"^/signing-keys/(?P<kid>[^/]+)/?\Z", signing_keys.OneSigningKey.as_view()),
    re_path(r"^/credentials/?\Z", routes.Credentials.as_view()),
    re_path(_CREDENTIAL + r"/?\Z", routes.OneCredential.as_view()),
    re_path(_CREDENTIAL + r"/values/?\Z", routes.CredentialValues.as_view()),
    re_path(_CREDENTIAL + r"/rotate/?\Z", routes.Rotation.as_view()),
    re_path(_CREDENTIAL + r"/revoke/?\Z", routes.Revocation.as_view()),
    re_path(_CREDENTIAL + r"/reveal/?\Z", routes.Revelation.as_view()),
    re_path(r"^/export/?\Z", Export.as_view()),
    re_path(r"^/audit-events/?\Z", audit_events.AuditEvents.as_view()),
    re_path(r"^/audit-events/(?P<event>[0-9]{1,18})/?\Z", audit_events.OneAuditEvent.as_view()),
    re_path(r"", UnknownRoute.as_view()),
]

urlpatterns = [
    path("/v1", include(kernel_routes)),
    path("/schema/", SchemaDocument.as_view(), name="vendor-api-schema"),
    path("/schema", SchemaDocument.as_view()),
    path("/docs/", Browser.as_view(), name="vendor-api-docs"),
    path("/docs", Browser.as_view()),
    re_path(r"", UnknownRoute.as_view()),
]
