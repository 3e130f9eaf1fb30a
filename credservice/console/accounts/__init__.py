"""Shows and changes one's own account, and all accounts."""
