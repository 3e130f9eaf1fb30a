"""Bounds spans of time that are set: one limit for the console, the vendor API, set-up files and commands."""

from datetime import timedelta

MAX_SPAN = timedelta(days=100 * 365)
AT_MOST = "100 years at most"
