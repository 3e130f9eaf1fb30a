"""Adds a view to the service's that nobody else serves: an empty one, beside which the broker's are measured."""

import re
from typing import Any

from django.http import HttpResponseBase
from rest_framework.request import Request

from credservice import urls
from credservice.http.views import json_answer
from provisioning.osb.urls import ROUTES
from provisioning.osb.views import BrokerView

handler400, handler404, handler500 = urls.handler400, urls.handler404, urls.handler500


class EmptyView(BrokerView):
    """Costs what any GET of a platform does: the layers, DRF, who calls, the version."""

    def get(self, request: Request, **_: Any) -> HttpResponseBase:
        return json_answer({})


urlpatterns = urls.urlpatterns
ROUTES.append((re.compile(r"/osb/(?P<marketplace>[^/]+)/empty"), EmptyView.as_view()))
