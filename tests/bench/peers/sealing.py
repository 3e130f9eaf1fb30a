"""Seals values with AES-GCM under one key of the environment, bound to the row that they are for."""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

AES = AESGCM(bytes.fromhex(os.environ["PEER_SEALING_KEY"]))


def seal(value: str, row: str) -> bytes:
    nonce = os.urandom(12)
    return nonce + AES.encrypt(nonce, value.encode(), row.encode())


def unseal(sealed: bytes, row: str) -> str:
    return AES.decrypt(sealed[:12], sealed[12:], row.encode()).decode()
