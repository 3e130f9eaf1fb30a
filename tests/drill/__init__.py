"""Drills that prove what survives: the service is broken on purpose, under load, and what it promised is counted."""
