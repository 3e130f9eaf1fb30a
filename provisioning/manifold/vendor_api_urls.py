"""Routes the vendor API's calls about what only this protocol's marketplaces have."""

from django.urls import re_path

from provisioning.manifold import vendor_api

_KEYS = r"^/marketplaces/(?P<marketplace>[^/]+)/trusted-keys"

urlpatterns = [
    re_path(_KEYS + r"/?\Z", vendor_api.TrustedKeys.as_view()),
    re_path(_KEYS + r"/(?P<trusted_key>[^/]+)/?\Z", vendor_api.OneTrustedKey.as_view()),
]
