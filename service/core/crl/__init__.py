"""CRL validation (RFC 5280 §6.3), a file a step."""
