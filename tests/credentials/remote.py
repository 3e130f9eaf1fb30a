"""An issuer with an outside: it can be slow, away or unwilling, and remembers what it made."""

import threading

from credservice.issuers.base import Issued, IssueFailed, Issuer, IssuerUnavailable
from credservice.issuers.options import only

ALIAS = {"remote": {"BACKEND": "tests.credentials.remote.Remote"}}


class Remote(Issuer):
    def __init__(self):
        self.made, self.calls, self.revoked = {}, [], []
        self.answer = None  # an exception to raise instead
        self.at_work, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()

    def check_options(self, options):
        only(options, set())

    def value_names(self, options):
        return ("TOKEN",)

    def issue(self, request):
        self.calls.append(request.credential_id)
        self.at_work.set()
        assert self.may_answer.wait(30)
        if self.answer is not None:
            raise self.answer
        token = self.made.setdefault(request.credential_id, f"token-{len(self.made)}-of-the-remote")
        return Issued(values={"TOKEN": token}, handle={"number": len(self.made)}, hint="token")

    def revoke(self, credential_id, options, handle):
        if self.answer is not None:
            raise self.answer
        self.revoked.append((credential_id, dict(handle)))
        self.made.pop(credential_id, None)


UNAVAILABLE = IssuerUnavailable("connection refused", retry_after=7)
UNWILLING = IssueFailed("quota exhausted")
