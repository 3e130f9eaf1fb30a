"""A server that behaves as the API documentation of Vault's and OpenBao's Transit engine says, over real HTTP.

What it refuses, and with which words, is read from the engine's source (path_encrypt.go, path_decrypt.go, policy.go).
"""

import base64
import binascii
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from credservice.crypto.derive import derive
from tests.support.http_server import Answer, Received, Server, http_server

TOKEN = "hvs.first-token-of-the-tests"


class BadRequest(Exception):
    """400, with the server's words."""


@dataclass
class Key:
    derived: bool = False
    versions: list[bytes] = field(default_factory=lambda: [os.urandom(32)])
    min_decryption_version: int = 1

    def rotate(self) -> None:
        self.versions.append(os.urandom(32))

    def cipher(self, version: int, body: dict[str, str]) -> AESGCM:
        if not self.derived:
            return AESGCM(self.versions[version - 1])
        if not body.get("context"):
            raise BadRequest("missing 'context' for key derivation; the key was created using a derived key")
        return AESGCM(derive(self.versions[version - 1], body["context"]))


@dataclass
class TransitServer:
    """State that a test changes while the server runs."""

    keys: dict[str, Key]
    server: Server | None = None
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    may: set[str] = field(default_factory=lambda: {"encrypt", "decrypt"})
    mount: str = "transit"
    namespace: str = ""
    sealed: bool = False
    seconds: float = 0.0
    answers: list[Answer] = field(default_factory=list)  # given first, one a request
    meanwhile: Callable[[], None] = lambda: None  # what else happens while a request is on its way

    @property
    def url(self) -> str:
        assert self.server is not None
        return self.server.url

    @property
    def received(self) -> list[Received]:
        assert self.server is not None
        return self.server.received

    def answer(self, request: Received) -> Answer:
        time.sleep(self.seconds)
        self.meanwhile()
        if self.answers:
            return self.answers.pop(0)
        if self.sealed:
            return refusal(503, "Vault is sealed")
        mount, action, name = request.path.removeprefix("/v1/").rsplit("/", 2)
        if request.headers.get("x-vault-token") not in self.tokens or action not in self.may:
            return refusal(403, "1 error occurred:\n\t* permission denied\n\n")
        if mount != self.mount or request.headers.get("x-vault-namespace", "") != self.namespace:
            return refusal(404, f'no handler for route "{mount}/{action}/{name}". route entry not found.')
        try:
            return Answer(body=json.dumps({"data": self._act(action, name, json.loads(request.body))}).encode())
        except (BadRequest, binascii.Error) as error:
            return refusal(400, str(error))

    def _act(self, action: str, name: str, body: dict[str, str]) -> dict[str, Any]:
        if name not in self.keys:
            raise BadRequest("encryption key not found")
        return _encrypt(self.keys[name], body) if action == "encrypt" else _decrypt(self.keys[name], body)


def refusal(status: int, words: str) -> Answer:
    return Answer(status, json.dumps({"errors": [words]}).encode())


def _encrypt(key: Key, body: dict[str, str]) -> dict[str, Any]:
    version, nonce = len(key.versions), os.urandom(12)
    plaintext = base64.b64decode(body["plaintext"], validate=True)
    sealed = key.cipher(version, body).encrypt(nonce, plaintext, _associated_data(body))
    text = base64.b64encode(nonce + sealed).decode()
    return {"ciphertext": f"vault:v{version}:{text}", "key_version": version}


def _decrypt(key: Key, body: dict[str, str]) -> dict[str, Any]:
    prefix, version, text = [*body["ciphertext"].split(":"), "", ""][:3]
    if prefix != "vault":
        raise BadRequest("invalid ciphertext: no prefix")
    number = int(version[1:])
    if number > len(key.versions):
        raise BadRequest("invalid ciphertext: version is too new")
    if number < key.min_decryption_version:
        raise BadRequest("ciphertext or signature version is disallowed by policy (too old)")
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadRequest("invalid ciphertext: could not decode base64") from None
    try:
        plaintext = key.cipher(number, body).decrypt(raw[:12], raw[12:], _associated_data(body))
    except (InvalidTag, ValueError):
        raise BadRequest("cipher: message authentication failed") from None
    return {"plaintext": base64.b64encode(plaintext).decode()}


def _associated_data(body: dict[str, str]) -> bytes:
    return base64.b64decode(body.get("associated_data", ""), validate=True)


@contextmanager
def transit_server(**keys: Key) -> Iterator[TransitServer]:
    transit = TransitServer(keys=keys)
    with http_server(transit.answer) as transit.server:
        yield transit
