"""Is Django's PostgreSQL backend with what a database that fails over, or hides behind a pooler, asks of us besides."""
