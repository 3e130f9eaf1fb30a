"""Shows, enters and ends the passwords of a platform, by the vendor API. Their texts never go out."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import NotFound
from credservice.core.ids import find_ours
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.fields import OverlapSeconds, StrictSerializer, Text
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads, writes
from credservice.vendor_api.paging import PageQuerySerializer, page, page_of
from credservice.vendor_api.setup import AcceptingSerializer, require_accepted
from provisioning.osb.models import BrokerPassword
from provisioning.osb.passwords import (
    MOST_CHARACTERS,
    end_password,
    ended_by_a_new_one,
    enter_password_once,
    foretell_end,
)
from provisioning.vendor_api.lookups import find_marketplace


class BrokerPasswordSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    marketplace = serializers.CharField(source="marketplace.name", help_text="The user name beside it.")
    hint = serializers.CharField(help_text="A keyed digest of it: tells passwords apart.")
    created_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True, help_text="From then on it lets nobody in. null: the current.")
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute.")


class BrokerPasswordPostSerializer(StrictSerializer):
    password = Text(max_length=MOST_CHARACTERS, help_text="32 characters or more of random ASCII. Never shown.")
    overlap_seconds = OverlapSeconds()


class Passwords(VendorView):
    @reads(
        "list_passwords",
        "List a platform's passwords",
        scope=Scope.READ_SETUP,
        query=PageQuerySerializer,
        gives={200: page_of(BrokerPasswordSerializer)},
    )
    def get(self, request: Request, marketplace: str) -> Response:
        """The newest first, of marketplaces of the protocol ``osb``. Only digests are kept."""
        rows = _of(marketplace)
        return page(request, rows, self.params, lambda found: list(BrokerPasswordSerializer(found, many=True).data))

    @writes(
        "enter_password",
        "Enter a platform's password",
        scope=Scope.WRITE_TRUST,
        query=AcceptingSerializer,
        takes=BrokerPasswordPostSerializer,
        gives={200: BrokerPasswordSerializer, 201: BrokerPasswordSerializer},
        problems=("answers_would_change",),
        examples={"With a day's overlap": {"password": "what openssl rand -base64 32 has printed"}},
    )
    def post(self, request: Request, marketplace: str) -> Response:
        """It becomes the current one, and the one before stays valid for a while. 200 where it is current already.

        Where one that ends with it has let the platform in within 24 hours, it is refused until you accept it.
        """
        found, overlap = find_marketplace(marketplace), timedelta(seconds=self.body["overlap_seconds"])
        told = foretell_end(ended_by_a_new_one(found, overlap))
        password, is_new = enter_password_once(
            marketplace=found, text=self.body["password"], actor=self.actor, overlap=overlap
        )
        if is_new and told:
            require_accepted(self, told)
        return Response(BrokerPasswordSerializer(password).data, status=201 if is_new else 200)


class OnePassword(VendorView):
    """Named by our id."""

    @reads(
        "read_password",
        "Read a platform's password, without its text",
        scope=Scope.READ_SETUP,
        gives={200: BrokerPasswordSerializer},
        tagged=True,
    )
    def get(self, request: Request, marketplace: str, password: str) -> Response:
        return self.shown(BrokerPasswordSerializer(_find(marketplace, password)).data)


class EndPassword(VendorView):
    @writes(
        "end_password",
        "End a platform's password",
        scope=Scope.WRITE_TRUST,
        query=AcceptingSerializer,
        gives={200: BrokerPasswordSerializer},
        problems=("answers_would_change",),
    )
    def post(self, request: Request, marketplace: str, password: str) -> Response:
        """It lets nobody in from now on, also where it is the current one. Repeating it is harmless.

        One that has let the platform in within 24 hours ends where you accept it.
        """
        found = _find(marketplace, password)
        if told := foretell_end(BrokerPassword.objects.live().filter(pk=found.pk)):
            require_accepted(self, told)
        end_password(password=found, actor=self.actor)
        found.refresh_from_db()
        return Response(BrokerPasswordSerializer(found).data)


def _of(marketplace: str) -> QuerySet[BrokerPassword]:
    return BrokerPassword.objects.filter(marketplace=find_marketplace(marketplace)).select_related("marketplace")


def _find(marketplace: str, password: str) -> BrokerPassword:
    found = find_ours(_of(marketplace), password)
    if found is None:
        raise NotFound("This marketplace has no such password.")
    return found
