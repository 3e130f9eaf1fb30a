"""Holds the kernel that both doors stand on, and the version of all of it."""

__version__ = "0.1.0"
