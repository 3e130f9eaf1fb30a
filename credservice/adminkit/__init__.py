"""Builds admin pages: what every room's ``admin`` is made of. Knows no room."""
