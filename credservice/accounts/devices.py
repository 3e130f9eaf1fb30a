"""Knows again a browser in which an account has signed in, so that strangers' tries do not count against its owner.

By a cookie with a code of ours over the account's name, as in OWASP's "Slow Down Online Guessing Attacks with Device
Cookies". It lets nobody in: it says whose tries are counted apart.
"""

import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from credservice.accounts.sessions import row_id
from credservice.crypto import SealError, authenticate, is_authentic
from credservice.crypto.kek import KeyServiceError

COOKIE = "__Host-device" if settings.SESSION_COOKIE_SECURE else "credservice-device"
GOOD_FOR = 180 * 86400  # seconds
_PURPOSE = "accounts.device"


def remember_device(request: HttpRequest, response: HttpResponse) -> None:
    """Have the browser say from now on that the account of this session has signed in there.

    However often it is asked, a session makes one device: else whoever has one could collect as many as they like, each
    with tries of its own.
    """
    session = authenticate(row_id(request.session.session_key).encode(), f"{_PURPOSE} of session")
    device = f"{int(time.time())}-{session[4:20].hex()}"
    code = authenticate(_message(device, request.user.get_username()), _PURPOSE).hex()
    response.set_cookie(
        COOKIE,
        f"{device}.{code}",
        max_age=GOOD_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def known_device(request: HttpRequest, account: str) -> str:
    """Name the browser, where ``account`` signed in in it within ``GOOD_FOR``; otherwise ``""``."""
    device, _, code = request.COOKIES.get(COOKIE, "")[:200].partition(".")
    since, _, name = device.partition("-")
    try:
        is_known = is_authentic(bytes.fromhex(code), _message(device, account), _PURPOSE)
        is_recent = time.time() - int(since) < GOOD_FOR
    except (ValueError, SealError, KeyServiceError):
        return ""
    return name if is_known and is_recent else ""


def _message(device: str, account: str) -> bytes:
    return f"{device}\n{account}".encode()
