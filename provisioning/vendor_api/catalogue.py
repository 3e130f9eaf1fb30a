"""Shows and writes marketplaces, and what they may order, by the vendor API."""

from typing import Any, ClassVar

from django.db.models import Model
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import NotFound
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads, writes
from credservice.vendor_api.paging import PageQuerySerializer, page, page_of
from credservice.vendor_api.setup import AcceptingSerializer, SetupView
from provisioning.models import Feature, Marketplace, Plan
from provisioning.vendor_api.catalogue_serializers import (
    FeaturePutSerializer,
    FeatureSerializer,
    MarketplacePutSerializer,
    MarketplaceSerializer,
    PlanPutSerializer,
    PlanSerializer,
    ProductPutSerializer,
    ProductSerializer,
)
from provisioning.vendor_api.lookups import find_marketplace, find_product

LIST: dict[str, Any] = {"scope": Scope.READ_SETUP, "query": PageQuerySerializer}
READ: dict[str, Any] = {"scope": Scope.READ_SETUP, "tagged": True}
WRITE: dict[str, Any] = {"scope": Scope.WRITE_SETUP, "tagged": True}
BY_LABEL = ("label", "pk")


class Marketplaces(VendorView):
    """Without their secrets."""

    @reads("list_marketplaces", "List marketplaces", gives={200: page_of(MarketplaceSerializer)}, **LIST)
    def get(self, request: Request) -> Response:
        rows = Marketplace.objects.all()
        return page(request, rows, self.params, lambda found: list(MarketplaceSerializer(found, many=True).data))


class OneMarketplace(SetupView):
    """Named by its name."""

    @reads("read_marketplace", "Read a marketplace", gives={200: MarketplaceSerializer}, **READ)
    def get(self, request: Request, marketplace: str) -> Response:
        return self.shown(MarketplaceSerializer(find_marketplace(marketplace)).data)

    @writes(
        "put_marketplace",
        "Create or change a marketplace",
        takes=MarketplacePutSerializer,
        gives={200: MarketplaceSerializer, 201: MarketplaceSerializer},
        examples={"A platform of Open Service Broker": {"protocol": "osb"}},
        **WRITE,
    )
    def put(self, request: Request, marketplace: str) -> Response:
        """Keep what is left out as it is. A new one can order nothing before a key of its own is entered."""
        rows = Marketplace.objects.filter(name=marketplace)
        return self.put_entry(("marketplaces", marketplace), rows, MarketplaceSerializer)


class Products(VendorView):
    @reads("list_products", "List products", gives={200: page_of(ProductSerializer)}, **LIST)
    def get(self, request: Request, marketplace: str) -> Response:
        """List what can be ordered of a marketplace, by label from the end of the alphabet."""
        rows = find_marketplace(marketplace).products.select_related("marketplace", "policy")
        show = ProductSerializer
        return page(request, rows, self.params, lambda found: list(show(found, many=True).data), BY_LABEL)


class OneProduct(SetupView):
    """Named by its label."""

    @reads("read_product", "Read a product", gives={200: ProductSerializer}, **READ)
    def get(self, request: Request, marketplace: str, product: str) -> Response:
        return self.shown(ProductSerializer(find_product(marketplace, product)).data)

    @writes(
        "put_product",
        "Create or change a product",
        query=AcceptingSerializer,
        takes=ProductPutSerializer,
        gives={200: ProductSerializer, 201: ProductSerializer},
        problems=("answers_would_change",),
        examples={"A new one": {"name": "Bear", "policy": "bear-keys", "regions": ["all::global"]}},
        **WRITE,
    )
    def put(self, request: Request, marketplace: str, product: str) -> Response:
        """Keep what is left out as it is; a new one needs ``policy``, and where the protocol has some, ``regions``.

        Another policy, whose values have other names than its live credentials, is refused until you accept it. So is
        another shape of live bindings.
        """
        rows = find_marketplace(marketplace).products.select_related("marketplace", "policy").filter(label=product)
        return self.put_entry(("marketplaces", marketplace, "products", product), rows, ProductSerializer)


class OfProduct(SetupView):
    """Plans and features: of one product, named by their labels."""

    model: ClassVar[type[Model]]
    section: ClassVar[str]

    def rows(self, marketplace: str, product: str) -> Any:
        found = find_product(marketplace, product)
        return self.model._default_manager.filter(product=found).select_related("product__marketplace")

    def one(self, marketplace: str, product: str, label: str) -> Any:
        found = self.rows(marketplace, product).filter(label=label).first()
        if found is None:
            raise NotFound(f"The product has no {self.model._meta.verbose_name} with this label.")
        return found

    def put_one(self, form: Any, marketplace: str, product: str, label: str) -> Response:
        path = ("marketplaces", marketplace, "products", product, self.section, label)
        return self.put_entry(path, self.rows(marketplace, product).filter(label=label), form)


class Plans(OfProduct):
    model = Plan

    @reads("list_plans", "List a product's plans", gives={200: page_of(PlanSerializer)}, **LIST)
    def get(self, request: Request, marketplace: str, product: str) -> Response:
        """By label, from the end of the alphabet."""
        rows = self.rows(marketplace, product).prefetch_related("changes_to")
        return page(request, rows, self.params, lambda found: list(PlanSerializer(found, many=True).data), BY_LABEL)


class OnePlan(OfProduct):
    """Named by its label."""

    model, section = Plan, "plans"

    @reads("read_plan", "Read a plan", gives={200: PlanSerializer}, **READ)
    def get(self, request: Request, marketplace: str, product: str, plan: str) -> Response:
        return self.shown(PlanSerializer(self.one(marketplace, product, plan)).data)

    @writes(
        "put_plan",
        "Create or change a plan",
        takes=PlanPutSerializer,
        gives={200: PlanSerializer, 201: PlanSerializer},
        examples={"A new one": {"name": "Small", "is_free": False, "changes_to": None}},
        **WRITE,
    )
    def put(self, request: Request, marketplace: str, product: str, plan: str) -> Response:
        """Keep what is left out as it is."""
        return self.put_one(PlanSerializer, marketplace, product, plan)


class Features(OfProduct):
    model = Feature

    @reads("list_features", "List a product's features", gives={200: page_of(FeatureSerializer)}, **LIST)
    def get(self, request: Request, marketplace: str, product: str) -> Response:
        """By label, from the end of the alphabet."""
        rows = self.rows(marketplace, product).prefetch_related("plans")
        return page(request, rows, self.params, lambda found: list(FeatureSerializer(found, many=True).data), BY_LABEL)


class OneFeature(OfProduct):
    """Named by its label."""

    model, section = Feature, "features"

    @reads("read_feature", "Read a feature", gives={200: FeatureSerializer}, **READ)
    def get(self, request: Request, marketplace: str, product: str, feature: str) -> Response:
        return self.shown(FeatureSerializer(self.one(marketplace, product, feature)).data)

    @writes(
        "put_feature",
        "Create or change a feature",
        takes=FeaturePutSerializer,
        gives={200: FeatureSerializer, 201: FeatureSerializer},
        examples={"A choice": {"type": "string", "values": ["red", "blue"]}},
        **WRITE,
    )
    def put(self, request: Request, marketplace: str, product: str, feature: str) -> Response:
        """Keep what is left out as it is; a new one needs its ``type``."""
        return self.put_one(FeatureSerializer, marketplace, product, feature)
