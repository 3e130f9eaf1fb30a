"""Issuers with an outside, for what a first exchange does with one: really slow, really down, really refusing."""

import itertools
import time
from collections.abc import Mapping
from typing import Any

from credservice.issuers.base import Issued, IssueFailed, Issuer, IssueRequest, IssuerUnavailable


class RemoteIssuer(Issuer):
    """Makes a numbered value after ``seconds``; ``state`` tells whether it is up."""

    made = itertools.count(1)
    calls: list[str] = []
    state = "up"

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self._seconds = seconds

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Takes any."""

    def value_names(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        return ("apiKey",)

    def issue(self, request: IssueRequest) -> Issued:
        type(self).calls.append(request.credential_id)
        time.sleep(self._seconds)
        if self.state == "down":
            raise IssuerUnavailable("connection refused", retry_after=17)
        if self.state == "refusing":
            raise IssueFailed("does not know this customer")
        return Issued(values={"apiKey": f"remote-{next(self.made)}"})


class LocalIssuer(RemoteIssuer):
    local = True
