"""Shows and writes platforms and their integrations by the vendor API."""

from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.ids import find_theirs_or_ours
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads, writes
from credservice.vendor_api.paging import PageQuerySerializer, filtered, page, page_of
from credservice.vendor_api.setup import AcceptingSerializer, SetupView
from exchange.lookups import find_integration, platform_of, platform_of_name, refuse_unnamed
from exchange.models import Integration, Platform
from exchange.vendor_api.platform_serializers import (
    IntegrationPutQuerySerializer,
    IntegrationPutSerializer,
    IntegrationQuerySerializer,
    IntegrationSerializer,
    PlatformPutSerializer,
    PlatformQuerySerializer,
    PlatformSerializer,
)


class Platforms(VendorView):
    """Without their secrets."""

    @reads(
        "list_platforms",
        "List platforms",
        scope=Scope.READ_SETUP,
        query=PageQuerySerializer,
        gives={200: page_of(PlatformSerializer)},
    )
    def get(self, request: Request) -> Response:
        rows = Platform.objects.all()
        return page(request, rows, self.params, lambda found: list(PlatformSerializer(found, many=True).data))


class OnePlatform(SetupView):
    """Named by its name."""

    @reads("read_platform", "Read a platform", scope=Scope.READ_SETUP, gives={200: PlatformSerializer}, tagged=True)
    def get(self, request: Request, platform: str) -> Response:
        return self.shown(PlatformSerializer(platform_of_name(platform)).data)

    @writes(
        "put_platform",
        "Create or change a platform",
        scope=Scope.WRITE_SETUP,
        query=AcceptingSerializer,
        takes=PlatformPutSerializer,
        gives={200: PlatformSerializer, 201: PlatformSerializer},
        problems=("answers_would_change",),
        tagged=True,
        examples={"MindCloud, with its API": {"api_url": "https://api.mindcloud.co", "api_key": "the key of that API"}},
    )
    def put(self, request: Request, platform: str) -> Response:
        """Keep what is left out as it is. A new one answers nothing until it has a signing secret.

        A signature profile or limit by which calls may be refused that hold now is refused until you accept it; so is
        taking the default away from a platform that calls.
        """
        return self.put_entry(("platforms", platform), Platform.objects.filter(name=platform), PlatformSerializer)


class Integrations(VendorView):
    @reads(
        "list_integrations",
        "List integrations",
        scope=Scope.READ_SETUP,
        query=IntegrationQuerySerializer,
        gives={200: page_of(IntegrationSerializer)},
    )
    def get(self, request: Request) -> Response:
        """List what end users can install, the newest first."""
        rows = Integration.objects.select_related("platform", "policy")
        rows = rows.filter(**filtered(self.params, platform="platform__name", policy="policy__name"))
        return page(request, rows, self.params, lambda found: list(IntegrationSerializer(found, many=True).data))


class OneIntegration(SetupView):
    """Named by the platform's integrationId, or by our id."""

    @reads(
        "read_integration",
        "Read an integration",
        scope=Scope.READ_SETUP,
        query=PlatformQuerySerializer,
        gives={200: IntegrationSerializer},
        tagged=True,
    )
    def get(self, request: Request, integration_id: str) -> Response:
        found = find_integration(platform_of(self.params.get("platform"), Integration, integration_id), integration_id)
        return self.shown(IntegrationSerializer(found).data)

    @writes(
        "put_integration",
        "Create or change an integration",
        scope=Scope.WRITE_SETUP,
        query=IntegrationPutQuerySerializer,
        takes=IntegrationPutSerializer,
        gives={200: IntegrationSerializer, 201: IntegrationSerializer},
        problems=("answers_would_change",),
        tagged=True,
        examples={"A new one": {"policy": "acme-keys", "response_shape": {"apiKey": "$credential.apiKey"}}},
    )
    def put(self, request: Request, integration_id: str) -> Response:
        """Keep what is left out as it is; a new one needs ``policy`` and ``response_shape``.

        What would change the answers of customers, or leave them without one, is refused until you accept it.
        """
        platform = platform_of(self.params.get("platform"), Integration, integration_id)
        rows = Integration.objects.select_related("platform", "policy").filter(platform=platform)
        known = find_theirs_or_ours(rows, "integration_id", integration_id)
        if not known:
            refuse_unnamed(self.params.get("platform"))
        theirs = known[0].integration_id if known else integration_id
        path = ("platforms", platform.name, "integrations", theirs)
        return self.put_entry(path, rows.filter(integration_id=theirs), IntegrationSerializer)
