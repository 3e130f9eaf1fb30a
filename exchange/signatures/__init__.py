"""Verifies signatures of exchange calls, and explains those that do not verify. Knows no model."""
