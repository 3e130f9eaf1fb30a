"""Imports many end users, grants and credentials: one engine for the API and the command. See docs/import.md."""
