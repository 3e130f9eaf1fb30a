"""Marks the calls that this service's own simulator makes, so that they are not taken for the partner's.

The mark is made with a key of the service: nobody else can hide by it that a secret is in use.
"""

from base64 import urlsafe_b64encode
from hmac import compare_digest

from credservice.crypto import authenticate
from exchange.signatures.verify import SIGNATURE_HEADER, SignedRequest

MARK_HEADER = "X-Credservice-Simulated"


def mark_of(signature: str) -> str:
    """Make the mark of a call that is signed so."""
    return urlsafe_b64encode(authenticate(signature.encode(), "simulated_call")).decode()


def is_simulated(request: SignedRequest) -> bool:
    """Tell if a request bears the mark of its signature."""
    mark = request.header(MARK_HEADER)
    return mark is not None and compare_digest(mark.encode(), mark_of(request.header(SIGNATURE_HEADER) or "").encode())
