"""Proves that a backup can be restored: brings it back beside production, checks it, and says what it lacks."""


class Unusable(Exception):
    """Something that was given cannot be used, or is not there. Its text says what to do."""
