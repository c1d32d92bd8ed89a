"""Records of decisions, kept on this host's disk for a while and found again (SQLite)."""
