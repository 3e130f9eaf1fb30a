"""Receives events: checks each one's signature, takes each once, and shows the last of them. See docs/events.md.

pip install standardwebhooks
EVENTS_SECRET=whsec_... python event_receiver.py 9001
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

SHOWN = 100
EVENTS: dict[str, dict] = {}  # by webhook-id, the newest last; in your product, a table with a unique key


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 65536))
        try:
            event = Webhook(os.environ["EVENTS_SECRET"]).verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):
            return self.answer(401, {"message": "The signature does not fit."})
        EVENTS.setdefault(self.headers["webhook-id"], event)  # a repeat is known: at least once is what is promised
        for old in list(EVENTS)[:-SHOWN]:
            EVENTS.pop(old, None)
        self.answer(200, {})

    def do_GET(self):
        self.answer(200, list(reversed(EVENTS.values())))

    def answer(self, status, content):
        body = json.dumps(content, indent=2).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        """Nobody reads them."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
