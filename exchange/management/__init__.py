"""Holds the commands of the exchange door."""
