"""``make bench``: what the running service does a second, and how long an answer takes. See docs/performance.md."""
