"""Reads and writes the exchange's part of the set-up file."""
