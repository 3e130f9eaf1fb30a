"""Makes the audit log tamper-evident: seals it in batches into a signed hash chain, and verifies that."""
