"""Proves the chain's head: by our signature, which anybody can check, and a MAC, which nobody else can make.

The signature is Ed25519 by the signing key of our tokens, over bytes that no token's can be (they begin with our
domain and a zero byte). It alone would not do against somebody who writes to the database: they could add a signing
key of their own. The MAC's key is wrapped by the key-encryption key, which is not there; it covers the head and the
key's thumbprint (RFC 7638), which the public key must have.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc.jwk import OKPKey

from credservice.audit.models import AuditSeal
from credservice.crypto import SealError, authenticate, is_authentic
from credservice.keys.models import SigningKey
from credservice.keys.signing_keys import current_signing_key

SIGNED = b"credservice.audit.head.v1\x00"
PURPOSE = "audit head"


def prove(seal: AuditSeal, key: SigningKey) -> None:
    """Fill in ``kid``, ``signature`` and ``mac``; not saved."""
    private = key.open()
    assert isinstance(private, OKPKey)
    signer = private.private_key
    assert isinstance(signer, Ed25519PrivateKey)
    seal.kid, seal.signature = key.kid, signer.sign(SIGNED + bytes(seal.head))
    seal.mac = authenticate(_authenticated(seal), PURPOSE)


def proving_key() -> SigningKey:
    """Return the signing key in use, the first one made here. To be called outside of the sealing's transaction."""
    return current_signing_key("EdDSA", actor="worker")


def require_key() -> None:
    """Raise :class:`SealError` where the key of the MAC cannot be had: a chain that cannot be checked is not broken."""
    authenticate(b"", PURPOSE)


def fault_of(seal: AuditSeal) -> str:
    """Say why the head is not proven to be ours; empty where it is."""
    try:
        authentic = is_authentic(bytes(seal.mac), _authenticated(seal), PURPOSE)
    except SealError as error:
        return f"the key of its authentication code cannot be had: {error}"
    if not authentic:
        return "its authentication code is not ours"
    return _fault_of_signature(seal)


def _fault_of_signature(seal: AuditSeal) -> str:
    jwk = SigningKey.objects.filter(kid=seal.kid).values_list("public_jwk", flat=True).first()
    if jwk is None:
        return f"its signing key {seal.kid} is gone"
    public = OKPKey.import_key({name: jwk.get(name, "") for name in ("kty", "crv", "x")})
    if public.thumbprint() != seal.kid or not isinstance(public.public_key, Ed25519PublicKey):
        return f"its signing key {seal.kid} was exchanged"
    try:
        public.public_key.verify(bytes(seal.signature), SIGNED + bytes(seal.head))
    except InvalidSignature:
        return "its signature is wrong"
    return ""


def _authenticated(seal: AuditSeal) -> bytes:
    return bytes(seal.head) + seal.kid.encode()
