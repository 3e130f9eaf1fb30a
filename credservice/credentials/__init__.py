"""Owns the life of a credential, from its issue to its end."""
