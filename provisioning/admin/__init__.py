"""The marketplace's pages in the console."""

from provisioning.admin import catalogue, later, marketplaces, orders, related, rotations, sessions, usage

__all__ = ["catalogue", "later", "marketplaces", "orders", "related", "rotations", "sessions", "usage"]
