"""Routes ``/credential-exchange``. With or without a final slash, never a redirect: it would drop the signed body."""

from django.urls import re_path

from credservice.http.views import UnknownPath
from exchange.views import ExchangeView

urlpatterns = [
    re_path(r"^/?\Z", ExchangeView.as_view()),
    re_path(r"^/(?P<platform>[-a-zA-Z0-9_]{1,64})/?\Z", ExchangeView.as_view()),
    re_path(r"^", UnknownPath.as_view()),
]
