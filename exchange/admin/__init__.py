"""Shows the exchange in the console."""

from exchange.admin import end_users, grants, mindcloud, platforms, related

__all__ = ["end_users", "grants", "mindcloud", "platforms", "related"]
