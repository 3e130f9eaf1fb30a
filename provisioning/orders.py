"""Describes what is ordered, whatever protocol it came by."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ResourceOrder:
    product: str
    plan: str
    region: str
    features: dict[str, Any] | None = None  # None: the request names none

    def fingerprint(self) -> bytes:
        """Digest (SHA-256) what tells two orders apart. ``1`` and ``1.0`` are one number."""
        features = {label: _plain(value) for label, value in (self.features or {}).items()}
        content = [self.product, self.plan, self.region, features]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()


@dataclass(frozen=True)
class PlanOrder:
    plan: str | None  # None: as it is
    features: dict[str, Any] | None  # None: as they are, as far as the plan has them
    keeps_others: bool = False  # features that it does not name stay as they are, too


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
