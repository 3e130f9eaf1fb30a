"""Verifies the Ed25519 chain of trust of a marketplace's calls."""
