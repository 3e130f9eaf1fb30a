"""Finds the view of a path under /osb. Ids may hold any character: the path is parted before it is decoded."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt

from credservice.http.raw_target import raw_target
from provisioning.osb import views

_BROKER = r"/osb/(?P<marketplace>[^/]+)/v2"
_INSTANCE = rf"{_BROKER}/service_instances/(?P<instance_id>[^/]+)"
_BINDING = rf"{_INSTANCE}/service_bindings/(?P<binding_id>[^/]+)"
ROUTES: list[tuple[re.Pattern[str], Callable[..., HttpResponseBase]]] = [
    (re.compile(rf"{path}/?"), view.as_view())
    for path, view in (
        (_BINDING, views.BindingView),
        (_INSTANCE, views.InstanceView),
        (rf"{_INSTANCE}/last_operation", views.LastOperationView),
        (rf"{_BINDING}/last_operation", views.LastOperationView),
        (rf"{_BROKER}/catalog", views.CatalogueView),
    )
]
_unknown_path = views.UnknownPath.as_view()


@csrf_exempt  # no browser's session lets anybody in here
def broker(request: HttpRequest) -> HttpResponseBase:
    path, _ = raw_target(request)
    for form, view in ROUTES:
        match = form.fullmatch(path)
        if match is not None:
            return view(request, **match.groupdict())
    return _unknown_path(request)


urlpatterns = [re_path(r"", broker)]
