"""The marketplace's pages in the console."""

from provisioning.admin import catalogue, marketplaces, orders, related, usage

__all__ = ["catalogue", "marketplaces", "orders", "related", "usage"]
