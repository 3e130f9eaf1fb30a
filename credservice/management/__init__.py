"""Holds the commands of the kernel."""
