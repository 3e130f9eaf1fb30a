"""Owns the secrets that we verify others with, and the keys that we sign with."""
