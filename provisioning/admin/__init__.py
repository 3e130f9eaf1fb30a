"""The marketplace's pages in the console."""

from provisioning.admin import catalogue, marketplaces, orders, related, rotations, usage

__all__ = ["catalogue", "marketplaces", "orders", "related", "rotations", "usage"]
