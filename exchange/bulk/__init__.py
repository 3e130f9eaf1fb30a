"""Many end users, grants and credentials at once: one engine for the API and the command. See docs/import.md."""
