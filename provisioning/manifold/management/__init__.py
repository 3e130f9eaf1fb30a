"""Holds the commands of this protocol."""
