"""Marks the calls that this service's own simulator makes, so that they are not taken for the partner's.

The mark is made with a key of the service: nobody else can hide by it that a secret is in use.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from credservice.crypto import SealError, authenticate, is_authentic
from exchange.signatures.verify import SIGNATURE_HEADER, SignedRequest

MARK_HEADER = "X-Credservice-Simulated"
_PURPOSE = "simulated_call"


def mark_of(signature: str) -> str:
    """Make the mark of a call that is signed so."""
    return urlsafe_b64encode(authenticate(signature.encode(), _PURPOSE)).decode()


def is_simulated(request: SignedRequest) -> bool:
    """Tell if a request bears the mark of its signature."""
    mark = request.header(MARK_HEADER)
    if mark is None:
        return False
    try:
        signature = request.header(SIGNATURE_HEADER) or ""
        return is_authentic(urlsafe_b64decode(mark), signature.encode(), _PURPOSE)
    except (SealError, ValueError):
        return False
