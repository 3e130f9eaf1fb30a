"""Routes all requests. Each room brings its own routes; only the bare address redirects."""

from django.contrib import admin
from django.urls import include, path, re_path

from credservice import health, metrics
from credservice.keys.views import jwks

urlpatterns = [
    # The doors first, since each pattern before one costs each of its calls.
    re_path(r"^credential-exchange(?=/|$)", include("exchange.urls")),
    re_path(r"^v1(?=/|$)", include("provisioning.manifold.urls")),
    re_path(r"^osb(?=/|$)", include("provisioning.osb.urls")),
    # Their own part of the vendor API before the kernel's, which takes every path that is left.
    path("api/v1", include("exchange.vendor_api_urls")),
    path("api/v1", include("provisioning.vendor_api_urls")),
    path("api/v1", include("provisioning.manifold.vendor_api_urls")),
    path("api/v1", include("provisioning.osb.vendor_api_urls")),
    path("api", include("credservice.vendor_api_urls")),
    path("", health.front),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
    path(".well-known/jwks.json", jwks),
    path("admin/login/", admin.site.login, name="account_login"),
    path("admin/account/", include("credservice.console.accounts.urls")),
    path("admin/", admin.site.urls),
    path("resources/", include("provisioning.sso.urls")),
]

handler400 = "credservice.health.bad_request"
handler404 = "credservice.health.not_found"
handler500 = "credservice.health.server_error"
