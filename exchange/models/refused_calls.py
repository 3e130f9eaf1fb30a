"""Keeps calls whose signature was refused, sealed, for the signature debugger."""

import json
import uuid

from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property

from credservice.crypto import Place, unseal
from credservice.crypto.fields import SealedField, place_of
from exchange.signatures.verify import SignedRequest, as_environ


class RefusedCall(models.Model):
    """Keeps the text a signature was made over, and the headers it may have come in: no body, no cookie.

    Of the others, a few that read as a timestamp: each may be the one that was signed.

    Sealed, since who configures a platform wrongly may send a secret where its signature belongs.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    platform = models.ForeignKey("exchange.Platform", on_delete=models.CASCADE, related_name="refused_calls")
    at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=64)
    request_id = models.CharField(max_length=64)
    source = models.GenericIPAddressField(null=True)
    sealed_request = SealedField(editable=False, bound_to=("platform_id",))

    class Meta:
        app_label = "exchange"
        indexes = [models.Index(fields=["platform", "-at"], name="exchange_refusedcall_newest")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.reason}"

    @property
    def place(self) -> Place:
        return place_of(self, "sealed_request")

    @cached_property
    def request(self) -> SignedRequest:
        """Open the request as it was sent. Raises :class:`credservice.crypto.SealError`."""
        method, path, query, headers = json.loads(unseal(bytes(self.sealed_request), self.place))
        return SignedRequest(method, path, query, as_environ(headers))
