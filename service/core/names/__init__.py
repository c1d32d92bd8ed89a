"""Name comparison (RFC 5280 §7.1) and general names."""
