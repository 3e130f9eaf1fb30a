"""A backend that hands MindCloud's browser token to its own page. See docs/protocols/mindcloud.md.

Its token has the scope mindcloud-tokens:mint; for customers who are not registered yet, end-users:write as well.

CREDSERVICE_URL=http://localhost:8000 CREDSERVICE_TOKEN=cst_... python mindcloud_backend.py 9100
"""

import json
import os
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

PAGE = Path(__file__).with_name("mindcloud-page.html")


def signed_in_customer(request):
    """In your product: whoever your own session says. Never what the browser sends."""
    return {"id": "customer-1", "name": "Acme", "email": "ops@acme.example"}


def browser_token(customer):
    url = f"{os.environ['CREDSERVICE_URL']}/api/v1/end-users/{quote(customer['id'], safe='')}/mindcloud-token"
    body = json.dumps({"name": customer["name"], "email": customer["email"]}).encode()
    headers = {"Authorization": f"Bearer {os.environ['CREDSERVICE_TOKEN']}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=15) as answer:
        return json.load(answer)["token"]


class Backend(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, "text/html; charset=utf-8", PAGE.read_bytes())

    def do_POST(self):
        try:
            token = browser_token(signed_in_customer(self))
        except urllib.error.HTTPError as error:
            problem = json.load(error)  # RFC 9457: for your log, not for the browser
            print(problem["type"], problem["detail"], file=sys.stderr)
            return self.answer(503, "application/json", b'{"message": "Integrations are not available right now."}')
        self.answer(200, "application/json", json.dumps({"token": token}).encode())

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Backend).serve_forever()
