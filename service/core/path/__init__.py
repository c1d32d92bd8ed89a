"""Certification path building and validation (RFC 5280 §6.1), a file a step."""
