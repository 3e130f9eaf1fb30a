"""Holds the console's formats of dates and numbers."""
