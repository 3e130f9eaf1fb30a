"""An operator's browser, over real HTTP."""

import base64
import hmac
import re
import struct
import time

import httpx2

SESSION = "credservice-session"
_HIDDEN = re.compile(r'<input type="hidden" name="(csrfmiddlewaretoken|form_id)" value="([^"]+)"')


class Browser:
    """Follows no redirect; ``session`` is the cookie of a session that began elsewhere."""

    def __init__(self, url: str, session: str = "") -> None:
        cookies = {SESSION: session} if session else {}
        self.http = httpx2.Client(base_url=url, cookies=cookies, timeout=30, trust_env=False)

    def get(self, path: str) -> httpx2.Response:
        return self.http.get(path)

    def send(self, path: str, **values: str) -> httpx2.Response:
        """Open a page's form, fill it and send it."""
        return self.fill(self.get(path), **values)

    def fill(self, page: httpx2.Response, **values: str) -> httpx2.Response:
        """Send the form of a page that is open."""
        assert page.status_code == 200, (page.status_code, page.headers.get("location"))
        return self.http.post(page.url, data=dict(_HIDDEN.findall(page.text)) | values)

    def sign_in(self, name: str, password: str, code: str = "") -> str:
        """Sign in, and find where it leads in the end; ``code`` is the second factor's."""
        answer = self.send("/admin/login/", username=name, password=password)
        if code:
            answer = self.send(answer.headers["location"], code=code)
        return answer.headers.get("location", "")

    @property
    def session(self) -> str:
        return str(self.http.cookies[SESSION])

    def is_in(self) -> bool:
        return self.get("/admin/").status_code == 200


def totp(secret: str) -> str:
    """RFC 6238 with its defaults."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % 10**6:06}"
