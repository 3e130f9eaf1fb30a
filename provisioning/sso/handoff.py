"""Hands a user over to the vendor's own dashboard: a signed token in its address, good for a minute and for once.

See docs/protocols/manifold.md, "Your own dashboard", for the vendor's part.
"""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import httpx2
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.http import urlsafe_base64_decode

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict
from credservice.crypto import digest
from credservice.keys.signing_keys import current_signing_key
from provisioning.models import HandOver, Resource
from provisioning.sso.signed_on import SignedOn

ALGORITHM = "EdDSA"
LIFETIME = timedelta(seconds=60)
# Not a JWT of the issuer's, which the same keys sign: neither can be taken for the other (RFC 8725, 3.11).
TYPE = "handover+jwt"
MAX_TOKEN = 8 * 1024  # characters


def hand_over(signed_on: SignedOn) -> str:
    """Make the address of the vendor's dashboard, with a token for this user and resource."""
    resource, now = signed_on.resource, timezone.now()
    row = HandOver(resource=resource, expires_at=now + LIFETIME)
    token = current_signing_key(ALGORITHM, actor="sso").sign_token(_claims(signed_on, row.pk, now), typ=TYPE)
    row.digest = _digest(token)
    with transaction.atomic():
        HandOver.objects.filter(expires_at__lte=now).delete()
        row.save(force_insert=True)
        record(Line.about(resource, "sso.handed_over", signed_on.actor, _facts(resource, row.pk), outcome="granted"))
    return str(httpx2.URL(resource.product.dashboard_url).copy_merge_params({"token": token}))


def redeem(*, token: str, actor: str, audience: str) -> Resource:
    """Use a token up; returns the resource whose user it lets in.

    ``audience`` is the dashboard that redeems: only a token that was made for it is used up.
    Raises :class:`Conflict` for another one's; and where it has been used, has expired or was never ours, all alike.
    """
    with transaction.atomic():
        rows = HandOver.objects.select_for_update(of=("self",)).select_related("resource__marketplace")
        row = rows.filter(digest=_digest(token[:MAX_TOKEN])).first()
        # Deleting is what uses it up; whoever came second has waited for the lock, and finds nothing.
        if row is None or row.expires_at <= timezone.now():
            raise Conflict("This token has been redeemed, has expired, or is not ours.")
        if audience != _audience(token):
            raise Conflict("This token was made for another dashboard: its aud is not this audience.")
        hand_over_id = row.pk
        row.delete()
        record(Line.about(row.resource, "sso.redeemed", actor, _facts(row.resource, hand_over_id)))
    return row.resource


def _claims(signed_on: SignedOn, jti: uuid.UUID, now: datetime) -> dict[str, Any]:
    resource, person = signed_on.resource, signed_on.person
    user = {"user_id": person.id, "email": person.email, "name": person.name}
    return {
        "iss": settings.PUBLIC_URL,
        "aud": resource.product.dashboard_url,
        "sub": resource.partner_id,
        "jti": str(jti),
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
        "marketplace": resource.marketplace.name,
        **{name: text for name, text in user.items() if text},
    }


def _audience(token: str) -> str:
    """Read it from a token that was found by its digest, and so is one of ours as it was signed: nothing to verify."""
    return str(json.loads(urlsafe_base64_decode(token.split(".")[1]))["aud"])


def _digest(token: str) -> bytes:
    return digest(token, "sso-hand-over")


def _facts(resource: Resource, jti: uuid.UUID) -> dict[str, str]:
    return {"resource": resource.partner_id, "jti": str(jti)}
