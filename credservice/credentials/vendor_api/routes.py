"""Serves the vendor API's routes about credentials. Each act is a service function of ``credservice.credentials``."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import NotFound
from credservice.core.ids import find_ours
from credservice.credentials.hooks import policy_of_successor
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import record_repeated_reveal, reveal, revoke, rotate, try_issue
from credservice.credentials.shared_values import LOOKED_AT, holders_elsewhere
from credservice.credentials.vendor_api.serializers import (
    NO_POLICY,
    CredentialOrderSerializer,
    CredentialQuerySerializer,
    CredentialSerializer,
    CredentialValuesSerializer,
    RevealedSerializer,
    RevelationSerializer,
    RevocationSerializer,
    RotationSerializer,
)
from credservice.credentials.vendor_values import create_credential, put_credential
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.idempotency import Answer, Deferred
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import Operation, reads, writes
from credservice.vendor_api.paging import filtered, page, page_of
from credservice.vendor_api.problems import refused

MADE = {201: CredentialSerializer, 202: CredentialSerializer}


def show(credential: Credential) -> dict[str, Any]:
    return dict(CredentialSerializer(credential).data)


def once_issued(credential: Credential, actor: str, answer: Callable[[Credential], Response]) -> Answer:
    """Answer about a new credential; where its issuer is elsewhere, after it was asked, which follows the commit."""
    if credential.state != Credential.State.PENDING:
        return answer(credential)
    return Deferred(answer(credential), lambda: answer(try_issue(credential, actor=actor)))


class CredentialView(VendorView):
    def made(self, credential: Credential) -> Answer:
        """Answer about a new credential: 201, or 202 while its issuer cannot be reached."""
        return once_issued(credential, self.actor, self._created)

    def _created(self, credential: Credential) -> Response:
        status = 202 if credential.state == Credential.State.PENDING else 201
        return self.shown(show(credential), status=status, location=f"/api/v1/credentials/{credential.pk}")

    def with_other_lines(self, credential: Credential) -> dict[str, Any]:
        """Show it, with what of another line has a secret of it: to a token that may read that one as well, and also
        once its end is confirmed, which may have been too soon."""
        shown = show(credential)
        may_know = Scope.READ_CREDENTIALS in self.caller.token.scopes
        if may_know and credential.outside and shown["shared_with"] is None:
            holders = holders_elsewhere(credential, at_most=LOOKED_AT)
            shown["shared_with"] = next((str(each.pk) for each in holders), None)
        return shown

    def locked(self, text: str) -> Credential:
        """Lock the credential of the path with its line, as the act itself may do. Ask If-Match. Raises NotFound."""
        credential = Credential.objects.lock_one(find(text), with_line=True)
        self.require_match(show(credential))
        return credential


class Credentials(CredentialView):
    @reads(
        "list_credentials",
        "List credentials",
        scope=Scope.READ_CREDENTIALS,
        query=CredentialQuerySerializer,
        gives={200: page_of(CredentialSerializer)},
    )
    def get(self, request: Request) -> Response:
        """The newest first, without values."""
        lookups = {"state": "state", "policy": "policy__name", "subject": "subject", "line": "line"}
        lookups |= {"hint": "hint", "outside": "outside"}
        rows = Credential.objects.with_use().select_related("policy").filter(**filtered(self.params, **lookups))
        rows = rows.defer("sealed_values", "lookup", "value_digests", "handle")
        if "leaked" in self.params:
            rows = rows.filter(leaked_at__isnull=not self.params["leaked"])
        if self.params.get("lacks_value"):
            rows = rows.lacking_values()
        return page(request, rows, self.params, lambda found: list(CredentialSerializer(found, many=True).data))

    @writes(
        "create_credential",
        "Make a credential",
        scope=Scope.WRITE_CREDENTIALS,
        takes=CredentialOrderSerializer,
        gives=MADE,
        tagged=True,
        examples={
            "Made by its issuer": {"policy": "orders-api", "context": {"external_id": "customer-1"}},
            "With values of yours": {"policy": "entered", "values": {"apiKey": "..."}},
        },
    )
    def post(self, request: Request) -> Answer:
        """By a policy, for whoever you say. It is answered without its values: reveal them where you need them."""
        order = dict(self.body)
        policy = CredentialPolicy.objects.filter(name=order["policy"]).first()
        if policy is None:
            raise refused("/policy", NO_POLICY)
        credential = create_credential(
            policy=policy,
            subject=order["subject"],
            context=order.get("context", {}),
            values=order.get("values"),
            actor=self.actor,
        )
        return self.made(credential)


class OneCredential(CredentialView):
    @reads(
        "read_credential",
        "Read a credential",
        scope=Scope.READ_CREDENTIALS,
        gives={200: CredentialSerializer},
        tagged=True,
    )
    def get(self, request: Request, credential: str) -> Response:
        """Everything about it but its values."""
        return self.shown(self.with_other_lines(find(credential)))


class CredentialValues(CredentialView):
    @writes(
        "set_credential_values",
        "Set a credential's values",
        scope=Scope.WRITE_CREDENTIALS,
        takes=CredentialValuesSerializer,
        gives={200: CredentialSerializer, 201: CredentialSerializer},
        tagged=True,
        examples={"New values": {"values": {"apiKey": "..."}}},
    )
    def put(self, request: Request, credential: str) -> Answer:
        """Of a policy that makes none itself. Other values make a successor, which is answered with 201 and handed out
        from now on; the values that the active one of its line has change nothing, and are answered with 200: so a call
        can be repeated. One that is retiring takes them where its successor was revoked, so that it is what is handed
        out: it keeps its end, and also the same values make a successor."""
        found = self.locked(credential)
        put, is_new = put_credential(
            credential=found,
            values=self.body["values"],
            actor=self.actor,
            policy=policy_of_successor(found),
            overlap=_overlap(self.body),
        )
        return self.made(put) if is_new else self.shown(show(put))


class Rotation(CredentialView):
    @writes(
        "rotate_credential",
        "Rotate a credential",
        scope=Scope.WRITE_CREDENTIALS,
        takes=RotationSerializer,
        gives=MADE,
        tagged=True,
        examples={"By its policy": {}, "It has leaked": {"leaked": True, "reason": "in a log"}},
    )
    def post(self, request: Request, credential: str) -> Answer:
        """Makes its successor, which is answered. The current one stays valid for the policy's overlap; not at all
        where it has leaked. One that is retiring can be rotated where its successor was revoked, so that it is what is
        handed out: it keeps its end. A rotation that is pending is in the way, unless you force a new one with a
        reason."""
        found = self.locked(credential)
        successor = rotate(
            credential=found,
            actor=self.actor,
            overlap=timedelta(0) if self.body["leaked"] else _overlap(self.body),
            entered=self.body.get("values"),
            force_reason=self.body.get("force_reason", ""),
            policy=policy_of_successor(found),
            reason=self.body.get("reason", ""),
        )
        return self.made(successor)


class Revocation(CredentialView):
    @writes(
        "revoke_credential",
        "Revoke a credential",
        scope=Scope.WRITE_CREDENTIALS,
        takes=RevocationSerializer,
        gives={200: CredentialSerializer},
        tagged=True,
        examples={
            "A customer has left": {"reason": "the customer has left"},
            "You have ended it in your product": {"reason": "deleted in our product", "ended_outside": True},
        },
    )
    def post(self, request: Request, credential: str) -> Response:
        """It is handed out no more from now on. Where something has to be ended outside, its state is ``retiring``
        until that is done; a worker sees to it, and never gives up. A predecessor that is retiring is handed out again
        until its end, unless ``predecessors`` ends it too: an older version may lack values that answers ask for by
        now, and whoever is handed it gets no answer. Repeating it is harmless."""
        revoked = revoke(
            credential=self.locked(credential),
            actor=self.actor,
            reason=self.body["reason"],
            predecessors=self.body["predecessors"],
            leaked=self.body["leaked"],
            ended_outside=self.body["ended_outside"],
        )
        return self.shown(self.with_other_lines(revoked))


class Revelation(CredentialView):
    def run(self, operation: Operation, handler: Callable[[], Answer]) -> Response:
        """Record a repeated answer as well, before it is given: it holds the values as well."""
        response = super().run(operation, handler)
        if "Idempotent-Replayed" in response:
            record_repeated_reveal(credential=find(self.kwargs["credential"]), actor=self.actor)
        return response

    @writes(
        "reveal_credential",
        "Read a credential's values",
        scope=Scope.REVEAL_CREDENTIALS,
        takes=RevelationSerializer,
        gives={200: RevealedSerializer},
        examples={"Shown to its owner": {"reason": "shown to the customer once"}},
    )
    def post(self, request: Request, credential: str) -> Response:
        """Recorded in the trail, with your reason. A POST: the answer must be in no cache and no browser's history."""
        found = Credential.objects.lock_one(find(credential))
        return Response({"values": reveal(credential=found, actor=self.actor, reason=self.body["reason"])})


def find(text: str) -> Credential:
    """Find the credential with this id. Raises NotFound."""
    found = find_ours(Credential.objects.select_related("policy"), text)
    if found is None:
        raise NotFound("There is no credential with this id.")
    return found


def _overlap(body: Mapping[str, Any]) -> timedelta | None:
    seconds = body.get("overlap_seconds")
    return None if seconds is None else timedelta(seconds=seconds)
