"""Provisions what marketplaces order: resources and their credentials."""
