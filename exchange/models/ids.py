"""Partners' ids."""

# Opaque and case-sensitive, at most this long (protocol notes, MindCloud).
MAX_ID = 255
