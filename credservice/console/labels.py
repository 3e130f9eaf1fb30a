"""How a list shows a state: a coloured word."""

from typing import Any

from unfold.decorators import display


@display(description="State", label={"active": "success", "suspended": "danger"})
def active_state(obj: Any) -> str:
    """Of a row with ``is_active``."""
    return "active" if obj.is_active else "suspended"
