"""Counts calls by rate, in counters that all processes share."""
