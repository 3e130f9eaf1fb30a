"""Shows marketplaces, their catalogues and their orders in the console. Each protocol adds its own pages."""

from provisioning.admin import catalogue, marketplaces, operations, orders, related, sessions, usage

__all__ = ["catalogue", "marketplaces", "operations", "orders", "related", "sessions", "usage"]
