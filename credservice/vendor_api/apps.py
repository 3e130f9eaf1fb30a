"""Registers the app of service tokens and idempotent calls."""

from django.apps import AppConfig


class VendorApiConfig(AppConfig):
    name = "credservice.vendor_api"
    label = "vendor_api"
    verbose_name = "Vendor API"
