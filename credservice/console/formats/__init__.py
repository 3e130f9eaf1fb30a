"""Formats dates: see the setting FORMAT_MODULE_PATH."""
