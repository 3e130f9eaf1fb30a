"""Lists the routes under /v1, with or without a final slash. Ids are judged by the views, after the signature."""

from django.urls import re_path

from provisioning.manifold import views
from provisioning.manifold.sign_on import single_sign_on

urlpatterns = [
    re_path(r"^/resources/(?P<partner_id>[^/]+)/?\Z", views.ResourceView.as_view()),
    re_path(r"^/resources/(?P<partner_id>[^/]+)/measures/?\Z", views.MeasuresView.as_view()),
    re_path(r"^/credentials/(?P<partner_id>[^/]+)/?\Z", views.CredentialView.as_view()),
    re_path(r"^/sso/?\Z", single_sign_on),
    re_path(r"", views.UnknownPath.as_view()),
]
