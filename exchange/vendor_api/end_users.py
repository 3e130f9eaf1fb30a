"""Serves the vendor API's routes about end users."""

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import NotFound
from credservice.core.ids import as_uuid
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.etags import require_new
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads, writes
from credservice.vendor_api.paging import filtered, page, page_of
from exchange.lookups import find_end_user, platform_of, refuse_unnamed_for
from exchange.models import EndUser, Platform
from exchange.services.customer_answers import AnswersWouldChange
from exchange.services.end_users import resume_end_user, suspend_end_user, upsert_end_user
from exchange.vendor_api.platform_serializers import PlatformQuerySerializer
from exchange.vendor_api.serializers import (
    EndUserPutQuerySerializer,
    EndUserQuerySerializer,
    EndUserSerializer,
    EndUserUpsertSerializer,
    WhySerializer,
)

ACT: dict[str, Any] = {
    "scope": Scope.WRITE_END_USERS,
    "query": PlatformQuerySerializer,
    "takes": WhySerializer,
    "gives": {200: EndUserSerializer},
    "tagged": True,
}


def show(end_user: EndUser) -> dict[str, Any]:
    return dict(EndUserSerializer(end_user).data)


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


class OneEndUser(VendorView):
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
        platform = platform_of(self.params.get("platform"), EndUser, external_id)
        return self.shown(show(find_end_user(platform, external_id)))

    @writes(
        "put_end_user",
        "Register or change an end user",
        scope=Scope.WRITE_END_USERS,
        query=EndUserPutQuerySerializer,
        takes=EndUserUpsertSerializer,
        gives={200: EndUserSerializer, 201: EndUserSerializer},
        problems=("answers_would_change",),
        tagged=True,
        examples={"A new one": {"end_user_id": "enduser_456def", "name": "Ada", "attributes": {"region": "eu"}}},
    )
    def put(self, request: Request, external_id: str) -> Response:
        """Whatever was there before; a field that is left out stays as it is. ``attributes`` are sent whole: one that
        is left out of them is gone. What would leave installations that are answered today without an answer is refused
        until you accept it. 201 where it is new. ``If-None-Match: *`` only makes, ``If-Match`` only changes."""
        platform = platform_of(self.params.get("platform"), EndUser, external_id)
        external_id = _external_id(platform, external_id)
        if "If-Match" in request.headers:
            rows = EndUser.objects.select_related("platform").filter(platform=platform, external_id=external_id)
            known = rows.select_for_update(of=("self",), no_key=True).first()
            self.require_match(show(known) if known else None)
        refuse_unnamed_for(self.params.get("platform"), platform, external_id)
        try:
            end_user, outcome = upsert_end_user(
                platform=platform,
                external_id=external_id,
                actor=self.actor,
                accept_changed_answers=self.params["accept_changed_answers"],
                **self.body,
            )
        except AnswersWouldChange as refusal:
            named = Scope.READ_INSTALLATIONS in self.caller.token.scopes
            raise AnswersWouldChange(refusal.impact, named=named) from None
        require_new(request._request, created=outcome == "created")
        return self.shown(show(end_user), status=201 if outcome == "created" else 200)


def _external_id(platform: Platform, text: str) -> str:
    """Read who is named by our id, as in every other call; otherwise ``text`` is the vendor's own."""
    if as_uuid(text) is None:
        return text
    try:
        return find_end_user(platform, text).external_id or text
    except NotFound:
        return text


class EndUserAct(VendorView):
    def act(self, service: Callable[..., None], external_id: str) -> Response:
        platform = platform_of(self.params.get("platform"), EndUser, external_id)
        end_user = find_end_user(platform, external_id, lock=True)
        self.require_match(show(end_user))
        service(end_user=end_user, actor=self.actor, why=self.body["why"])
        return self.shown(show(end_user))


class SuspendEndUser(EndUserAct):
    @writes("suspend_end_user", "Suspend an end user", **ACT)
    def post(self, request: Request, external_id: str) -> Response:
        """Its exchanges are refused from now on, and its keys check as not good. Repeating it is harmless."""
        return self.act(suspend_end_user, external_id)


class ResumeEndUser(EndUserAct):
    @writes("resume_end_user", "Resume an end user", **ACT)
    def post(self, request: Request, external_id: str) -> Response:
        """Its exchanges are answered again. Repeating it is harmless."""
        return self.act(resume_end_user, external_id)
