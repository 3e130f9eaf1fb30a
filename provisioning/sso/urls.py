"""Lists the routes of a resource's page."""

from django.urls import path, re_path

from provisioning.sso import views

urlpatterns = [
    path("<str:partner_id>", views.show, name="resource_page"),
    path("<str:partner_id>/credentials/<uuid:credential_id>", views.reveal, name="resource_reveal"),
    path("<str:partner_id>/sign-out", views.sign_out, name="resource_sign_out"),
    re_path(r"", views.nowhere),
]
