"""Holds the cases, a folder for each protocol."""
