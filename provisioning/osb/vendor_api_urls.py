"""Routes the vendor API's calls about what only this protocol's platforms have."""

from django.urls import re_path

from provisioning.osb import vendor_api

_PASSWORDS = r"^/marketplaces/(?P<marketplace>[^/]+)/passwords"

urlpatterns = [
    re_path(_PASSWORDS + r"/?\Z", vendor_api.Passwords.as_view()),
    re_path(_PASSWORDS + r"/(?P<password>[^/]+)/?\Z", vendor_api.OnePassword.as_view()),
    re_path(_PASSWORDS + r"/(?P<password>[^/]+)/end/?\Z", vendor_api.EndPassword.as_view()),
]
