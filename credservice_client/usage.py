"""Reports usage of metered features: see docs/usage.md."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from credservice_client.answers import UsageReceipt
from credservice_client.calls import Calls, moment, once, place


@dataclass(frozen=True, kw_only=True)
class UsageReport:
    """``key``: your own name of this report. ``at`` has its zone. ``corrects``: the key of the one it replaces."""

    resource: str
    key: str
    feature: str
    quantity: int
    at: datetime
    corrects: str | None = None


class Usage(Calls):
    def report_resource_usage(
        self,
        resource: str,
        *,
        key: str,
        feature: str,
        quantity: int,
        at: datetime,
        corrects: str | None = None,
        idempotency_key: str | None = None,
    ) -> UsageReceipt:
        """Send one report. The same under the same key counts once."""
        body = _body(key, feature, quantity, at, corrects)
        headers = once(idempotency_key)
        return self._write(UsageReceipt, "POST", place("resources", resource, "usage"), body, headers=headers)

    def report_usage(self, reports: Iterable[UsageReport], *, idempotency_key: str | None = None) -> UsageReceipt:
        """Send 1 to 1,000 reports, all or none. ``extensions["problems"]`` of a refusal names those in the way."""
        bodies = [
            {"resource": each.resource} | _body(each.key, each.feature, each.quantity, each.at, each.corrects)
            for each in reports
        ]
        headers = once(idempotency_key)
        return self._write(UsageReceipt, "POST", "/usage", {"reports": bodies}, headers=headers)


def _body(key: str, feature: str, quantity: int, at: datetime, corrects: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {"key": key, "feature": feature, "quantity": quantity, "at": moment(at)}
    return body if corrects is None else body | {"corrects": corrects}
