"""Counts by the hour, for the console's overview."""
