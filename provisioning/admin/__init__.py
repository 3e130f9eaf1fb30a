"""The marketplace's pages in the console."""

from provisioning.admin import catalogue, marketplaces, orders, usage

__all__ = ["catalogue", "marketplaces", "orders", "usage"]
