"""The vendor API's routes about end users."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from credservice.exceptions import NotFound
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.etags import require_new
from credservice.vendor_api.listing import filtered, page_of
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads, writes
from credservice.vendor_api.paging import page
from exchange.lookups import as_uuid, find_end_user, find_platform
from exchange.models import EndUser, Platform
from exchange.registration import resume_end_user, suspend_end_user, upsert_end_user
from exchange.vendor_forms import (
    EndUserQuerySerializer,
    EndUserSerializer,
    EndUserUpsertSerializer,
    PlatformQuerySerializer,
    WhySerializer,
)


def show(end_user: EndUser) -> dict[str, Any]:
    return dict(EndUserSerializer(end_user).data)


class EndUserView(VendorView):
    def locked(self, external_id: str) -> EndUser:
        """The end user of the path, locked, with If-Match asked. Raises NotFound."""
        end_user = find_end_user(find_platform(self.params.get("platform")), external_id, lock=True)
        self.require_match(show(end_user))
        return end_user


class EndUsers(VendorView):
    @reads(
        "list_end_users",
        "List end users",
        scope=Scope.READ_END_USERS,
        query=EndUserQuerySerializer,
        gives={200: page_of(EndUserSerializer)},
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        lookups = {"platform": "platform__name", "name": "name__istartswith"}
        where = filtered(self.params, external_id="external_id", end_user_id="end_user_id", **lookups)
        if "state" in self.params:
            where["is_active"] = self.params["state"] == "active"
        rows = EndUser.objects.select_related("platform").filter(**where)
        return page(request, rows, self.params, lambda found: list(EndUserSerializer(found, many=True).data))


class OneEndUser(EndUserView):
    """Named by your own id (``external_id``), or by ours."""

    @reads(
        "read_end_user",
        "Read an end user",
        scope=Scope.READ_END_USERS,
        query=PlatformQuerySerializer,
        gives={200: EndUserSerializer},
        tagged=True,
    )
    def get(self, request: Request, external_id: str) -> Response:
        return self.shown(show(find_end_user(find_platform(self.params.get("platform")), external_id)))

    @writes(
        "put_end_user",
        "Register or change an end user",
        scope=Scope.WRITE_END_USERS,
        query=PlatformQuerySerializer,
        takes=EndUserUpsertSerializer,
        gives={200: EndUserSerializer, 201: EndUserSerializer},
        tagged=True,
        examples={"A new one": {"end_user_id": "enduser_456def", "name": "Ada", "attributes": {"region": "eu"}}},
    )
    def put(self, request: Request, external_id: str) -> Response:
        """Whatever was there before; what is left out stays as it is. 201 where it is new. ``If-None-Match: *`` only
        makes, ``If-Match`` only changes."""
        platform = find_platform(self.params.get("platform"))
        external_id = _external_id(platform, external_id)
        if "If-Match" in request.headers:
            rows = EndUser.objects.select_related("platform").filter(platform=platform, external_id=external_id)
            known = rows.select_for_update(of=("self",), no_key=True).first()
            self.require_match(show(known) if known else None)
        end_user, outcome = upsert_end_user(platform=platform, external_id=external_id, actor=self.actor, **self.body)
        require_new(request._request, created=outcome == "created")
        return self.shown(show(end_user), status=201 if outcome == "created" else 200)


def _external_id(platform: Platform, text: str) -> str:
    """Of who is named by our id, as in every other call; otherwise ``text`` is the vendor's own."""
    if as_uuid(text) is None:
        return text
    try:
        return find_end_user(platform, text).external_id or text
    except NotFound:
        return text


class SuspendEndUser(EndUserView):
    @writes(
        "suspend_end_user",
        "Suspend an end user",
        scope=Scope.WRITE_END_USERS,
        query=PlatformQuerySerializer,
        takes=WhySerializer,
        gives={200: EndUserSerializer},
        tagged=True,
    )
    def post(self, request: Request, external_id: str) -> Response:
        """Its exchanges are refused from now on, and its keys check as not good. Repeating it is harmless."""
        end_user = self.locked(external_id)
        suspend_end_user(end_user=end_user, actor=self.actor, why=self.body["why"])
        return self.shown(show(end_user))


class ResumeEndUser(EndUserView):
    @writes(
        "resume_end_user",
        "Resume an end user",
        scope=Scope.WRITE_END_USERS,
        query=PlatformQuerySerializer,
        takes=WhySerializer,
        gives={200: EndUserSerializer},
        tagged=True,
    )
    def post(self, request: Request, external_id: str) -> Response:
        """Its exchanges are answered again. Repeating it is harmless."""
        end_user = self.locked(external_id)
        resume_end_user(end_user=end_user, actor=self.actor, why=self.body["why"])
        return self.shown(show(end_user))
