"""Plays the demonstration's authorization server: client credentials (RFC 6749, 4.4), and nothing else.

`CLIENT_SECRET=... python -m credservice.devserver.authorization_server PORT`. The `oauth2` issuer's own tests run
against a complete server; this one is for looking at.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote

CLIENT = "credservice"
LIFETIME = 600  # seconds
MAX_BODY = 65536


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MAX_BODY))
        if not self._is_known():
            self._answer(401, {"error": "invalid_client"})
        elif parse_qs(body.decode()).get("grant_type") != ["client_credentials"]:
            self._answer(400, {"error": "unsupported_grant_type"})
        else:
            token = secrets.token_urlsafe(32)
            self._answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME})

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads them."""

    def _is_known(self) -> bool:
        scheme, _, encoded = (self.headers.get("Authorization") or "").partition(" ")
        try:
            user, _, password = base64.b64decode(encoded).decode().partition(":")
        except ValueError:
            return False
        fits = hmac.compare_digest(unquote(password).encode(), os.environ["CLIENT_SECRET"].encode())
        return scheme.lower() == "basic" and unquote(user) == CLIENT and fits

    def _answer(self, status: int, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Endpoint).serve_forever()
