"""Answers the vendor API's calls about installations."""

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from credservice.vendor_api.base import VendorView
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads, writes
from credservice.vendor_api.paging import filtered, page, page_of
from exchange.lookups import find_installation, platform_of
from exchange.models import Installation
from exchange.services.end_users import (
    approve_installation,
    refuse_installation,
    resume_installation,
    suspend_installation,
)
from exchange.vendor_api.platform_serializers import PlatformQuerySerializer
from exchange.vendor_api.serializers import (
    InstallationQuerySerializer,
    InstallationSerializer,
    WhySerializer,
)

ACT: dict[str, Any] = {
    "scope": Scope.WRITE_INSTALLATIONS,
    "query": PlatformQuerySerializer,
    "takes": WhySerializer,
    "gives": {200: InstallationSerializer},
    "tagged": True,
}


class Installations(VendorView):
    @reads(
        "list_installations",
        "List installations",
        scope=Scope.READ_INSTALLATIONS,
        query=InstallationQuerySerializer,
        gives={200: page_of(InstallationSerializer)},
    )
    def get(self, request: Request) -> Response:
        """The newest first. ``state=pending``: those that wait for your approval."""
        lookups = {"external_id": "end_user__external_id", "integration_id": "integration__integration_id"}
        rows = Installation.objects.select_related("platform", "integration", "end_user")
        rows = rows.filter(**filtered(self.params, platform="platform__name", state="state", **lookups))
        return page(request, rows, self.params, lambda found: list(InstallationSerializer(found, many=True).data))


class OneInstallation(VendorView):
    """Named by the platform's installationId, or by our id."""

    @reads(
        "read_installation",
        "Read an installation",
        scope=Scope.READ_INSTALLATIONS,
        query=PlatformQuerySerializer,
        gives={200: InstallationSerializer},
        tagged=True,
    )
    def get(self, request: Request, installation_id: str) -> Response:
        platform = platform_of(self.params.get("platform"), Installation, installation_id)
        return self.shown(InstallationSerializer(find_installation(platform, installation_id)).data)


class InstallationAct(VendorView):
    def act(self, service: Callable[..., None], installation_id: str) -> Response:
        platform = platform_of(self.params.get("platform"), Installation, installation_id)
        installation = find_installation(platform, installation_id, lock=True)
        self.require_match(InstallationSerializer(installation).data)
        service(installation=installation, actor=self.actor, why=self.body["why"])
        return self.shown(InstallationSerializer(installation).data)


class ApproveInstallation(InstallationAct):
    @writes("approve_installation", "Approve an installation", **ACT)
    def post(self, request: Request, installation_id: str) -> Response:
        """From now on it is handed its end user's credential. Repeating it is harmless."""
        return self.act(approve_installation, installation_id)


class RefuseInstallation(InstallationAct):
    @writes("refuse_installation", "Refuse an installation", **ACT)
    def post(self, request: Request, installation_id: str) -> Response:
        """One that waits for approval is kept out; approving it later lets it in. Repeating it is harmless."""
        return self.act(refuse_installation, installation_id)


class SuspendInstallation(InstallationAct):
    @writes("suspend_installation", "Suspend an installation", **ACT)
    def post(self, request: Request, installation_id: str) -> Response:
        """Its exchanges are refused from now on. Refuse one that waits for approval. Repeating it is harmless."""
        return self.act(suspend_installation, installation_id)


class ResumeInstallation(InstallationAct):
    @writes("resume_installation", "Resume an installation", **ACT)
    def post(self, request: Request, installation_id: str) -> Response:
        """Its exchanges are answered again. Repeating it is harmless."""
        return self.act(resume_installation, installation_id)
