"""Serves the vendor API's routes about grants, each the credential that is handed out to one end user."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import NotFound
from credservice.core.ids import find_ours
from credservice.credentials.models import Credential
from credservice.credentials.vendor_api.routes import once_issued
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.etags import require_new
from credservice.vendor_api.idempotency import Answer
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads, writes
from credservice.vendor_api.paging import filtered, page, page_of
from exchange.lookups import (
    find_end_user,
    find_grant,
    find_installation,
    find_integration,
    platform_of,
    refuse_unnamed,
)
from exchange.models import EndUser, Grant, Installation, Integration
from exchange.services.grants import put_grant, withdraw_grant
from exchange.vendor_api.serializers import (
    GrantPlaceQuerySerializer,
    GrantPutSerializer,
    GrantQuerySerializer,
    GrantSerializer,
    GrantWithdrawalQuerySerializer,
)

Parties = tuple[Integration, EndUser, Installation | None]
_RELATED = ("integration__platform", "end_user", "installation")


def show_all(grants: Sequence[Grant]) -> list[dict[str, Any]]:
    """Show grants with what each hands out now: two queries, however many there are."""
    found = Credential.objects.unended().filter(line__in={grant.line for grant in grants})
    # As exchange.queries chooses: usable before pending, the active one before a retiring one, the newest.
    rows = sorted(found.defer("context", "handle", "value_digests"), key=lambda each: each.created_at, reverse=True)
    rows = [each for each in rows if each.is_usable() or each.state == Credential.State.PENDING]
    rows.sort(key=lambda each: (not each.is_usable(), each.state))
    for grant in grants:
        grant.handed_out = next((each for each in rows if each.line == grant.line), None)  # type: ignore[attr-defined]
    return list(GrantSerializer(grants, many=True).data)


def show(grant: Grant) -> dict[str, Any]:
    return show_all([grant])[0]


class GrantView(VendorView):
    def parties(self, external_id: str, integration_id: str) -> Parties:
        """Find what path and query name. Raises NotFound."""
        platform = platform_of(self.params.get("platform"), EndUser, external_id)
        name = self.params.get("installation")
        installation = find_installation(platform, name) if name is not None else None
        # The end user is locked before any grant of it, as put_grant does: who meets waits only one way.
        end_user = find_end_user(platform, external_id, lock=self.request.method != "GET")
        return find_integration(platform, integration_id), end_user, installation

    def locked(self, parties: Parties) -> Grant | None:
        """Lock their grant and its line of credentials, with If-Match asked."""
        found = find_grant(*parties, lock=True)
        if found is not None:
            # A rotation locks none but the credentials: without these, it would come between the look and the write.
            # As the write may do: after a younger row alone, an older one would be out of order.
            Credential.objects.lock_line(found.line)
        self.require_match(show(found) if found else None)
        return found


class Grants(VendorView):
    @reads(
        "list_grants",
        "List grants",
        scope=Scope.READ_GRANTS,
        query=GrantQuerySerializer,
        gives={200: page_of(GrantSerializer)},
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        lookups = {"external_id": "end_user__external_id", "integration_id": "integration__integration_id"}
        where = filtered(self.params, platform="integration__platform__name", line="line", **lookups)
        return page(request, Grant.objects.select_related(*_RELATED).filter(**where), self.params, show_all)


class OneGrant(VendorView):
    @reads("read_grant", "Read a grant", scope=Scope.READ_GRANTS, gives={200: GrantSerializer}, tagged=True)
    def get(self, request: Request, grant: str) -> Response:
        """By our id."""
        found = find_ours(Grant.objects.select_related(*_RELATED), grant)
        if found is None:
            raise NotFound("There is no grant with this id.")
        return self.shown(show(found))


class GrantOfEndUser(GrantView):
    """Show what an end user is handed for an integration; with ``installation``, what that one alone is handed."""

    @reads(
        "read_end_user_grant",
        "Read an end user's grant",
        scope=Scope.READ_GRANTS,
        query=GrantPlaceQuerySerializer,
        gives={200: GrantSerializer},
        tagged=True,
    )
    def get(self, request: Request, external_id: str, integration_id: str) -> Response:
        found = find_grant(*self.parties(external_id, integration_id))
        if found is None:
            raise _nothing()
        return self.shown(show(found))

    @writes(
        "put_end_user_grant",
        "Grant an end user a credential",
        scope=Scope.WRITE_GRANTS,
        query=GrantPlaceQuerySerializer,
        takes=GrantPutSerializer,
        gives={200: GrantSerializer, 201: GrantSerializer, 202: GrantSerializer},
        tagged=True,
        examples={"Values of yours": {"values": {"apiKey": "..."}}, "Made by its issuer": {}},
    )
    def put(self, request: Request, external_id: str, integration_id: str) -> Answer:
        """The next exchange hands it out. Other values than before make a successor, and the present ones stay good
        for the overlap. The same values change nothing, also where the integration has another policy by now: that
        takes hold with new ones."""
        parties = self.parties(external_id, integration_id)
        if "If-Match" in request.headers:
            self.locked(parties)
        integration, end_user, installation = parties
        seconds = self.body.get("overlap_seconds")
        grant, credential, outcome = put_grant(
            integration=integration,
            end_user=end_user,
            installation=installation,
            values=self.body.get("values"),
            overlap=None if seconds is None else timedelta(seconds=seconds),
            actor=self.actor,
        )
        require_new(request._request, created=outcome == "created")
        if outcome == "created":
            refuse_unnamed(self.params.get("platform"))
        status = 201 if outcome == "created" else 200
        return once_issued(credential, self.actor, lambda issued: self._answer(grant, issued, status))

    @writes(
        "withdraw_end_user_grant",
        "Withdraw an end user's grant",
        scope=Scope.WRITE_GRANTS,
        query=GrantWithdrawalQuerySerializer,
        gives={204: None},
        tagged=True,
    )
    def delete(self, request: Request, external_id: str, integration_id: str) -> Response:
        """Its credentials are revoked, unless another grant hands them out as well. A policy that makes credentials
        itself makes a new one at the next exchange: suspend the end user or the installation to keep them out."""
        found = self.locked(self.parties(external_id, integration_id))
        if found is None:
            raise _nothing()
        withdraw_grant(grant=found, actor=self.actor, reason=self.params.get("reason", "withdrawn by the vendor"))
        return Response(status=204)

    def _answer(self, grant: Grant, credential: Credential, status: int) -> Response:
        status = 202 if credential.state == Credential.State.PENDING else status
        return self.shown(show(grant), status=status, location=f"/api/v1/grants/{grant.pk}")


def _nothing() -> NotFound:
    return NotFound("Nothing is granted to this end user for this integration.")
