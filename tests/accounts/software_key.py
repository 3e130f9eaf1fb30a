"""A security key in software: what a browser and a device answer to WebAuthn's options, made and signed by fido2."""

import json
import secrets
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from fido2.cose import ES256
from fido2.utils import sha256, websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

FLAG = AuthenticatorData.FLAG


class SoftwareKey:
    """Keeps one key, and tells of itself, as most devices do, that it could be asked without a name."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = secrets.token_bytes(32)
        self._user = ""

    def register(self, options: dict[str, Any], *, verified: bool) -> str:
        self._user = options["publicKey"]["user"]["id"]
        public_key = ES256.from_cryptography_key(self._key.public_key())
        credential = AttestedCredentialData.create(b"\0" * 16, self._id, public_key)
        data = self._data(verified, FLAG.AT, credential)
        response = {"attestationObject": websafe_encode(AttestationObject.create("none", data, {}))}
        return self._answer("webauthn.create", options, response, {"credProps": {"rk": True}})

    def sign(self, options: dict[str, Any], *, verified: bool) -> str:
        data, client = self._data(verified), _client("webauthn.get", options)
        signature = self._key.sign(data + sha256(client), ec.ECDSA(hashes.SHA256()))
        response = {
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
            "userHandle": self._user,
        }
        return self._answer("webauthn.get", options, response, {})

    def _data(self, verified: bool, flags: int = 0, credential: bytes = b"") -> AuthenticatorData:
        rp_id = sha256(settings.CONSOLE_URL.split("//")[1].split(":")[0].encode())
        data: AuthenticatorData = AuthenticatorData.create(
            rp_id, FLAG.UP | flags | (FLAG.UV if verified else 0), 1, credential
        )
        return data

    def _answer(self, kind: str, options: Any, response: dict[str, str], extensions: dict[str, Any]) -> str:
        name = websafe_encode(self._id)
        response["clientDataJSON"] = websafe_encode(_client(kind, options))
        answer = {"id": name, "rawId": name, "type": "public-key", "response": response}
        return json.dumps(answer | {"clientExtensionResults": extensions})


def _client(kind: str, options: dict[str, Any]) -> CollectedClientData:
    challenge = websafe_decode(options["publicKey"]["challenge"])
    return CollectedClientData.create(kind, challenge, settings.CONSOLE_URL.rstrip("/"))
